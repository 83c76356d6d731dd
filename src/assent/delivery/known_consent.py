"""What the ledger knows of the people of some events: when these came in, and now."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from assent.domain.receipt import Profile, Subject
from assent.domain.record import Record
from assent.engine.policy import Policy
from assent.engine.profile import together
from assent.engine.receipts import subject_of
from assent.engine.stamp import Stamp, is_unstamped, stamp_for
from assent.store.ledger import Ledger

REMEMBERED: Final = 100_000
"""How many profiles stay in memory, and of how many anonymous ids whose they are."""

_LARGE: Final = 100
_MOST_NEWS: Final = 10_000

_Value = TypeVar("_Value")


class Known(NamedTuple):
    """What is known of the people of some events, by offset: `then`, when the event came in, of those without consent;
    and `now`."""

    then: Mapping[int, Profile]
    now: Mapping[int, Profile]

    def stamp(self, policy: Policy, offset: int, record: Record) -> Stamp | None:
        """What the event gets under a policy."""
        return stamp_for(policy.rules, record.routing_key, self.then.get(offset))

    def key(self, policy: Policy, offset: int, record: Record) -> bytes:
        """The routing key that the event is decided by under a policy."""
        stamp = self.stamp(policy, offset, record)
        return stamp.key if stamp is not None else record.routing_key


NOTHING: Final = Known({}, {})


class KnownConsent:
    """Profiles, of which the ones asked for lately stay in memory. All its calls belong to one thread.

    INVARIANT: what was known when an event came in never changes, so that a decision can be made again, exactly. It
    follows from the receipts whose position is not beyond the event's offset.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._profiles: OrderedDict[str, Profile | None] = OrderedDict()
        self._users: OrderedDict[str, list[str]] = OrderedDict()
        self._touched: set[str] = set()
        self._number = self._removals = 0

    def look(self, events: Sequence[tuple[int, Record]], *, then: bool, now: bool) -> Known:
        """What is known of the people of these events, by their offsets."""
        wanted = [
            (offset, subject_of(record), unstamped)
            for offset, record in events
            if (unstamped := is_unstamped(record.routing_key)) or now
        ]
        self._refresh()
        profiles = self._find({subject for _offset, subject, _unstamped in wanted})
        found = [(offset, subject, unstamped, profiles[subject]) for offset, subject, unstamped in wanted]
        self._forget_large()
        return Known(
            {
                offset: known
                for offset, subject, unstamped, profile in found
                if then and unstamped and (known := self._as_of(profile, subject, offset)) is not None
            },
            {offset: profile for offset, _subject, _unstamped, profile in found if now and profile is not None},
        )

    def _as_of(self, profile: Profile | None, subject: Subject, offset: int) -> Profile | None:
        if profile is None or profile.position <= offset:
            return profile
        return self._ledger.profile_as_of(subject, offset)

    def _forget_large(self) -> None:
        """INVARIANT: bounded in bytes too. What names more categories than anybody asks for is not remembered."""
        for person in [
            one for one in self._touched if (found := self._profiles.get(one)) and len(found.answers) > _LARGE
        ]:
            del self._profiles[person]

    def _refresh(self) -> None:
        """Forget what has changed since the last look."""
        state = self._ledger.state()
        if state.removals != self._removals or state.number - self._number > _MOST_NEWS:
            self._profiles.clear()
            self._users.clear()
        elif state.number != self._number:
            for subject in self._ledger.since(self._number, _MOST_NEWS):
                self._drop(subject)
        self._number, self._removals = state.number, state.removals

    def _drop(self, subject: Subject) -> None:
        user, device = subject.user_id, subject.anonymous_id
        if device is not None:
            self._users.pop(device, None)
            self._profiles.pop(f"a{device}", None)
        for one in [user] if user is not None else self._ledger.users_of(device or ""):
            self._profiles.pop(f"u{one}", None)

    def _find(self, subjects: Collection[Subject]) -> dict[Subject, Profile | None]:
        """What is known of each, all of it in memory then."""
        devices = {one.anonymous_id for one in subjects if one.user_id is None and one.anonymous_id is not None}
        _keep(self._users, devices, lambda missing: self._ledger.users_by_device(missing), list)
        people = {one: self._people(one) for one in subjects}
        self._touched = {person for several in people.values() for person in several}
        _keep(self._profiles, self._touched, lambda missing: self._ledger.profiles_of(missing), lambda: None)
        return {one: self._profile(several) for one, several in people.items()}

    def _profile(self, people: Sequence[str]) -> Profile | None:
        found = [one for person in people if (one := self._profiles[person]) is not None]
        return together(found) if found else None

    def _people(self, subject: Subject) -> list[str]:
        if subject.user_id is not None:
            return [f"u{subject.user_id}"]
        users = self._users[subject.anonymous_id] if subject.anonymous_id is not None else []
        return [f"u{one}" for one in users] if users else [f"a{subject.anonymous_id or ''}"]


def _keep(
    memory: OrderedDict[str, _Value],
    wanted: set[str],
    ask: Callable[[Sequence[str]], Mapping[str, _Value]],
    nothing: Callable[[], _Value],
) -> None:
    """Have these in memory, and the ones asked for lately; what there is nothing of is remembered as such."""
    missing = [one for one in wanted if one not in memory]
    for one in wanted.difference(missing):
        memory.move_to_end(one)
    if missing:
        found = ask(missing)
        memory.update((one, found[one] if one in found else nothing()) for one in missing)
    while len(memory) > max(REMEMBERED, len(wanted)):
        memory.popitem(last=False)
