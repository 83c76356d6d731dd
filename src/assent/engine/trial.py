"""A trial: what a new workspace would have made of events that came in, destination by destination, and why."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from assent.domain.decision import Reason
from assent.domain.outcome import State
from assent.domain.workspace import Destination, Workspace
from assent.engine.alike import alike
from assent.engine.fate import judge
from assent.engine.policy import Policy

Direction: TypeAlias = Literal["delivered", "withheld", "held"]


class Outcome(NamedTuple):
    """What one version makes of an event: its state, the reason, and the categories that settled it."""

    state: State
    reason: Reason
    categories: tuple[str, ...]


class Shift(msgspec.Struct, frozen=True):
    """So many `events` that would go another way, or for another reason; None for a destination that is not there."""

    before: Outcome | None
    after: Outcome | None
    events: int


class Effect(msgspec.Struct, frozen=True):
    """What would be different at one destination: newly delivered, newly withheld and newly held events; and every
    shift from one outcome to another, the largest first."""

    destination: str
    newly_delivered: int
    newly_withheld: int
    newly_held: int
    shifts: tuple[Shift, ...]


class Trial:
    """Two workspaces, compiled to be compared. Destinations on which both decide alike are not even looked at."""

    def __init__(self, old: Workspace, new: Workspace) -> None:
        self._names = _touched(old, new)
        self._before, self._after = _only(old, self._names), _only(new, self._names)
        self._alike = alike(old, new)
        self._known: dict[tuple[str, bytes], list[tuple[str, Outcome | None, Outcome | None]]] = {}

    @property
    def asks_ledger(self) -> bool:
        """Whether one of the two asks the ledger, which a trial does not."""
        return self._before.policy.asks_ledger or self._after.policy.asks_ledger

    def effects(self, counts: Mapping[tuple[str, bytes], int]) -> list[Effect]:
        """What would be different for events counted by (source, routing key): exact, nothing sampled."""
        shifts: dict[str, Counter[tuple[Outcome | None, Outcome | None]]] = {}
        for (source, key), events in self._alike.counts(counts).items():
            for name, before, after in self._differences(source, key):
                shifts.setdefault(name, Counter())[before, after] += events
        return [_effect(name, shifts[name]) for name in self._names if name in shifts]

    def directions(self, source: str, key: bytes) -> Sequence[tuple[str, Direction]]:
        """Where one event would newly go, or be newly withheld or held: destination and direction."""
        short = self._alike.key(key)
        known = self._known.get((source, short))
        if known is None:
            known = self._known[source, short] = list(self._differences(source, short))
        return [
            (name, direction) for name, before, after in known if (direction := _direction(before, after)) is not None
        ]

    def _differences(self, source: str, key: bytes) -> Iterator[tuple[str, Outcome | None, Outcome | None]]:
        for name in self._names:
            before, after = _outcome(self._before, source, key, name), _outcome(self._after, source, key, name)
            if before != after:
                yield name, before, after


def _touched(old: Workspace, new: Workspace) -> list[str]:
    """The destinations on which the two could decide differently, in the order of the new workspace."""
    names = dict.fromkeys([*(one.id for one in new.destinations), *(one.id for one in old.destinations)])
    before, after = Policy(old), Policy(new)
    return [one for one in names if _basis(old, before, one) != _basis(new, after, one) or old.sources != new.sources]


def _basis(workspace: Workspace, policy: Policy, name: str) -> object:
    """Everything that decisions on one destination follow from, but for sources."""
    destination = workspace.destination(name)
    if destination is None:
        return None
    mapped = [(one.id, one.enabled) for one in workspace.categories if name in one.destinations]
    decided_by = msgspec.structs.replace(destination, settings={}, connector="", held=False)
    return decided_by, mapped, workspace.rules, policy.holds.key(name), _stance(workspace, destination)


def _stance(workspace: Workspace, destination: Destination) -> tuple[bool, bool]:
    return workspace.observe, destination.held or workspace.held


class _Side(NamedTuple):
    """One of the two workspaces, with those of its destinations whose cursors stand still."""

    policy: Policy
    held: frozenset[str]
    names: frozenset[str]


def _only(workspace: Workspace, names: Sequence[str]) -> _Side:
    kept = tuple(one for one in workspace.destinations if one.id in names)
    held = frozenset(one.id for one in kept if one.held or workspace.held)
    policy = Policy(msgspec.structs.replace(workspace, destinations=kept))
    return _Side(policy, held, frozenset(one.id for one in kept))


def _outcome(side: _Side, source: str, key: bytes, destination: str) -> Outcome | None:
    if destination not in side.names:
        return None
    judged = judge(side.policy, source, key, destination)
    # What a cursor that stands still has not read yet is not decided yet: what would go, waits.
    waits = judged.state is State.DELIVERED and destination in side.held
    return Outcome(State.HELD if waits else judged.state, judged.decision.reason, judged.decision.categories)


def _direction(before: Outcome | None, after: Outcome | None) -> Direction | None:
    was = before.state if before is not None else State.WITHHELD
    is_ = after.state if after is not None else State.WITHHELD
    if was is is_:
        return None
    if is_ is State.DELIVERED:
        return "delivered"
    return "held" if is_ is State.HELD else "withheld"


def _effect(name: str, shifts: Counter[tuple[Outcome | None, Outcome | None]]) -> Effect:
    newly: Counter[Direction | None] = Counter()
    for (before, after), events in shifts.items():
        newly[_direction(before, after)] += events
    return Effect(
        name,
        newly["delivered"],
        newly["withheld"],
        newly["held"],
        tuple(Shift(before, after, events) for (before, after), events in shifts.most_common()),
    )
