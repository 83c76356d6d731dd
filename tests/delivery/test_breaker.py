"""The breaker: when a destination is left alone, and for how long."""

from datetime import timedelta

from assent.delivery.breaker import FAILURES_TO_OPEN, Breaker


def test_a_few_failures_do_not_open_it() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.failed(0, None)
        assert not breaker.is_open
    breaker.failed(0, None)
    assert breaker.is_open


def test_failures_must_be_in_a_row() -> None:
    breaker = Breaker()
    for _ in range(20):
        breaker.failed(0, None)
        breaker.failed(0, None)
        breaker.succeeded()
    assert not breaker.is_open


def test_rests_double_up_to_half_a_minute() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        breaker.failed(100, None)
    rests = [breaker.rest(100)]
    for _ in range(6):
        breaker.failed(100, None)
        rests.append(breaker.rest(100))
    assert rests == [1, 2, 4, 8, 16, 30, 30]
    assert (breaker.rest(110), breaker.rest(130), breaker.rest(500)) == (20, 0, 0)
    assert breaker.is_open


def test_a_destination_that_asks_for_a_rest_gets_it_at_once() -> None:
    breaker = Breaker()
    breaker.failed(0, timedelta(seconds=90))
    assert breaker.is_open
    assert breaker.rest(0) == 90


def test_a_success_closes_it_and_begins_anew() -> None:
    breaker = Breaker()
    for _ in range(9):
        breaker.failed(0, None)
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.rest(0) == 0
    for _ in range(FAILURES_TO_OPEN):
        breaker.failed(0, None)
    assert breaker.rest(0) == 1
