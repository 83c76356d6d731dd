"""The documents hang together: links lead somewhere, tables are true, and nobody else is asked for anything."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest
from pages import AT_THE_ROOT, ROOT, blocks, pages
from site_pages import Site

from assent.domain.workspace import PRESETS, Rules

_LINK: Final = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_GENERATED: Final = "docs/reference/"


def test_a_page_loads_nothing_from_anybody_else(site: Site) -> None:
    """Links within the site are the build's to check: a warning fails it."""
    elsewhere = {path: [one for one in site.page(path).loaded if "//" in one] for path in site.paths()}
    assert len(elsewhere) > 30
    assert not [path for path, found in elsewhere.items() if found]
    assert not re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", site.styles())


def test_no_table_of_the_guide_was_left_empty(site: Site) -> None:
    for path in site.paths():
        assert "<!-- generated" not in (site.directory / path / "index.html").read_text(), path


@pytest.mark.parametrize("name", AT_THE_ROOT)
def test_the_links_of_a_page_at_the_root_lead_to_files_of_the_repository(name: str) -> None:
    links = [one for one in _LINK.findall((ROOT / name).read_text()) if "://" not in one]
    assert [one for one in links if not (ROOT / one).exists()] == []


def test_the_table_of_presets_in_the_readme_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)`[^|]*\| (.+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    shown = {rule: [value.strip() for value in values.split("|")] for rule, values in rows}
    assert shown == {rule: [getattr(one, rule) for one in PRESETS.values()] for rule in Rules.__struct_fields__[:5]}


def test_the_code_that_the_architecture_names_is_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    files = re.findall(r"`((?:app|delivery|destinations|engine|domain|log|store)/\w+\.py)`", text)
    assert len(files) > 20
    assert [one for one in files if not (ROOT / "src/assent" / one).exists()] == []
    source = "\n".join(one.read_text() for one in (ROOT / "src/assent").rglob("*.py"))
    for owner, name in re.findall(r"`([A-Z]\w+)\.(\w+)`", text):
        assert re.search(rf"class {owner}\b.*?\n    (async )?def {name}\(", source, re.DOTALL), f"{owner}.{name}"
    for name in ("quick_routing_key", "forward", "dispatch", "decide"):
        assert re.search(rf"def {name}\(", source)


def test_every_decision_has_its_parts_and_is_in_the_list() -> None:
    listed = (ROOT / "docs/decisions/index.md").read_text()
    files = sorted((ROOT / "docs/decisions").glob("0*.md"))
    assert [int(one.name[:4]) for one in files] == list(range(1, len(files) + 1))
    for file in files:
        assert re.findall(r"^## (.+)$", file.read_text(), re.MULTILINE) == ["Context", "Decision", "Consequences"]
        assert file.name in listed


def test_a_block_that_is_not_tried_says_why() -> None:
    untested = [(block.where, block.untested) for page in pages() for block in blocks(page) if block.untested]
    assert all(len(why or "") > 10 for _, why in untested)
    assert len(untested) < 10


@pytest.mark.parametrize("fragment", sorted((ROOT / "changelog.d").iterdir()), ids=lambda one: one.name)
def test_fragments_of_the_changelog_are_named_by_their_kind(fragment: Path) -> None:
    assert fragment.name == "README.md" or re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", fragment.name)
    assert fragment.read_text().endswith("\n")


def test_no_page_names_this_machine() -> None:
    assert not [page for page in pages() if re.search(r"/(?:work|root|home)/", page.read_text())]


def test_headings_go_down_one_step_at_a_time() -> None:
    for page in pages():
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        depths = [len(one) for one in re.findall(r"^(#+) ", text, re.MULTILINE)]
        assert depths[:1] == [1], page
        assert all(after <= before + 1 and after > 1 for before, after in pairwise(depths)), page
