"""What a new workspace would change for events that came in before."""

from collections.abc import Mapping

import msgspec

from assent.domain.decision import Verdict
from assent.domain.workspace import Workspace
from assent.engine.alike import alike
from assent.engine.policy import Policy


class Impact(msgspec.Struct, frozen=True):
    """How many of the counted events one destination would newly get, and newly not get."""

    destination: str
    newly_delivered: int
    newly_withheld: int


def impact(old: Workspace, new: Workspace, counts: Mapping[tuple[str, bytes], int]) -> list[Impact]:
    """The difference that `new` would have made to events counted by (source, routing key): exact, nothing sampled.

    A destination that one of the two does not have gets nothing under it. Those without a difference are left out.
    """
    before, after = Policy(old), Policy(new)
    newly_delivered: dict[str, int] = {}
    newly_withheld: dict[str, int] = {}
    for (_source, key), events in alike(old, new).counts(counts).items():
        delivered_before = {id_ for id_, one in before.decide_key(key).items() if one.verdict is Verdict.DELIVER}
        delivered_after = {id_ for id_, one in after.decide_key(key).items() if one.verdict is Verdict.DELIVER}
        for id_ in delivered_after - delivered_before:
            newly_delivered[id_] = newly_delivered.get(id_, 0) + events
        for id_ in delivered_before - delivered_after:
            newly_withheld[id_] = newly_withheld.get(id_, 0) + events
    return [
        Impact(id_, newly_delivered.get(id_, 0), newly_withheld.get(id_, 0))
        for id_ in sorted(newly_delivered.keys() | newly_withheld.keys())
    ]
