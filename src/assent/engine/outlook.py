"""What a workspace makes of events that came in before: where they would go, where not, and why."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import msgspec

from assent.domain.decision import Reason, Verdict
from assent.engine.flow import Link, flow
from assent.engine.policy import Policy

Counts: TypeAlias = Mapping[tuple[str, bytes], int]


class Outlook(msgspec.Struct, frozen=True):
    """The counted events under one workspace: `events` of them, each decided once for every destination. `links` are
    how many flow alike."""

    events: int
    links: Mapping[Link, int]

    def delivered(self, destination: str) -> int:
        return sum(events for one, events in self._of(destination) if one.verdict is Verdict.DELIVER)

    def reasons(self, destination: str, verdict: Verdict) -> Mapping[Reason, int]:
        """Events by reason, the most frequent first."""
        found: Counter[Reason] = Counter()
        for one, events in self._of(destination):
            if one.verdict == verdict:
                found[one.reason] += events
        return dict(found.most_common())

    def _of(self, destination: str) -> Iterator[tuple[Link, int]]:
        return ((one, events) for one, events in self.links.items() if one.destination == destination)


def outlook(policy: Policy, counts: Counts) -> Outlook:
    """What would become of events counted by (source, routing key): exact, nothing sampled."""
    return Outlook(sum(counts.values()), flow(policy, counts))
