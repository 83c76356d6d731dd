"""What holds of all that is received: nothing is lost, only InvalidInput is raised, no consent is misread."""

from typing import Any

import msgspec
from decision_strategies import any_json, events, integrations, json_texts, metadata, read_plainly, workspaces
from hypothesis import example, given
from hypothesis import strategies as st

from assent.domain.errors import InvalidInput
from assent.domain.record import EVENT_TYPES, Discard, Record
from assent.domain.workspace import Workspace
from assent.engine.accept import Accepted, Arrival, Batch, OneEvent
from assent.engine.forward import forward
from assent.engine.json import decode_leniently
from assent.engine.policy import Policy

ARRIVAL = Arrival("src_web", True, 1_767_225_600_123, lambda: "new")

_texts_or_not = st.sampled_from(["u1", "a", "", None, 5, {}, []])
_objects_or_not = st.sampled_from([{}, {"a": 1}, None, "x", 5, []])
whole_events = st.builds(
    lambda event, rest: {**event, **rest},
    events,
    st.fixed_dictionaries(
        {"userId": st.sampled_from(["u1", "u1", "u1", "u1", None, "", 5])},
        optional={
            "anonymousId": _texts_or_not,
            "messageId": _texts_or_not,
            "properties": _objects_or_not | any_json,
            "traits": _objects_or_not,
            "name": _texts_or_not,
            "category": _texts_or_not,
            "sentAt": _texts_or_not,
            "integrations": integrations,
            "_metadata": metadata,
        },
    ),
)
event_types = st.sampled_from([*EVENT_TYPES, "track", "track"])


def made_of(accepted: Accepted) -> Record | Discard:
    records, discards = accepted
    (made,) = [*records, *discards]
    return made


def plainly(record: Record) -> Any:
    """The accepted event as Python's own parser reads it, with the type that it was accepted as."""
    return {**read_plainly(record.body.decode()), "type": record.type}


@given(workspaces, event_types, json_texts(whole_events))
def test_the_routing_key_of_an_accepted_event_decides_like_its_body(
    workspace: Workspace, event_type: str, text: str
) -> None:
    made = made_of(OneEvent(text.encode(), event_type).accept(ARRIVAL))
    if isinstance(made, Record):
        policy = Policy(workspace)
        assert policy.decide_key(made.routing_key) == policy.decide(plainly(made))


@given(workspaces, event_types, json_texts(whole_events))
def test_the_quick_and_the_slow_way_to_accept_an_event_agree(workspace: Workspace, event_type: str, text: str) -> None:
    """A write key that is no string, which nothing depends on, sends an event the slow way."""
    policy = Policy(workspace)
    start = text.index("{") + 1
    comma = "" if text[start:].strip() == "}" else ","
    slow_text = f'{text[:start]}"writeKey":5{comma}{text[start:]}'
    quick, slow = (made_of(OneEvent(one.encode(), event_type).accept(ARRIVAL)) for one in (text, slow_text))
    if isinstance(quick, Record) and isinstance(slow, Record):
        assert policy.decide_key(quick.routing_key) == policy.decide_key(slow.routing_key)
        assert msgspec.structs.replace(quick, routing_key=b"", body=b"") == msgspec.structs.replace(
            slow, routing_key=b"", body=b""
        )
    else:
        assert isinstance(quick, Discard)
        assert isinstance(slow, Discard)
        assert quick.code == slow.code


@given(event_types, json_texts(whole_events))
def test_an_event_fares_in_a_batch_as_it_does_alone(event_type: str, text: str) -> None:
    event = {**decode_leniently(text.encode()), "type": event_type}
    event.pop("sentAt", None)
    body = msgspec.json.encode(event)
    alone = made_of(OneEvent(body, event_type).accept(ARRIVAL))
    together = made_of(Batch(b'{"batch": [%b]}' % body).accept(ARRIVAL))
    assert together == alone


@given(st.lists(json_texts(whole_events | any_json), min_size=1, max_size=5), json_texts(events))
def test_every_item_of_a_batch_becomes_exactly_one_record_or_discard(items: list[str], root: str) -> None:
    parts = {name: value for name, value in decode_leniently(root.encode()).items() if name != "type"}
    body = b'{"batch": [%b], %b' % (",".join(items).encode(), msgspec.json.encode({**parts, "x": 0})[1:])
    records, discards = Batch(body).accept(ARRIVAL)
    assert len(records) + len(discards) == len(items)


_bodies = st.binary(max_size=60) | json_texts(whole_events | any_json).map(str.encode)
_damaged = st.builds(
    lambda body, at, junk: body[: at % (len(body) + 1)] + junk + body[at % (len(body) + 1) + len(junk) :],
    _bodies,
    st.integers(0, 10_000),
    st.sampled_from([b"", b"\xff", b"\x00", b'"', b"{", b"}", b",", b"\\", b"\\ud8", b"1e9999", b"\xed\xa0\x80"]),
)


@given(_bodies | _damaged, event_types)
@example(b'{"userId": "u1", "event": "e", "properties": {"n": 1e999}, "name": 1e999}', "track")
@example(b'{"userId": "u1", "name": 5, "_metadata": {"bundled": [%d]}}' % 10**400, "page")
@example(b'{"userId": "u1", "context": {"consent": {"categoryPreferences": {"ad": %b}}}}' % (b"9" * 5000), "page")
@example(b'{"userId": "\\ud800", "integrations": {"\\ud800": false}, "name": 5}', "page")
@example(b'{"userId": "u1", "context": %b}' % (b"[" * 900 + b"]" * 900), "page")
@example(b'{"userId": "u1", "context": {"consent": {"categoryPreferences": %b}}}' % (b"[" * 900 + b"]" * 900), "page")
def test_nothing_but_invalid_input_is_ever_raised(body: bytes, event_type: str) -> None:
    batch = b'{"batch":[%b],"context":%b}' % (body, body)
    for receive in (lambda: OneEvent(body, event_type), lambda: Batch(body), lambda: Batch(batch)):
        try:
            records, discards = receive().accept(ARRIVAL)
        except InvalidInput:
            continue
        assert len(records) + len(discards) >= 1
        for record in records:
            assert msgspec.json.decode(msgspec.json.encode(forward(record)))["messageId"]
