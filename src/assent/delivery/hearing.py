"""Telling which events have news of consent: of most of them a look-up says that they have none."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, Generic, NamedTuple, TypeVar

from assent.domain.receipt import Subject
from assent.domain.record import Record
from assent.engine.receipts import Choice, choice_of, fingerprint, is_update, statement_of, subject_of
from assent.store.ledger import Ledger, LedgerState, ReadOn
from assent.store.profile_rows import Known

_REMEMBERED: Final = 200_000
_KEYS_REMEMBERED: Final = 2_000
_ID_REMEMBERED: Final = 64
_MOST_HEARD: Final = 100_000
_SET_BACK_MS: Final = 1_000
"""Requests that come together are written in any order; beyond this, the clock was set back."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Remembered(Generic[_Key, _Value]):
    """The values that were asked for lately, at most so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[_Key, _Value] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: _Key, value: _Value) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)


class _News(NamedTuple):
    """An event that may have news, by its place in a page."""

    at: int
    record: Record
    subject: Subject
    choice: Choice | None
    is_update: bool
    print_: bytes


class Hearing:
    """Listens to the log for the ledger, one page after the other.

    What a device says is news when it says something else than before: a browser goes on to stamp its events with what
    its person chose there, whatever they chose elsewhere since.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._last: Remembered[str, bytes] = Remembered(_REMEMBERED)
        self._settled: Remembered[tuple[str, str], bool] = Remembered(_REMEMBERED)
        self._heard_lately: set[str] = set()
        self._choice = lru_cache(_KEYS_REMEMBERED)(_read_choice)
        self._number = 0
        self._removals = 0

    def take_in(self, records: Sequence[Record], start: int, position: int) -> None:
        """Write what a page of records, from the offset `start` on, has to say, with the ledger at `position`: further
        back where the log has forgotten what was in between. Raises Conflict when it is elsewhere.
        """
        state = self._ledger.state()
        self._see_what_others_wrote(state)
        clock = _Clock(state)
        skews = [clock.skew_at(record) for record in records]
        statements = [
            statement_of(record, start + at, subject, choice, skews[at])
            for at, record, subject, choice, _update, _print in self._news(records)
        ]
        read = ReadOn(position, start + len(records), clock.last, clock.skew)
        written = self._ledger.read_on(statements, read)
        if written and written[0].number == state.number + 1:
            self._number = written[-1].number

    def forget_everything(self) -> None:
        """Remember nothing of before: what was taken in may not have been written."""
        self._last = Remembered(_REMEMBERED)
        self._settled = Remembered(_REMEMBERED)
        self._heard_lately.clear()

    def _see_what_others_wrote(self, state: LedgerState) -> None:
        if state.removals != self._removals:
            self.forget_everything()
        elif state.number != self._number:
            for subject in self._ledger.since(self._number, _MOST_HEARD):
                self._hear_of(subject)
        self._number, self._removals = state.number, state.removals

    def _hear_of(self, subject: Subject) -> None:
        """From now on there is something to join this subject with."""
        self._heard_lately.update(_ids(subject))
        if len(self._heard_lately) >= _MOST_HEARD:
            self._settled = Remembered(_REMEMBERED)
            self._heard_lately.clear()

    def _news(self, records: Sequence[Record]) -> Iterator[_News]:
        perhaps = list(self._perhaps_news(records))
        known = self._ledger.known({one.subject for one in perhaps})
        for one in perhaps:
            if self._is_news(one, known[one.subject]):
                self._hear_of(one.subject)
                yield one

    def _perhaps_news(self, records: Sequence[Record]) -> Iterator[_News]:
        """What a look at the memory does not rule out. It is of before this page, in which a device may change its mind
        and change it back."""
        changing: set[str] = set()
        for at, record in enumerate(records):
            choice, update, print_ = self._choice(record.routing_key)
            subject = subject_of(record)
            if subject.user_id is None and subject.anonymous_id is None:
                continue
            ids = set(_ids(subject))
            may_say = choice is not None and self._last.get(_device(subject)) != print_
            may_change = not changing.isdisjoint(ids) and (choice is not None or len(ids) > 1)
            if update or may_say or may_change or self._may_join(subject):
                changing |= ids
                yield _News(at, record, subject, choice, update, print_)

    def _may_join(self, subject: Subject) -> bool:
        user, device = subject.user_id, subject.anonymous_id
        if user is None or device is None:
            return False
        is_joined = self._settled.get((_short(user), _short(device)))
        return is_joined is None or (not is_joined and not self._heard_lately.isdisjoint(_ids(subject)))

    def _is_news(self, one: _News, known: Known) -> bool:
        says_new = one.choice is not None and one.print_ != self._said_last(one.subject, known)
        if one.choice is not None:
            self._last.put(_device(one.subject), one.print_)
        joins = self._joins(one.subject, known, speaks=one.choice is not None)
        return one.is_update or says_new or joins

    def _said_last(self, subject: Subject, known: Known) -> bytes | None:
        """What was said in this page or lately, else what the ledger has."""
        last = self._last.get(_device(subject))
        if last is not None or known.last is None:
            return last
        return fingerprint(Choice(known.last.preferences, known.last.readable))

    def _joins(self, subject: Subject, known: Known, *, speaks: bool) -> bool:
        """Whether two ids that were not one person are from now on. Nothing is joined with nothing."""
        user, device = subject.user_id, subject.anonymous_id
        if user is None or device is None:
            return False
        pair = _short(user), _short(device)
        was_joined = known.linked or self._settled.get(pair) is True
        is_joined = speaks or known.heard_of or not self._heard_lately.isdisjoint(_ids(subject))
        self._settled.put(pair, was_joined or is_joined)
        return is_joined and not was_joined


class _Clock:
    """The clock by which the log was written. Where it was set back, time goes on from where it was."""

    def __init__(self, state: LedgerState) -> None:
        self.last = state.last_received_at
        self.skew = state.skew

    def skew_at(self, record: Record) -> int:
        if record.received_at < self.last - _SET_BACK_MS:
            self.skew += self.last - record.received_at
            self.last = record.received_at
        self.last = max(self.last, record.received_at)
        return self.skew


def _read_choice(key: bytes) -> tuple[Choice | None, bool, bytes]:
    """What a routing key says of consent, whether it is an update, and the fingerprint of what it says."""
    choice = choice_of(key)
    return choice, is_update(key), fingerprint(choice) if choice is not None else b""


def _device(subject: Subject) -> str:
    """Who repeats what they said: the browser or app, or the person where there is none."""
    return _short(f"a{subject.anonymous_id}" if subject.anonymous_id is not None else f"u{subject.user_id}")


def _ids(subject: Subject) -> Iterable[str]:
    if subject.user_id is not None:
        yield _short(f"u{subject.user_id}")
    if subject.anonymous_id is not None:
        yield _short(f"a{subject.anonymous_id}")


def _short(id_: str) -> str:
    """An id to be remembered: senders choose how long theirs are."""
    return id_ if len(id_) <= _ID_REMEMBERED else hashlib.blake2b(id_.encode(), digest_size=20).hexdigest()
