"""The hook of mkdocs that makes the reference, and fills the tables of the guide, from the code itself.

A page of the reference is made at each build, so that none can be older than the code. In a page written by hand, a
line `<!-- generated: NAME -->` stands for a table of `TABLES`.
"""

import re
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from mkdocs.structure.files import File, Files
from reference import commands, connectors, discards, errors, http, library, metrics, reasons, rules, workspace

PAGES: Final[dict[str, ModuleType]] = {
    "commands": commands,
    "connectors": connectors,
    "discards": discards,
    "errors": errors,
    "http": http,
    "library": library,
    "metrics": metrics,
    "reasons": reasons,
    "rules": rules,
    "workspace": workspace,
}

TABLES: Final = {
    "presets": rules.presets,
    "rules": rules.rules,
    "readings": rules.readings,
    "several_categories": rules.several_categories,
    "unmapped_destination": rules.unmapped_destination,
    "disabled_category": rules.disabled_category,
    "integrations_object": rules.integrations_object,
}

FROM_THE_ROOT: Final = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""The pages that live at the root of the repository, where people look for them, and what they are in the site."""

_WITHOUT_SIDEBAR: Final = "---\nhide: [navigation]\n---\n"
_ROOT: Final = Path(__file__).parent.parent
_MARKER: Final = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the reference, and those that live at the root of the repository."""
    for name, module in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content=module.markdown()))
    for name, path in FROM_THE_ROOT.items():
        files.append(File.generated(config, path, content=_as_in_the_site(_ROOT / name)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in the generated tables."""
    return _MARKER.sub(lambda found: TABLES[found[1]](), markdown)


def _as_in_the_site(page: Path) -> str:
    """A page of the repository's root, its links made those of the site."""
    markdown = page.read_text()
    for name, path in FROM_THE_ROOT.items():
        markdown = markdown.replace(f"]({name}", f"]({path}")
    markdown = markdown.replace("](docs/", "](")
    return _WITHOUT_SIDEBAR + markdown if page.name == "README.md" else markdown
