"""Where a destination stands: under which condition it gets events, in words that people can check."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from assent.domain.workspace import Category, Destination, Workspace

Condition: TypeAlias = Literal["always", "never", "any", "all"]


class Standing(msgspec.Struct, frozen=True):
    """When a destination gets an event that carries consent, and whether one without consent reaches it.

    `condition` is about `categories`, by title, for `any` and `all`. `off` are the categories that are switched off and
    close it. `is_mapped` is false for a destination in no category.
    """

    destination: Destination
    condition: Condition
    categories: tuple[str, ...]
    off: tuple[str, ...]
    is_mapped: bool
    gets_without_consent: bool

    @property
    def sentence(self) -> str:
        """When it gets an event that carries consent."""
        name = self.destination.title
        if not self.destination.enabled:
            return f"{name} is switched off, and gets nothing."
        if self.condition == "always":
            return f"{name} gets every event, whatever the person answered, because it is in no category."
        if self.condition == "never":
            why = f"{_listed(self.off, 'and')} is switched off" if self.off else "it is in no category"
            return f"{name} gets no event that carries consent, because {why}."
        word = "or" if self.condition == "any" else "and"
        return f"{name} gets an event when the person granted {_listed(self.categories, word)}."

    @property
    def sentence_without(self) -> str:
        """What becomes of events without a consent object; empty where it gets nothing at all."""
        if not self.destination.enabled:
            return ""
        if self.gets_without_consent:
            return "Events without a consent object reach it too, without enforcement."
        return "Events without a consent object are withheld from it."


def standing(workspace: Workspace, destination: Destination) -> Standing:
    """The standing of one destination; what the integrations object of an event closes is beyond it."""
    rules = workspace.rules
    mapped = [one for one in workspace.categories if destination.id in one.destinations]
    needed = [one for one in mapped if one.enabled or rules.disabled_category == "withhold"]
    asked = [one for one in needed if one.enabled]
    off = [one for one in needed if not one.enabled]
    needs_none = not needed and rules.unmapped_destination == "deliver"
    without = destination.enabled and (rules.no_consent == "deliver" or needs_none)

    def stands(condition: Condition, closing: Sequence[Category] = ()) -> Standing:
        shown = tuple(one.title for one in asked)
        return Standing(destination, condition, shown, tuple(one.title for one in closing), bool(mapped), without)

    if not destination.enabled:
        return stands("never")
    if not needed:
        return stands("always" if needs_none else "never", [one for one in mapped if not one.enabled])
    if not asked or (off and rules.several_categories == "all"):
        return stands("never", off)
    return stands("any" if rules.several_categories == "any" else "all")


def _listed(names: Sequence[str], word: str) -> str:
    """`A`, `A or B`, `A, B or C`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {word} {names[-1]}"
