"""Why an event went where it did: the fate of one event at every destination, for API, console and command line."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from assent.app.services.fates import Fates
from assent.domain.errors import NotFound
from assent.engine.fate import Fate
from assent.engine.policy import event_of
from assent.engine.rule import DecisiveRule, decisive_rules
from assent.log.interface import Found, Log


class Explained(NamedTuple):
    """One kept event, and what became of it at every destination that it concerns; `rules` are those that settled it
    there, by destination."""

    found: Found
    fates: list[Fate]
    rules: dict[str, tuple[DecisiveRule, ...]]


class Explainer:
    """Explains events that are still in the log."""

    def __init__(self, log: Log, fates: Fates) -> None:
        self._log = log
        self._fates = fates

    async def explain(self, message_id: str) -> Sequence[Explained]:
        """Every kept event with this message id, newest first: one per source, unless they are over 24 hours apart."""
        found = await self._log.find(message_id)
        return await asyncio.to_thread(lambda: [self._explained(one) for one in found])

    def _explained(self, found: Found) -> Explained:
        fates = self._fates.between(found.offset, found.offset + 1).of(found)
        return Explained(found, fates, self._rules(found, fates))

    def _rules(self, found: Found, fates: Iterable[Fate]) -> dict[str, tuple[DecisiveRule, ...]]:
        event = event_of(found.record.routing_key)
        return {
            one.destination: decisive_rules(self._fates.version(one.version).version.workspace, one.destination, event)
            for one in fates
            if one.version is not None
        }


def choose(
    explained: Sequence[Explained], message_id: str, source: str | None, at: int | None
) -> tuple[Explained, list[Explained]]:
    """Of events with the same message id the newest from this source, received `at` then (UTC epoch milliseconds); and
    the others. None is any. Raises NotFound."""
    for one in explained:
        if source in (None, one.found.record.source) and at in (None, one.found.record.received_at):
            return one, [other for other in explained if other is not one]
    raise NotFound(f"there is no event `{message_id}` in the log: it never came in, or is too old")
