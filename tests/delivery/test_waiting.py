"""Which waiting events may go: of each person in order, unless one is stubborn."""

from assent.delivery.waiting import Waiting
from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.outcome import Attempt, State

CONSENTED = Decision(Verdict.DELIVER, Reason.CONSENTED)


def attempt(offset: int, tried: int = 1) -> Attempt:
    return Attempt("crm", offset, "web", f"m{offset}", State.RETRYING, CONSENTED, 1, tried, first_at=0, due_at=0)


def waiting(*entries: tuple[int, str, float]) -> Waiting:
    """Offset, person and when it is due."""
    made = Waiting()
    for offset, subject, due in entries:
        made.put(attempt(offset), subject, due)
    return made


def offsets(attempts: list[Attempt]) -> list[int]:
    return [one.offset for one in attempts]


def test_those_that_are_due_go_by_offset() -> None:
    made = waiting((5, "a", 10), (3, "b", 20), (4, "c", 5))
    assert offsets(made.due(4, 10)) == []
    assert offsets(made.due(10, 10)) == [4, 5]
    assert offsets(made.due(20, 10)) == [3, 4, 5]
    assert offsets(made.due(20, 2)) == [3, 4]
    assert made.next_due(0) == 5
    assert Waiting().next_due(0) is None


def test_an_event_goes_after_the_earlier_ones_of_its_person() -> None:
    made = waiting((1, "a", 10), (2, "a", 0), (3, "b", 0))
    assert offsets(made.due(5, 10)) == [3]
    assert offsets(made.due(10, 10)) == [1, 2, 3]
    made.remove(3)
    assert made.next_due(5) == 10
    made.remove(1)
    assert offsets(made.due(5, 10)) == [2]


def test_a_new_event_waits_behind_those_of_its_person_only() -> None:
    made = waiting((1, "a", 10))
    assert made.holds("a")
    assert not made.holds("b")
    made.remove(1)
    made.remove(1)
    assert not made.holds("a")
    assert len(made) == 0


def test_an_event_that_fails_because_of_itself_is_passed() -> None:
    made = waiting((1, "a", 10), (2, "a", 0), (3, "a", 20))
    assert made.next_of(1) is not None
    made.let_pass(1)
    assert offsets(made.due(5, 10)) == [2]
    assert made.holds("a")
    assert offsets(made.probes(9)) == [2]
    made.remove(2)
    made.remove(3)
    assert not made.holds("a")
    assert made.probes(9) == []
    assert offsets(made.first(9)) == [1]
    assert made.next_of(1) is None


def test_probes_are_each_persons_first_and_the_least_tried() -> None:
    made = waiting((1, "a", 99), (2, "a", 99), (3, "b", 99), (4, "c", 99))
    assert offsets(made.probes(1)) == [1]
    made.put(attempt(1, tried=2), "a", 99)
    assert offsets(made.probes(1)) == [3]
    assert offsets(made.probes(2)) == [3, 4]
    made.put(attempt(3, tried=5), "b", 99)
    made.put(attempt(4, tried=5), "c", 99)
    assert offsets(made.probes(2)) == [1, 3]


def test_hurry_makes_all_due() -> None:
    made = waiting((1, "a", 99), (2, "a", 999))
    made.hurry()
    assert offsets(made.due(0, 10)) == [1, 2]
