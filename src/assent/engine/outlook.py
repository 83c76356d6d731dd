"""What a workspace makes of events that came in before: where they would go, where not, and why."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.workspace import Workspace
from assent.engine.alike import alike
from assent.engine.policy import Policy

Counts: TypeAlias = Mapping[tuple[str, bytes], int]


class Account(msgspec.Struct, frozen=True, order=True):
    """How many decisions of one kind there would be on the events of one source at one destination."""

    source: str
    destination: str
    verdict: Verdict
    reason: Reason
    categories: tuple[str, ...]
    events: int


class Outlook(msgspec.Struct, frozen=True):
    """The counted events under one workspace: `events` of them, each decided once for every destination."""

    events: int
    accounts: Sequence[Account]

    def delivered(self, destination: str) -> int:
        return sum(one.events for one in self.of(destination) if one.verdict is Verdict.DELIVER)

    def reasons(self, destination: str, verdict: Verdict) -> Mapping[Reason, int]:
        """Events by reason, the most frequent first."""
        found: Counter[Reason] = Counter()
        for one in self.of(destination):
            if one.verdict == verdict:
                found[one.reason] += one.events
        return dict(found.most_common())

    def of(self, destination: str) -> Iterator[Account]:
        return (one for one in self.accounts if one.destination == destination)


def outlook(workspace: Workspace, counts: Counts) -> Outlook:
    """What would become of events counted by (source, routing key): exact, nothing sampled."""
    policy = Policy(workspace)
    found: Counter[tuple[str, str, Decision]] = Counter()
    for (source, key), events in alike(workspace).counts(counts).items():
        for destination, decision in policy.decide_key(key).items():
            found[source, destination, decision] += events
    accounts = [
        Account(source, destination, one.verdict, one.reason, one.categories, events)
        for (source, destination, one), events in found.items()
    ]
    return Outlook(sum(counts.values()), sorted(accounts))
