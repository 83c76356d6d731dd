"""The category finder: from what a consent tool wrote to categories, for console, API and command line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from assent.domain.errors import InvalidInput
from assent.domain.workspace import Category, Workspace
from assent.engine.check import NAME_CHARACTERS
from assent.engine.edit import Edit, add_category, in_turn
from assent.signals.finder import MOST_CHARACTERS, find_readings
from assent.signals.reading import Answer, Reading
from assent.signals.tools import find_tool

_ONLY_BY_SIGNALS: Final = frozenset({"tcf", "gpp", "gpc"})
_SHOWN: Final = 100


class FoundId(msgspec.Struct, frozen=True):
    """One id that a tool uses, with what was answered for it.

    `category` is the id of the category that it is already, empty where there is none; `suggested` is the one to
    create.
    """

    id: str
    name: str
    answer: Answer
    category: str
    suggested: Category


class ScannedTool(msgspec.Struct, frozen=True):
    """What one consent tool wrote; `explicit` and `at` as in a reading."""

    tool: str
    title: str
    explicit: bool | None
    at: int | None
    ids: Sequence[FoundId]

    @property
    def missing(self) -> list[FoundId]:
        """Those that the workspace has no category for."""
        return [one for one in self.ids if not one.category]


def scan(text: str, workspace: Workspace, tool: str = "") -> list[ScannedTool]:
    """The consent tools that a text is of, with their ids. Raises InvalidInput where none is recognised."""
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput(f"this is more than {MOST_CHARACTERS:,} characters: paste only the cookies", field="text")
    readings = [one for one in find_readings(text, tool) if one.preferences]
    if not readings:
        raise InvalidInput(_not_recognised(text), field="text")
    return [_scanned(one, workspace) for one in readings]


def _not_recognised(text: str) -> str:
    if not text.strip():
        return "paste a cookie, a TC string, or what the line printed"
    return (
        "nothing of a consent tool is in this that can be read: answer the banner first, then copy all cookies, or the "
        "whole of what the line printed"
    )


def _scanned(reading: Reading, workspace: Workspace) -> ScannedTool:
    tool = find_tool(reading.tool)
    ids = list(_ids(reading, _names(reading), workspace))[:_SHOWN]
    return ScannedTool(reading.tool, tool.name if tool is not None else reading.tool, reading.explicit, reading.at, ids)


def _names(reading: Reading) -> Mapping[str, str]:
    """The names of the ids: the catalogue's, unless the tool told its own."""
    tool = find_tool(reading.tool)
    return {**{one.id: one.name for one in (tool.categories if tool is not None else ())}, **reading.names}


def _ids(reading: Reading, names: Mapping[str, str], workspace: Workspace) -> Iterator[FoundId]:
    for id_, answer in reading.preferences.items():
        # Of a TC string only the purposes: a category that goes by interest or feature is rare, and has a form.
        if reading.tool == "tcf" and not id_.isdigit():
            continue
        name = names.get(id_, "")[:NAME_CHARACTERS]
        suggested = _suggested(reading.tool, id_, name)
        yield FoundId(id_, name, answer, _category_of(reading.tool, id_, workspace), suggested)


def _suggested(tool: str, id_: str, name: str) -> Category:
    """A category for an id. Where it cannot have that id, or would not be read by it, it has a signal."""
    plain = re.sub(r"[^\w -]", "-", id_)[:NAME_CHARACTERS] if "." in id_ or not id_.isprintable() else id_
    own = f"tcf-{id_}" if tool == "tcf" else plain[:NAME_CHARACTERS]
    is_read_by_id = own == id_ and tool not in _ONLY_BY_SIGNALS
    return Category(own, name, signals=() if is_read_by_id else (_signal(tool, id_),))


def _category_of(tool: str, id_: str, workspace: Workspace) -> str:
    signals = {one: category.id for category in workspace.categories for one in category.signals}
    known = {one.id for one in workspace.categories}
    if (signal := _signal(tool, id_)) in signals:
        return signals[signal]
    return id_ if id_ in known and tool not in _ONLY_BY_SIGNALS else ""


def _signal(tool: str, id_: str) -> str:
    return tool if tool == id_ else f"{tool}:{id_}"


def creation(wanted: Sequence[FoundId]) -> Edit:
    """The edit that creates the suggested categories, each once."""
    by_id = {one.suggested.id: one.suggested for one in wanted}
    return in_turn(*(add_category(one) for one in by_id.values()))
