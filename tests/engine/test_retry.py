"""When an event is tried again: waits that double, spread by chance, for four hours."""

from hypothesis import given
from hypothesis import strategies as st

from assent.engine.retry import GIVE_UP_MS, MOST_WAIT_MS, next_attempt

jitters = st.floats(0, 1, exclude_max=True)
NOW = 1_767_268_800_000


def waits(jitter: float) -> list[int]:
    """All waits of an event that fails every time, at once."""
    found, now, tried = [], NOW, 1
    while (due := next_attempt(tried, NOW, now, jitter)) is not None:
        found.append(due - now)
        now, tried = due, tried + 1
    return found


def test_waits_double_from_a_second_to_half_an_hour() -> None:
    middle = waits(0.5)
    assert middle[:6] == [1000, 2000, 4000, 8000, 16000, 32000]
    assert max(middle) == MOST_WAIT_MS == 1_800_000
    assert sum(middle) == GIVE_UP_MS == 4 * 3_600_000


def test_an_event_is_tried_some_twenty_times_before_it_is_given_up() -> None:
    assert all(15 <= len(waits(jitter)) <= 25 for jitter in (0.0, 0.5, 0.999))


@given(st.integers(1, 10_000), st.integers(0, GIVE_UP_MS - 1), jitters)
def test_chance_spreads_a_wait_by_a_fifth(tried: int, age: int, jitter: float) -> None:
    nominal = min(1000 * 2 ** (tried - 1), MOST_WAIT_MS)
    due = next_attempt(tried, NOW - age, NOW, jitter)
    assert due is not None
    assert min(nominal * 0.8 - 1, GIVE_UP_MS - age) <= due - NOW <= nominal * 1.2


@given(st.integers(0, 50), st.integers(0, 2 * GIVE_UP_MS), jitters, st.integers(0, 10**9))
def test_four_hours_after_the_first_attempt_is_the_end(tried: int, age: int, jitter: float, asked: int) -> None:
    due = next_attempt(tried, NOW - age, NOW, jitter, asked)
    assert (due is None) == (age >= GIVE_UP_MS)
    assert due is None or NOW <= due <= NOW - age + GIVE_UP_MS


@given(st.integers(0, 20), st.integers(0, 3_600_000), jitters)
def test_a_destination_is_left_alone_for_as_long_as_it_asks(tried: int, asked: int, jitter: float) -> None:
    due = next_attempt(tried, NOW, NOW, jitter, asked)
    assert due is not None
    assert due - NOW >= asked


def test_an_event_that_was_not_tried_need_not_wait() -> None:
    assert next_attempt(0, NOW, NOW, 0.5) == NOW


def test_a_clock_that_was_set_back_gives_nothing_up() -> None:
    assert next_attempt(3, NOW, NOW - GIVE_UP_MS, 0.5) == NOW - GIVE_UP_MS + 4000
