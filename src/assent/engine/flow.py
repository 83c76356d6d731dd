"""How events flow: from sources, through the categories that settled it, to destinations or to nobody."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from assent.domain.decision import Decision, Reason, Verdict
from assent.engine.alike import alike
from assent.engine.policy import Policy


class Link(NamedTuple):
    """What flows alike: events of one source that were decided alike at one destination.

    `category` is the id of the one that settled it, the first where there were several; None where consent had no say,
    and then `reason` says what had.
    """

    source: str
    category: str | None
    reason: Reason
    destination: str
    verdict: Verdict


def flow(policy: Policy, counts: Mapping[tuple[str, bytes], int]) -> dict[Link, int]:
    """How many of the events counted by (source, routing key) flow which way, as `policy` decides them."""
    links: Counter[Link] = Counter()
    for (source, key), events in alike(policy.workspace).counts(counts).items():
        for destination, decision in policy.decide_key(key).items():
            links[_link(source, destination, decision)] += events
    return dict(links)


def _link(source: str, destination: str, decision: Decision) -> Link:
    category = decision.categories[0] if decision.categories else None
    return Link(source, category, decision.reason, destination, decision.verdict)
