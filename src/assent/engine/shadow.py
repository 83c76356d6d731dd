"""A shadow: another policy that decides beside the one in force, for the sake of what it would do otherwise."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from assent.domain.decision import Reason, Verdict
from assent.engine.fate import decision_for
from assent.engine.policy import Policy

Direction: TypeAlias = Literal["delivered", "withheld"]


class Difference(NamedTuple):
    """What the shadow would do with events that go another way now, and why it would."""

    direction: Direction
    reason: Reason


def differences(policy: Policy, shadow: Policy, destination: str, keys: Iterable[bytes]) -> Mapping[Difference, int]:
    """How many events, by their routing keys, would go another way under `shadow`; as if both were enforced."""
    found: Counter[Difference] = Counter()
    for key, events in Counter(keys).items():
        now = decision_for(policy, key, destination).enforced
        then = decision_for(shadow, key, destination).enforced
        if now.verdict is not then.verdict:
            found[Difference("delivered" if then.verdict is Verdict.DELIVER else "withheld", then.reason)] += events
    return found
