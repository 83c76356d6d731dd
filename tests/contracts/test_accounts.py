"""The contract of the accounts: whatever settles is written whole, once, and adds up."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from databases import DATABASES
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, text
from sqlalchemy.exc import DBAPIError

from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.errors import Conflict
from assent.domain.outcome import Attempt, Cursor, Span, State
from assent.store.accounts import Accounts, Settlement
from assent.store.counting import Account, Count
from assent.store.database import open_database
from assent.store.tables import counters, day_counters, event_counters, event_day_counters, hour_counters

CONSENTED = Decision(Verdict.DELIVER, Reason.CONSENTED, ("C0002", "C0004"))
DELIVERED = Account("web", State.DELIVERED, Reason.CONSENTED)
WITHHELD = Account("web", State.WITHHELD, Reason.CATEGORY_DENIED)
FAILED = Account("web", State.FAILED, Reason.CONSENTED)
MINUTE = 29_000_000


@pytest.fixture(params=DATABASES)
def open_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """Opens the same database, as another process would."""
    engines: list[Engine] = []

    def open_one() -> Engine:
        engines.append(open_database(DATABASES[request.param](tmp_path)))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.dispose()


@pytest.fixture
def accounts(open_engine: Callable[[], Engine]) -> Accounts:
    return Accounts(open_engine())


def an_attempt(offset: int, destination: str = "crm", **changes: Any) -> Attempt:
    first = Attempt(
        destination,
        offset,
        "web",
        f"m{offset}",
        State.RETRYING,
        CONSENTED,
        version=1,
        tried=1,
        first_at=1000,
        due_at=2000,
        answer="answered 503: busy",
        http_status=503,
    )
    return msgspec.structs.replace(first, **changes)


def read(start: int, end: int, *attempts: Attempt, version: int = 1, **accounts: int) -> Settlement:
    counts = {{"delivered": DELIVERED, "withheld": WITHHELD, "failed": FAILED}[name]: n for name, n in accounts.items()}
    return Settlement("crm", MINUTE, counts, attempts, Span("crm", start, end, version))


# --- cursors


def test_a_new_destination_begins_at_the_head(accounts: Accounts) -> None:
    assert accounts.cursor("crm") is None
    assert accounts.open("crm", 700) == Cursor("crm", position=700, skipped=700) == accounts.cursor("crm")
    assert accounts.cursors() == [Cursor("crm", 700, 700)]


def test_a_destination_goes_on_where_it_was(accounts: Accounts) -> None:
    accounts.open("crm", 10)
    accounts.settle(read(10, 15, delivered=5))
    assert accounts.open("crm", 900) == Cursor("crm", position=15, skipped=10)


def test_a_removed_destination_stops_at_the_head_and_comes_back_at_a_later_one(accounts: Accounts) -> None:
    accounts.open("crm", 0)
    accounts.open("other", 0)
    accounts.settle(read(0, 5, delivered=5))
    accounts.remove("crm", 8)
    accounts.remove("crm", 20)
    assert accounts.cursor("crm") == Cursor("crm", position=5, skipped=0, until=8)
    accounts.settle(read(5, 8, withheld=3))
    assert accounts.open("crm", 30) == Cursor("crm", position=30, skipped=22)
    assert accounts.cursor("crm") == Cursor("crm", position=30, skipped=22, until=None)
    assert accounts.cursor("other") == Cursor("other", 0, 0)


# --- settle


def test_a_settlement_moves_the_cursor_and_counts(accounts: Accounts) -> None:
    accounts.open("crm", 0)
    accounts.settle(read(0, 10, delivered=6, withheld=4))
    accounts.settle(read(10, 12, delivered=2))
    assert accounts.cursor("crm") == Cursor("crm", 12, 0)
    assert accounts.totals() == {"crm": {State.DELIVERED: 8, State.WITHHELD: 4}}
    assert sorted(accounts.counts(MINUTE, MINUTE + 1)) == [
        Count("crm", MINUTE, "web", State.DELIVERED, Reason.CONSENTED, 8),
        Count("crm", MINUTE, "web", State.WITHHELD, Reason.CATEGORY_DENIED, 4),
    ]
    assert accounts.counts(MINUTE + 1, MINUTE + 9) == accounts.counts(MINUTE - 9, MINUTE) == []


def test_every_account_and_minute_is_counted_apart(accounts: Accounts) -> None:
    counts = {
        Account(source, state, reason): 1
        for source in ("web", "app")
        for state in (State.DELIVERED, State.WITHHELD)
        for reason in (Reason.CONSENT_ABSENT, Reason.DESTINATION_UNMAPPED)
    }
    for destination in ("crm", "ads"):
        for minute in (MINUTE, MINUTE + 1):
            accounts.settle(Settlement(destination, minute, counts))
            accounts.settle(Settlement(destination, minute, counts))
    found = accounts.counts(MINUTE, MINUTE + 2)
    assert len(found) == 2 * 2 * 8
    assert {one.events for one in found} == {2}
    assert accounts.totals()["ads"] == {State.DELIVERED: 16, State.WITHHELD: 16}


def test_stretches_under_one_version_join_into_one_span(accounts: Accounts) -> None:
    accounts.open("crm", 3)
    for start, end, version in ((3, 5, 1), (5, 9, 1), (9, 12, 2), (12, 15, 1)):
        accounts.settle(read(start, end, version=version, delivered=end - start))
    spans = {offset: accounts.spans(offset).get("crm") for offset in (2, 3, 8, 9, 11, 12, 14, 15)}
    first, second, third = Span("crm", 3, 9, 1), Span("crm", 9, 12, 2), Span("crm", 12, 15, 1)
    assert spans == {2: None, 3: first, 8: first, 9: second, 11: second, 12: third, 14: third, 15: None}


def test_spans_of_destinations_are_apart(accounts: Accounts) -> None:
    accounts.open("crm", 0)
    accounts.open("ads", 0)
    accounts.settle(read(0, 5, delivered=5))
    accounts.settle(Settlement("ads", MINUTE, {}, (), Span("ads", 0, 3, 1)))
    assert accounts.spans(1) == {"crm": Span("crm", 0, 5, 1), "ads": Span("ads", 0, 3, 1)}
    assert accounts.spans(4) == {"crm": Span("crm", 0, 5, 1)}


def test_a_cursor_that_somebody_else_moved_is_a_conflict_and_nothing_is_written(accounts: Accounts) -> None:
    accounts.open("crm", 0)
    accounts.settle(read(0, 5, delivered=5))
    with pytest.raises(Conflict, match="cursor of `crm` is not at 0"):
        accounts.settle(read(0, 7, an_attempt(6), delivered=6))
    assert accounts.cursor("crm") == Cursor("crm", 5, 0)
    assert accounts.totals() == {"crm": {State.DELIVERED: 5}}
    assert accounts.attempts() == []
    assert accounts.spans(6) == {}


def test_a_destination_without_a_cursor_is_a_conflict(accounts: Accounts) -> None:
    with pytest.raises(Conflict):
        accounts.settle(read(0, 5, delivered=5))


def test_two_workers_that_share_a_cursor_never_both_settle_a_stretch(
    accounts: Accounts, open_engine: Callable[[], Engine]
) -> None:
    accounts.open("crm", 0)
    others = [Accounts(open_engine()) for _ in range(2)]

    def work(own: Accounts) -> int:
        settled = 0
        for start in range(0, 60, 3):
            try:
                own.settle(read(start, start + 3, delivered=3))
                settled += 1
            except Conflict:
                continue
        return settled

    with ThreadPoolExecutor(2) as pool:
        settled = sum(pool.map(work, others))
    cursor = accounts.cursor("crm")
    assert cursor is not None
    assert cursor.position == settled * 3 == accounts.totals()["crm"][State.DELIVERED]
    assert settled >= 1


def test_what_cannot_be_written_leaves_nothing_behind(accounts: Accounts) -> None:
    accounts.open("crm", 0)
    unwritable: Any = object()
    with pytest.raises((DBAPIError, TypeError)):
        accounts.settle(read(0, 5, an_attempt(4), an_attempt(3, answer=unwritable), delivered=4))
    assert accounts.cursor("crm") == Cursor("crm", 0, 0)
    assert (accounts.totals(), accounts.attempts(), accounts.spans(3)) == ({}, [], {})
    accounts.settle(read(0, 5, delivered=5))
    assert accounts.totals() == {"crm": {State.DELIVERED: 5}}


def test_a_database_held_by_another_is_waited_for(accounts: Accounts, open_engine: Callable[[], Engine]) -> None:
    accounts.open("crm", 0)
    with ThreadPoolExecutor(1) as pool, open_engine().begin() as other:
        other.execute(text("UPDATE cursors SET skipped = 0 WHERE destination = 'crm'"))
        settling = pool.submit(accounts.settle, read(0, 5, delivered=5))
        other.commit()
        settling.result(timeout=10)
    assert accounts.totals() == {"crm": {State.DELIVERED: 5}}


# --- names of events


def named(event: str, state: State = State.DELIVERED) -> Account:
    return Account("web", state, Reason.CONSENTED, event)


def by_event(accounts: Accounts, since: int = MINUTE, until: int = MINUTE + 1, **only: str) -> dict[str | None, int]:
    found = accounts.sums(since, until, ["event"], limit=1000, only=only)
    return {one.event: one.events for one in found}


def test_events_are_counted_by_name_and_the_other_counters_do_not_notice(accounts: Accounts) -> None:
    counts = {named("Signed Up"): 3, named("Paid"): 2, named("Paid", State.FAILED): 1, named(""): 4}
    accounts.settle(Settlement("crm", MINUTE, counts))
    accounts.settle(Settlement("ads", MINUTE, {named("Paid"): 10}))
    assert by_event(accounts, destination="crm") == {"": 4, "Paid": 3, "Signed Up": 3}
    assert by_event(accounts) == {"": 4, "Paid": 13, "Signed Up": 3}
    assert by_event(accounts, state="failed") == {"Paid": 1}
    assert accounts.totals()["crm"] == {State.DELIVERED: 9, State.FAILED: 1}
    assert [one.events for one in accounts.counts(MINUTE, MINUTE + 1) if one.destination == "crm"] == [9, 1]


def test_too_many_names_in_an_hour_are_counted_together(accounts: Accounts, open_engine: Callable[[], Engine]) -> None:
    def settle(stores: Accounts, first: int, end: int, minute: int = MINUTE) -> None:
        stores.settle(Settlement("crm", minute, {named(f"name {one:03}"): 1 for one in range(first, end)}))

    settle(accounts, 0, 150)
    settle(Accounts(open_engine()), 100, 260)
    assert len(by_event(accounts)) == 201
    assert by_event(accounts)[""] == 60
    assert by_event(accounts)["name 120"] == 2
    accounts.settle(Settlement("ads", MINUTE, {named("name 259"): 1}))
    settle(accounts, 250, 260, MINUTE + 60)
    assert by_event(accounts, MINUTE + 60, MINUTE + 61) == {f"name {one}": 1 for one in range(250, 260)}
    assert by_event(accounts, destination="ads") == {"name 259": 1}


def test_names_are_forgotten_after_two_windows_of_two_weeks_and_counts_are_not(accounts: Accounts) -> None:
    hour = MINUTE // 60
    oldest = (hour // 24 - 29) * 24
    for one in (oldest - 1, oldest, hour):
        accounts.settle(Settlement("crm", one * 60, {named("Paid"): 1}))
    accounts.forget(0, hour=hour)
    assert by_event(accounts, 0, MINUTE + 60) == {"Paid": 2}
    assert accounts.totals() == {"crm": {State.DELIVERED: 3}}


def test_hours_add_up_to_what_their_minutes_do(accounts: Accounts) -> None:
    hour = MINUTE // 60 * 60
    for minute in (hour, hour + 59, hour + 60, hour + 130):
        accounts.settle(Settlement("crm", minute, {DELIVERED: 5, WITHHELD: 2}))
    everything = [(one.state, one.events) for one in accounts.sums(hour, hour + 180, ["state"], limit=9)]
    assert everything == [(State.DELIVERED, 20), (State.WITHHELD, 8)]
    # The last minute left out, and so counted by the minute.
    assert accounts.sums(hour, hour + 179, ["state"], limit=9) == accounts.sums(hour, hour + 180, ["state"], limit=9)
    assert [(one.minute, one.events) for one in accounts.sums(hour, hour + 180, [], minutes=60, limit=9)] == [
        (hour, 14),
        (hour + 60, 7),
        (hour + 120, 7),
    ]
    assert [one.events for one in accounts.sums(hour, hour + 60, [], limit=9)] == [14]
    assert [one.events for one in accounts.sums(hour, hour + 59, [], limit=9)] == [7]


class Minutes(NamedTuple):
    """What settled, each in a minute of three days, and a stretch to add it up in."""

    settled: list[tuple[int, Account, int]]
    since: int
    until: int


@st.composite
def minutes(draw: st.DrawFn) -> Minutes:
    # Around the ends of hours and days, where a sum could take something twice or leave it out.
    at = st.one_of(
        st.integers(0, 3 * 24 * 60),
        st.builds(
            lambda hour, off: max(0, hour * 60 + off), st.sampled_from([0, 1, 23, 24, 25, 48]), st.integers(-1, 1)
        ),
    )
    account = st.builds(
        Account,
        st.sampled_from(["web", "app"]),
        st.sampled_from([State.DELIVERED, State.WITHHELD]),
        st.just(Reason.CONSENTED),
        st.sampled_from(["", "Paid", "Viewed"]),
    )
    settled = draw(st.lists(st.tuples(at, account, st.integers(1, 9)), max_size=10))
    since, until = sorted((draw(at), draw(at)))
    return Minutes(settled, since, until)


def added_up(found: Minutes, by: list[str], stretch: int) -> Counter[tuple[object, ...]]:
    """The sums, the plain way. With the names of events every hour counts that is touched."""
    first, end = found.since, found.until
    if "event" in by:
        first, end = first // 60 * 60, -(-end // 60) * 60
    plain: Counter[tuple[object, ...]] = Counter()
    for minute, account, events in found.settled:
        if first <= minute < end:
            at = minute - minute % stretch if stretch else None
            plain[(at, *(getattr(account, name) for name in by))] += events
    return plain


def test_days_and_hours_add_up_to_what_their_minutes_do(open_engine: Callable[[], Engine]) -> None:
    engine = open_engine()

    @given(minutes(), st.sampled_from([0, 60, 360, 24 * 60]), st.sampled_from([["state"], ["source", "event"], []]))
    @settings(max_examples=40, deadline=None)
    def check(found: Minutes, stretch: int, by: list[str]) -> None:
        with engine.begin() as connection:
            for table in (counters, hour_counters, day_counters, event_counters, event_day_counters):
                connection.execute(delete(table))
        accounts = Accounts(engine)
        for minute, account, events in found.settled:
            accounts.settle(Settlement("crm", minute, {account: events}))
        sums = accounts.sums(found.since, found.until, by, minutes=stretch, limit=10_000)
        keyed = {(one.minute, *(getattr(one, name) for name in by)): one.events for one in sums}
        assert keyed == added_up(found, by, stretch)
        assert sum(accounts.totals().get("crm", {}).values()) == sum(events for *_, events in found.settled)

    check()


# --- attempts


def test_attempts_come_back_as_they_were_written(accounts: Accounts) -> None:
    accounts.open("crm", 0)
    plain = an_attempt(1)
    whole = an_attempt(
        2,
        message_id="żółć \x00 🦊",
        state=State.FAILED,
        decision=Decision(Verdict.WITHHOLD, Reason.CATEGORY_DISABLED, ("東京",)),
        answer="x" * 2000,
        http_status=None,
        settled_at=1 << 42,
    )
    accounts.settle(read(0, 3, plain, whole))
    assert accounts.attempts() == [plain, whole]


def test_attempts_are_found_by_destination_state_and_offset(accounts: Accounts) -> None:
    crm = [an_attempt(9), an_attempt(2, state=State.FAILED), an_attempt(5)]
    ads = [an_attempt(5, "ads", state=State.WITHHELD), an_attempt(2, "ads")]
    for name, found in (("crm", crm), ("ads", ads)):
        accounts.open(name, 0)
        accounts.settle(Settlement(name, MINUTE, {}, found))
    assert [one.offset for one in accounts.attempts(destination="crm")] == [2, 5, 9]
    assert accounts.attempts(destination="crm", state=State.RETRYING) == [crm[2], crm[0]]
    assert accounts.attempts(state=State.FAILED) == [crm[1]]
    assert {(one.destination, one.offset) for one in accounts.attempts_between(5, 10)} == {
        ("crm", 5),
        ("ads", 5),
        ("crm", 9),
    }
    assert accounts.attempts_between(6, 9) == accounts.attempts_between(5, 5) == []
    assert accounts.waiting() == {"crm": 2, "ads": 1}


def test_attempts_are_found_where_one_looks_for_samples(accounts: Accounts) -> None:
    crm = [an_attempt(number, state=State.FAILED) for number in (2, 5, 9)]
    ads = an_attempt(5, "ads")
    accounts.settle(Settlement("crm", MINUTE, {}, [*crm, an_attempt(10)]))
    accounts.settle(Settlement("ads", MINUTE, {}, [ads]))
    assert accounts.newest_failed("crm", 2) == [crm[2], crm[1]]
    assert accounts.newest_failed("ads", 2) == []


def test_spans_are_found_by_the_stretch_that_they_touch(accounts: Accounts) -> None:
    accounts.open("crm", 0)
    for start, end, version in ((0, 5, 1), (5, 9, 2), (9, 12, 3)):
        accounts.settle(read(start, end, version=version, delivered=end - start))
    assert [one.version for one in accounts.spans_between(4, 6)] == [1, 2]
    assert [one.version for one in accounts.spans_between(5, 9)] == [2]
    assert accounts.spans_between(12, 20) == []


def test_a_later_attempt_replaces_what_changed(accounts: Accounts) -> None:
    accounts.settle(Settlement("crm", MINUTE, {}, [an_attempt(1)]))
    denied = Decision(Verdict.WITHHOLD, Reason.CATEGORY_DENIED, ("C0002",))
    later = an_attempt(
        1,
        state=State.WITHHELD,
        decision=denied,
        version=2,
        tried=7,
        due_at=9,
        answer="",
        http_status=None,
        settled_at=5,
    )
    accounts.settle(Settlement("crm", MINUTE, {WITHHELD: 1}, [later]))
    assert accounts.attempts() == [later]
    assert accounts.waiting() == {}


# --- forget


def test_forgetting_keeps_what_still_waits_and_every_count(accounts: Accounts) -> None:
    accounts.open("crm", 0)
    attempts = [an_attempt(1, state=State.FAILED), an_attempt(2), an_attempt(6, state=State.FAILED)]
    accounts.settle(read(0, 4, *attempts[:2], failed=1, delivered=2))
    accounts.settle(read(4, 8, attempts[2], version=2, failed=1, delivered=3))
    accounts.forget(5, hour=MINUTE // 60)
    assert accounts.attempts() == attempts[1:]
    assert accounts.spans(3) == {}
    assert accounts.spans(4) == accounts.spans(7) == {"crm": Span("crm", 4, 8, 2)}
    assert accounts.totals() == {"crm": {State.FAILED: 2, State.DELIVERED: 5}}


# --- all together


def test_everything_survives_being_opened_again(accounts: Accounts, open_engine: Callable[[], Engine]) -> None:
    accounts.open("crm", 0)
    accounts.settle(read(0, 4, an_attempt(3), delivered=3))
    again = Accounts(open_engine())
    assert again.cursors() == [Cursor("crm", 4, 0)]
    assert again.attempts() == [an_attempt(3)]
    assert again.totals() == {"crm": {State.DELIVERED: 3}}
    assert again.spans(0) == {"crm": Span("crm", 0, 4, 1)}


def test_the_figures_for_the_audit_are_those_of_every_destination(accounts: Accounts) -> None:
    accounts.open("crm", 0)
    accounts.open("idle", 9)
    accounts.settle(read(0, 4, an_attempt(3), delivered=2, withheld=1))
    accounts.settle(read(4, 6, version=2, failed=2))
    crm, idle = accounts.figures()
    assert crm.cursor == Cursor("crm", 6, 0)
    assert crm.settled == {State.DELIVERED: 2, State.WITHHELD: 1, State.FAILED: 2}
    assert crm.retrying == 1
    assert crm.spans == (Span("crm", 0, 4, 1), Span("crm", 4, 6, 2))
    assert sum(crm.settled.values()) + crm.retrying == crm.cursor.position
    assert (idle.cursor, idle.settled, idle.retrying, idle.spans) == (Cursor("idle", 9, 9), {}, 0, ())


def test_many_accounts_in_one_settlement(accounts: Accounts) -> None:
    accounts.open("crm", 0)
    counts = Counter({Account(f"src_{number}", State.DELIVERED, Reason.CONSENTED): number for number in range(1, 2000)})
    accounts.settle(Settlement("crm", MINUTE, counts, [an_attempt(n) for n in range(2000)], Span("crm", 0, 5000, 1)))
    assert accounts.totals() == {"crm": {State.DELIVERED: 1999 * 1000}}
    assert accounts.waiting() == {"crm": 2000}
