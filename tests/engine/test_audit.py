"""The audit: accounts that balance, and every way in which they may not."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.domain.outcome import Cursor, Span, State
from assent.engine.audit import Audit, DestinationFigures, LogFigures, Stretch, audit

LOG = LogFigures(start=0, head=100, accepted=100, discarded=7)


def figures(**changes: Any) -> DestinationFigures:
    """Of a destination that has read 90 of 100 events, under two versions, and settled all but two."""
    sound = DestinationFigures(
        "crm",
        Cursor("crm", position=90, skipped=0),
        {State.DELIVERED: 50, State.WITHHELD: 35, State.FAILED: 3},
        retrying=2,
        spans=(Span("crm", 0, 40, 1), Span("crm", 40, 90, 2)),
    )
    return msgspec.structs.replace(sound, **changes)


def cursor(position: int, skipped: int = 0, until: int | None = None) -> Cursor:
    return Cursor("crm", position, skipped, until)


def problems(log: LogFigures = LOG, **changes: Any) -> list[str]:
    return audit(log, [figures(**changes)]).problems


def test_sound_accounts_balance() -> None:
    found = audit(LOG, [figures()])
    assert found.problems == []
    (balance,) = found.balances
    assert (balance.accepted, balance.unread, balance.difference) == (100, 10, 0)


def test_nothing_at_all_balances() -> None:
    assert audit(LogFigures(), []) == Audit(LogFigures(), (), ())


def test_what_came_in_before_a_destination_existed_is_not_its_to_account_for() -> None:
    spans = (Span("crm", 10, 90, 1),)
    settled = {State.DELIVERED: 80}
    assert problems(cursor=cursor(90, skipped=10), spans=spans, settled=settled, retrying=0) == []


def test_a_removed_destination_accounts_up_to_its_end() -> None:
    found = audit(LOG, [figures(cursor=cursor(90, until=90))])
    assert found.problems == []
    assert found.balances[0].accepted == 90


def test_a_log_that_counted_more_than_it_holds() -> None:
    log = msgspec.structs.replace(LOG, accepted=103)
    assert problems(log) == ["log: it counted 103 events as accepted, but has given out 100 offsets"]


def test_events_gone_from_the_log() -> None:
    log = msgspec.structs.replace(LOG, missing=(Stretch(3, 4), Stretch(10, 20)))
    assert problems(log) == ["log: the events at offset 3, offsets 10 to 19 are gone"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"retrying": 0}, "it has read 2 events that no account holds"),
        ({"settled": {State.DELIVERED: 89}}, "its accounts hold 1 event more than it has read"),
        ({"cursor": None}, "it has accounts but no cursor"),
        ({"cursor": cursor(120)}, "its cursor stands at 120, 20 beyond the end of what it may read"),
        ({"cursor": cursor(95)}, "no version is known to have decided the events at offsets 90 to 94"),
        ({"cursor": cursor(80)}, "its cursor stands before the events at offsets 80 to 89, which have been decided"),
        ({"cursor": cursor(90, skipped=5)}, "it has decided 5 events that it never had to read"),
        ({"spans": (Span("crm", 0, 40, 1),)}, "no version is known to have decided the events at offsets 40 to 89"),
        ({"spans": ()}, "no version is known to have decided the events at offsets 0 to 89"),
        (
            {"spans": (Span("crm", 0, 41, 1), Span("crm", 40, 90, 2))},
            "two versions claim to have decided the events at offset 40",
        ),
    ],
)
def test_each_fault_is_named(changes: dict[str, Any], problem: str) -> None:
    assert f"crm: {problem}" in problems(**changes)


def test_a_gap_is_named_with_what_of_it_is_right() -> None:
    spans = (Span("crm", 10, 40, 1), Span("crm", 60, 90, 2))
    found = problems(cursor=cursor(90, skipped=10), spans=spans, settled={State.DELIVERED: 80}, retrying=0)
    assert found == [
        "crm: no version is known to have decided the events at offsets 0 to 9, offsets 40 to 59"
        " (10 of these it never had to read)"
    ]


def test_spans_of_events_that_the_log_has_forgotten_may_be_gone() -> None:
    log = msgspec.structs.replace(LOG, start=50)
    assert problems(log, spans=(Span("crm", 40, 90, 2),)) == []
    assert problems(log, spans=(Span("crm", 60, 90, 2),)) == [
        "crm: no version is known to have decided the events at offsets 50 to 59"
    ]


def test_many_stretches_are_not_all_named() -> None:
    log = msgspec.structs.replace(LOG, missing=tuple(Stretch(at, at + 1) for at in range(0, 20, 2)))
    assert problems(log)[0].endswith("offset 8 and 5 more stretches are gone")


@given(
    lengths=st.lists(st.integers(1, 50), min_size=1, max_size=8),
    states=st.lists(st.sampled_from([State.DELIVERED, State.WITHHELD, State.FAILED]), min_size=1),
    unread=st.integers(0, 50),
    skipped=st.integers(0, 50),
    data=st.data(),
)
def test_sound_accounts_balance_and_lose_it_with_any_part(
    lengths: list[int], states: list[State], unread: int, skipped: int, data: st.DataObject
) -> None:
    spans, at = [], skipped
    for version, length in enumerate(lengths):
        spans.append(Span("crm", at, at + length, version))
        at += length
    read = at - skipped
    retrying = data.draw(st.integers(0, read))
    settled = {states[0]: read - retrying}
    log = LogFigures(0, at + unread, at + unread)
    sound = DestinationFigures("crm", cursor(at, skipped), settled, retrying, tuple(spans))
    assert audit(log, [sound]).problems == []

    lost = data.draw(st.integers(0, len(spans) - 1))
    moved = data.draw(st.integers(-read, 50).filter(bool))
    miscounted = data.draw(st.integers(-retrying, 50).filter(bool))
    for broken in (
        msgspec.structs.replace(sound, spans=(*spans[:lost], *spans[lost + 1 :])),
        msgspec.structs.replace(sound, cursor=cursor(at + moved, skipped)),
        msgspec.structs.replace(sound, retrying=retrying + miscounted),
    ):
        assert audit(log, [broken]).problems
