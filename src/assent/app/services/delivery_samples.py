"""A few recent events of one reason, to look at: for API and console."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from assent.app.services.fates import Fates
from assent.app.wiring import Server
from assent.delivery.known_consent import NOTHING
from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.errors import NotFound
from assent.domain.outcome import Attempt, Span
from assent.domain.record import Discard, DiscardCode, Record
from assent.engine.fate import decision_for
from assent.log.interface import Found
from assent.store.accounts import Accounts

MOST_SAMPLES: Final = 10
MOST_SCANNED: Final = 10_000
"""How many of the newest events, or discards, are looked at."""

_CHUNK: Final = 500
_FAILED_LOOKED_AT: Final = 100

Outcome: TypeAlias = Literal["delivered", "withheld", "failed"]


class Wish(msgspec.Struct, frozen=True):
    """What samples are wanted of: one outcome, and perhaps one reason, source and destination (ids)."""

    outcome: Outcome
    reason: Reason | None = None
    source: str | None = None
    destination: str | None = None


class Sample(NamedTuple):
    """One event that came to rest at one destination; `attempt` where it did not at its first try."""

    record: Record
    destination: str
    decision: Decision
    version: int
    attempt: Attempt | None = None


async def samples(server: Server, fates: Fates, wish: Wish) -> list[Sample]:
    """At most `MOST_SAMPLES`, the newest first; looks at the newest `MOST_SCANNED` events and no further."""
    if wish.outcome == "failed":
        return await _failed(server, wish)
    found: list[Sample] = []
    head = server.log.head
    for end in range(head, max(server.log.start, head - MOST_SCANNED), -_CHUNK):
        start = max(server.log.start, end - _CHUNK)
        try:
            records = await server.log.read(start, end - start)
        except NotFound:
            break  # trimmed meanwhile
        found += await asyncio.to_thread(_matches, server.stores.accounts, fates, wish, start, records)
        if len(found) >= MOST_SAMPLES:
            break
    return found[:MOST_SAMPLES]


async def discard_samples(server: Server, code: DiscardCode, source: str | None = None) -> list[Discard]:
    """At most `MOST_SAMPLES` of what was discarded by one code, the newest first."""
    found = await server.log.discards(MOST_SCANNED)
    wanted = [one for _, one in found if one.code == code and source in (None, one.source)]
    return wanted[:MOST_SAMPLES]


async def _failed(server: Server, wish: Wish) -> list[Sample]:
    def newest() -> list[Attempt]:
        accounts = server.stores.accounts
        names = [one.destination for one in accounts.cursors() if wish.destination in (None, one.destination)]
        found = [attempt for name in names for attempt in accounts.newest_failed(name, _FAILED_LOOKED_AT)]
        found = [one for one in found if wish.source in (None, one.source)]
        found = [one for one in found if wish.reason in (None, one.decision.reason)]
        return sorted(found, key=lambda one: -one.offset)[:MOST_SAMPLES]

    found = []
    for attempt in await asyncio.to_thread(newest):
        try:
            records = await server.log.read(attempt.offset, 1)
        except NotFound:
            continue  # trimmed meanwhile
        if not records[0].is_erased:
            found.append(Sample(records[0], attempt.destination, attempt.decision, attempt.version, attempt))
    return found


def _matches(accounts: Accounts, fates: Fates, wish: Wish, start: int, records: Sequence[Record]) -> list[Sample]:
    """The samples among `records`, which begin at offset `start`, newest first."""
    end = start + len(records)
    spans = [one for one in accounts.spans_between(start, end) if wish.destination in (None, one.destination)]
    found = list(_decided_so(fates, wish, start, records, spans))
    tried = accounts.attempts_between(start, end)
    attempts = {(one.destination, one.offset): one for one in tried}
    known = [(attempts.get((sample.destination, offset)), sample) for offset, sample in found]
    return [
        sample._replace(attempt=attempt)
        for attempt, sample in known[::-1]
        if attempt is None or (attempt.state == wish.outcome and attempt.decision.reason is sample.decision.reason)
    ]


def _decided_so(
    fates: Fates, wish: Wish, start: int, records: Sequence[Record], spans: Sequence[Span]
) -> Iterator[tuple[int, Sample]]:
    verdict = Verdict.WITHHOLD if wish.outcome == "withheld" else Verdict.DELIVER

    @cache
    def decided_so(version: int, key: bytes) -> Mapping[str, Decision]:
        decisions = ((one.destination, decision_for(policies[version], key, one.destination)) for one in spans)
        return {name: one for name, one in decisions if one.verdict is verdict and wish.reason in (None, one.reason)}

    policies = {one.version: fates.version(one.version).policy for one in spans}
    for offset, record in enumerate(records, start):
        if record.is_erased or wish.source not in (None, record.source):
            continue
        for span in spans:
            policy = policies[span.version]
            known = fates.known_then(Found(offset, record)) if policy.stamps else NOTHING
            decision = decided_so(span.version, known.key(policy, offset, record)).get(span.destination)
            if decision is not None and span.start <= offset < span.end:
                yield offset, Sample(record, span.destination, decision, span.version)
