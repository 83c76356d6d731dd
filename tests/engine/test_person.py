"""Who an event is about, where an id occurs, and who is suppressed."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.domain.record import DiscardCode
from assent.domain.regulation import SubjectId, SubjectType
from assent.engine.accept import Arrival, Batch, OneEvent
from assent.engine.person import People, ids_of
from assent.engine.suppression import Digests, Suppressions

USER, BROWSER = SubjectType.USER_ID, SubjectType.ANONYMOUS_ID


def suppressions(*subjects: SubjectId) -> Suppressions:
    digests = Digests(b"a key")
    found = Suppressions(digests)
    found.replace({kind: frozenset(digests.of(one) for one in subjects if one.type is kind) for kind in SubjectType})
    return found


def accept(event: dict[str, Any], type_: str = "track", *, held: Suppressions) -> tuple[list[str], list[Any]]:
    """The message ids that were accepted, and the discards with what is kept of them."""
    arrival = Arrival("web", True, 0, lambda: "made", suppressions=held)
    records, discards = OneEvent(json.dumps(event).encode(), type_).accept(arrival)
    return [one.message_id for one in records], [(one.code, one.sample) for one in discards]


@pytest.mark.parametrize(
    ("body", "is_in"),
    [
        ({"userId": "ann"}, True),
        ({"userId": "ben", "anonymousId": "ann"}, False),
        ({"anonymousId": "b-7"}, True),
        ({"userId": "b-7"}, False),
        ({"userId": "ben", "previousId": "ann"}, True),
        ({"userId": "ben", "previousId": "b-7"}, True),
        ({"userId": "ben", "traits": {"userId": "ann"}}, False),
        ({"userId": 7, "anonymousId": "b-7"}, True),
        ({}, False),
    ],
)
def test_who_an_event_is_about(body: dict[str, Any], is_in: bool) -> None:
    people = People([SubjectId(USER, "ann"), SubjectId(BROWSER, "b-7")])
    assert people.are_in(json.dumps(body).encode()) is is_in


def test_however_an_id_is_written() -> None:
    assert People([SubjectId(USER, "anné")]).are_in(b'{"userId": "ann\\u00e9"}')
    assert People([SubjectId(USER, "a/b")]).are_in(b'{"userId":"a\\/b"}')
    assert People([SubjectId(USER, "ann")]).are_in(b'{"userId": "ben", "userId": "ann"}')
    assert ids_of(b"[1]").user_id is None
    assert ids_of(b"no JSON").user_id is None


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("ann-77 wrote to us", "[deleted] wrote to us"),
        ("ann-77's letter, of ann-77.", "[deleted]'s letter, of [deleted]."),
        ("/users/ann-77/orders", "/users/[deleted]/orders"),
        ("joann-775 and xann-77", "joann-775 and xann-77"),
        ("step 42 of Ann Smith", "step 42 of [deleted]"),
        ("ann.smith@example.com", "[deleted]"),
    ],
)
def test_an_id_is_taken_out_of_a_text_where_it_is_a_word(text: str, redacted: str) -> None:
    people = People([SubjectId(USER, one) for one in ("ann-77", "42", "Ann Smith", "ann.smith@example.com")])
    assert people.redacted(text) == redacted
    assert people.are_named_in(text) is (text != redacted)


@pytest.mark.parametrize(
    ("sample", "is_in"),
    [
        (b'{"userId":"ann-77","event":7}', True),
        (b'{"event":7,"userId":"ann-7', True),
        (b'{"event":7,"userId":"an', False),
        (b'{"event":7,"userId":"42"', True),
        (b'{"event":42,"userId":"ben"', False),
        (b"a message of ann-77", True),
        (b"\xff\xfe", False),
    ],
)
def test_who_is_in_the_start_of_what_was_received(sample: bytes, is_in: bool) -> None:
    assert People([SubjectId(USER, "ann-77"), SubjectId(USER, "42")]).are_in_sample(sample) is is_in


def test_digests_differ_by_kind_and_key_and_say_nothing() -> None:
    ann = SubjectId(USER, "ann")
    found = {Digests(b"a").of(ann), Digests(b"b").of(ann), Digests(b"a").of(SubjectId(BROWSER, "ann"))}
    assert len(found) == 3
    assert all(b"ann" not in one and len(one) == 16 for one in found)


def test_who_is_suppressed_sends_in_vain() -> None:
    held = suppressions(SubjectId(USER, "ann"), SubjectId(BROWSER, "b-7"))
    nothing = [(DiscardCode.SUBJECT_SUPPRESSED, b"")]
    assert accept({"event": "x", "userId": "ann"}, held=held) == ([], nothing)
    assert accept({"event": "x", "userId": "ben", "anonymousId": "b-7"}, held=held) == ([], nothing)
    assert accept({"userId": "ben", "previousId": "ann"}, "alias", held=held) == ([], nothing)
    assert accept({"event": 7, "userId": "ann"}, held=held) == ([], nothing)
    assert accept({"messageId": "m", "event": "x", "userId": "b-7"}, held=held) == (["m"], [])


def test_no_discard_of_who_is_suppressed_shows_anything() -> None:
    arrival = Arrival("web", True, 0, lambda: "made", suppressions=suppressions(SubjectId(USER, "ann")))
    items = [{"type": "nothing", "userId": one} for one in ("ann", "ben")]
    _, discards = Batch(json.dumps({"batch": items}).encode()).accept(arrival)
    assert [(one.code, bool(one.sample)) for one in discards] == [("bad_request", False), ("bad_request", True)]


@settings(max_examples=50)
@given(st.sets(st.text(min_size=1, max_size=8)), st.text(min_size=1, max_size=8))
def test_those_are_suppressed_who_are_and_nobody_else(ids: set[str], other: str) -> None:
    held = suppressions(*(SubjectId(USER, one) for one in ids))
    assert all(held.hold(one, None) and not held.hold(None, one) for one in ids)
    assert held.hold(other, None) is (other in ids)
    assert bool(held) is bool(ids)


def test_a_change_is_in_force_at_once() -> None:
    held = suppressions()
    assert not held.hold("ann", None)
    ann = {USER: frozenset([Digests(b"a key").of(SubjectId(USER, "ann"))])}
    assert held.replace(ann)
    assert held.hold("ann", None)
    assert not held.replace(ann)
    assert held.replace({USER: frozenset([Digests(b"a key").of(SubjectId(USER, "ben"))])})
    assert not held.hold("ann", None)
    assert held.hold("ben", None)
