"""The catalogue of consent tools: every one of them says where its ids are, and its categories can be created."""

from pathlib import Path

import pytest

from assent.domain.workspace import Category, Consent, Workspace
from assent.engine.check import find_mistakes
from assent.signals.tools import TOOLS, Tool, find_tool

PAGES = Path(__file__).parents[2] / "docs" / "guide" / "tools"
WITHOUT_READY_MADE = {"ketch", "klaro", "sourcepoint", "gpp", "gpc", "own"}


def test_every_tool_has_an_id_of_its_own() -> None:
    assert len({one.id for one in TOOLS}) == len({one.name for one in TOOLS}) == len(TOOLS) == 17
    assert all(find_tool(one.id) is one for one in TOOLS)
    assert find_tool("none of them") is None


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.id)
def test_its_categories_make_a_workspace(tool: Tool) -> None:
    assert tool.where.endswith(".")
    assert bool(tool.categories) != (tool.id in WITHOUT_READY_MADE)
    categories = [{"id": one.id, "name": one.name} for one in tool.categories]
    assert find_mistakes({"consent": {"categories": categories}}) == []
    workspace = Workspace(consent=Consent(categories=tuple(Category(one.id, one.name) for one in tool.categories)))
    assert all(one.title != one.id for one in workspace.categories)


def test_onetrust_has_the_ids_that_its_pages_send() -> None:
    tool = find_tool("onetrust")
    assert tool is not None
    assert [one.id for one in tool.categories] == ["C0001", "C0002", "C0003", "C0004", "C0005"]


@pytest.mark.parametrize("tool", [one for one in TOOLS if one.line], ids=lambda tool: tool.id)
def test_its_page_says_what_to_type(tool: Tool) -> None:
    page = (PAGES / f"{tool.id}.md").read_text()
    assert f"```text\n{tool.line}\n```" in page
    assert f"({tool.id}.md)" in (PAGES / "index.md").read_text()
