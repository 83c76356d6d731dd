"""Why an event went where it did: the fate of one event at every destination, for API, console and command line."""

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from assent.delivery.in_force import InForce
from assent.engine.fate import Fate, Judged, Kept, fate, judge
from assent.engine.policy import Policy
from assent.log.interface import Found, Log
from assent.store.accounts import Accounts
from assent.store.versions import Versions

_POLICIES_REMEMBERED: Final = 16


class Explained(NamedTuple):
    """One kept event, and what became of it at every destination that it concerns."""

    found: Found
    fates: list[Fate]


class Explainer:
    """Explains events that are still in the log. A decision is made again, exactly, under the version that made it."""

    def __init__(self, log: Log, accounts: Accounts, versions: Versions, in_force: Callable[[], InForce]) -> None:
        self._log = log
        self._accounts = accounts
        self._in_force = in_force
        self._policy = lru_cache(_POLICIES_REMEMBERED)(lambda number: Policy(versions.get(number).workspace))

    async def explain(self, message_id: str) -> Sequence[Explained]:
        """Every kept event with this message id, newest first: one per source, unless they are over 24 hours apart."""
        found = await self._log.find(message_id)
        return await asyncio.to_thread(lambda: [Explained(one, self._fates(one)) for one in found])

    def _fates(self, found: Found) -> list[Fate]:
        """In the order of the workspace in force; then what it no longer has, where that had the event to read."""
        in_force = self._in_force()
        configured = [one.id for one in in_force.version.workspace.destinations]
        kept = self._kept(found.offset)
        removed = sorted(kept.keys() - set(configured))

        def judged(destination: str, version: int) -> Judged:
            policy = in_force.policy if version == in_force.number else self._policy(version)
            return judge(policy, found.record.source, found.record.routing_key, destination)

        fates = [
            fate(name, found.offset, kept.get(name, Kept()), judged, in_force.number)
            for name in [*configured, *removed]
        ]
        return [one for one in fates if one.state is not None or one.destination in configured]

    def _kept(self, offset: int) -> dict[str, Kept]:
        # INVARIANT: in this order. What settles meanwhile writes its attempts with its span, and its span as the cursor
        # moves on: so whoever sees a span sees its attempts, and whoever sees a cursor beyond the event sees its span.
        cursors = {one.destination: one for one in self._accounts.cursors()}
        spans = self._accounts.spans(offset)
        rereads = self._accounts.rereads(offset)
        attempts = {one.destination: one for one in self._accounts.attempts_at([offset])}
        return {
            name: Kept(cursors.get(name), spans.get(name), attempts.get(name), tuple(rereads.get(name, ())))
            for name in cursors.keys() | spans.keys() | attempts.keys()
        }
