"""What events say about consent, added up: how many carry it, what they grant, and what clients send that nobody knows.

Events are counted by (source, routing key), as the log counts them: exact, nothing sampled.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from assent.domain.decision import Reason, Verdict
from assent.domain.errors import InvalidInput
from assent.domain.workspace import Workspace
from assent.engine.alike import CONSENT, alike
from assent.engine.consent import Whole, is_consent_update, read_preferences
from assent.engine.json import decode_leniently
from assent.engine.policy import Policy

Counts: TypeAlias = Mapping[tuple[str, bytes], int]


class ConsentShares(msgspec.Struct, frozen=True):
    """Figures of some stretch of time.

    `events` is all of them. `carrying` have preferences that can be read, `unreadable` something else in their place,
    the rest none. `updates` are those of `carrying` that report a choice just made. `named`, `granted` and
    `granted_in_updates` count events by category id, as clients send it.
    """

    events: int
    carrying: int
    unreadable: int
    updates: int
    named: Mapping[str, int]
    granted: Mapping[str, int]
    granted_in_updates: Mapping[str, int]

    @property
    def without(self) -> int:
        """Events without a consent object."""
        return self.events - self.carrying - self.unreadable


def consent_shares(counts: Counts) -> ConsentShares:
    """What these events say about consent."""
    whole: Counter[str] = Counter()
    named: Counter[str] = Counter()
    granted: Counter[str] = Counter()
    granted_in_updates: Counter[str] = Counter()
    for key, events in _by_key(counts).items():
        event = _event_of(key)
        preferences = read_preferences(event)
        whole["events"] += events
        if isinstance(preferences, Whole):
            whole[preferences.value] += events
            continue
        whole["carrying"] += events
        update = is_consent_update(event)
        whole["updates"] += events if update else 0
        for id_, answer in preferences.items():
            named[id_] += events
            if answer is True:
                granted[id_] += events
            if answer is True and update:
                granted_in_updates[id_] += events
    return ConsentShares(
        whole["events"],
        whole["carrying"],
        whole[Whole.UNREADABLE.value],
        whole["updates"],
        named,
        granted,
        granted_in_updates,
    )


def unenforced(workspace: Workspace, counts: Counts) -> Mapping[str, int]:
    """How many events of each source carry no consent, and would be delivered somewhere nevertheless."""
    policy = Policy(workspace)
    found: Counter[str] = Counter()
    for (source, key), events in alike(workspace).counts(counts).items():
        if any(
            one.reason is Reason.CONSENT_ABSENT and one.verdict is Verdict.DELIVER
            for one in policy.decide_key(key).values()
        ):
            found[source] += events
    return found


def undefined(workspace: Workspace, shares: ConsentShares) -> Mapping[str, int]:
    """The category ids that clients send and the workspace does not have, those of most events first."""
    known = {one.id for one in workspace.categories}
    unknown = [(id_, events) for id_, events in shares.named.items() if id_ not in known]
    return dict(sorted(unknown, key=lambda one: (-one[1], one[0])))


def lookalike(workspace: Workspace, id_: str) -> str | None:
    """The category whose id differs from this one only in case or in blanks around it."""
    return next((one.id for one in workspace.categories if one.id != id_ and _plain(one.id) == _plain(id_)), None)


def _plain(id_: str) -> str:
    return id_.strip().casefold()


def _by_key(counts: Counts) -> Counter[bytes]:
    found: Counter[bytes] = Counter()
    for (_source, key), events in CONSENT.counts(counts).items():
        found[key] += events
    return found


def _event_of(key: bytes) -> Any:
    """The smallest event of a routing key; one that no parser can read says nothing that can be understood."""
    try:
        return decode_leniently(key)
    except InvalidInput:
        return 0
