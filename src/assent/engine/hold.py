"""Holding: which events that would be delivered are kept back, because their source or a category is held.

That a destination or the whole workspace is held needs no look at events: there the cursor stands still.
"""

import hashlib
from typing import Literal, NamedTuple

import msgspec

from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.workspace import Category, Workspace

_encode = msgspec.json.Encoder().encode


class Holder(NamedTuple):
    """What holds an event: its source, or the categories that its delivery rests on."""

    kind: Literal["source", "category"]
    ids: tuple[str, ...]


class Holds:
    """The held sources and categories of one workspace, compiled; false when there are none."""

    def __init__(self, workspace: Workspace) -> None:
        self._sources = tuple(sorted(one.id for one in workspace.sources if one.held))
        self._any = workspace.rules.several_categories == "any"
        self._mapped = {
            one.id: _needed(workspace, one.id) for one in workspace.destinations if one.enabled and workspace.categories
        }
        self._categories = {
            id_: held for id_, mapped in self._mapped.items() if (held := tuple(one.id for one in mapped if one.held))
        }

    def __bool__(self) -> bool:
        return bool(self._sources or self._categories)

    def holder(self, source: str, destination: str, decision: Decision) -> Holder | None:
        """What holds an event of this source on which this was decided; None when it may go, or does not anyway.

        A grant rests on the categories that settled it: under `any` on all of them together, so that one which is not
        held is enough; under `all` on each. Where consent had no say, any held category of the destination holds. A
        consent update is not sent because of a category.
        """
        if decision.verdict is Verdict.WITHHOLD:
            return None
        if source in self._sources:
            return Holder("source", (source,))
        held = self._categories.get(destination)
        if not held or decision.reason is Reason.CONSENT_UPDATE:
            return None
        if decision.reason is not Reason.CONSENTED:
            return Holder("category", held)
        blocking = tuple(one for one in decision.categories if one in held)
        if not blocking or (self._any and len(blocking) < len(decision.categories)):
            return None
        return Holder("category", blocking)

    def concern(self, destination: str) -> bool:
        """Whether any event may be held for this destination."""
        return bool(self._sources) or destination in self._categories

    def key(self, destination: str) -> str:
        """A text that changes with everything that decides what is held for this destination.

        Events that were passed over under another key may be free now.
        """
        mapped = [(one.id, one.enabled, one.held) for one in self._mapped.get(destination, ())]
        return hashlib.sha256(_encode([self._sources, self._any, mapped])).hexdigest()[:16]


def _needed(workspace: Workspace, destination: str) -> tuple[Category, ...]:
    ignores_disabled = workspace.rules.disabled_category == "ignore"
    return tuple(
        one for one in workspace.categories if destination in one.destinations and (one.enabled or not ignores_disabled)
    )
