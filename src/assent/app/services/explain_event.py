"""Why an event went where it did: the fate of one event at every destination, for API, console and command line."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from assent.app.services.fates import Fates
from assent.delivery.known_consent import NOTHING, Known
from assent.domain.errors import NotFound
from assent.engine.fate import Fate, decision_for
from assent.engine.policy import event_of
from assent.engine.rule import DecisiveRule, decisive_rules
from assent.engine.stamp import Answers, Stamp, is_unstamped
from assent.log.interface import Found, Log


class Explained(NamedTuple):
    """One kept event, and what became of it at every destination that it concerns; `rules` are those that settled it
    there, by destination. `stamped` is the consent that it got from the ledger, where it got some, and `receipts` are
    the ids of those which say so."""

    found: Found
    fates: list[Fate]
    rules: dict[str, tuple[DecisiveRule, ...]]
    stamped: Answers = ()
    receipts: tuple[str, ...] = ()


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
        known = self._fates.known_then(found) if self._may_be_stamped(found, fates) else NOTHING
        rules = {
            one.destination: self._rules(found, one.destination, one.version, known)
            for one in fates
            if one.version is not None
        }
        stamps = [stamp for one in fates if one.version and (stamp := self._stamp(found, one.version, known))]
        receipts = self._fates.receipts(known.then[found.offset]) if stamps else ()
        return Explained(found, fates, rules, stamps[0].answers if stamps else (), receipts)

    def _may_be_stamped(self, found: Found, fates: Iterable[Fate]) -> bool:
        versions = {one.version for one in fates if one.version is not None}
        return is_unstamped(found.record.routing_key) and any(
            self._fates.version(one).policy.stamps for one in versions
        )

    def _stamp(self, found: Found, version: int, known: Known) -> Stamp | None:
        return known.stamp(self._fates.version(version).policy, found.offset, found.record)

    def _rules(self, found: Found, destination: str, version: int, known: Known) -> tuple[DecisiveRule, ...]:
        workspace, key = self._fates.version(version).version.workspace, found.record.routing_key
        stamp = self._stamp(found, version, known)
        if stamp is None:
            return decisive_rules(workspace, destination, event_of(key))
        rules = decisive_rules(workspace, destination, event_of(stamp.key))
        policy = self._fates.version(version).policy
        if decision_for(policy, key, destination) == decision_for(policy, stamp.key, destination):
            return rules
        return (*rules, DecisiveRule("unstamped_events", "stamp"))


def choose(
    explained: Sequence[Explained], message_id: str, source: str | None, at: int | None
) -> tuple[Explained, list[Explained]]:
    """Of events with the same message id the newest from this source, received `at` then (UTC epoch milliseconds); and
    the others. None is any. Raises NotFound."""
    for one in explained:
        if source in (None, one.found.record.source) and at in (None, one.found.record.received_at):
            return one, [other for other in explained if other is not one]
    raise NotFound(f"there is no event `{message_id}` in the log: it never came in, or is too old")
