"""The event that destinations see."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from decision_strategies import any_json, json_texts
from hypothesis import example, given
from hypothesis import strategies as st

from assent.domain.errors import InvalidInput
from assent.domain.record import EVENT_TYPES, Record
from assent.engine.accept import Arrival, OneEvent
from assent.engine.forward import forward, subject_of

NOW = 1_767_225_600_123
NOW_TEXT = "2026-01-01T00:00:00.123Z"


def recorded(event: Any, *, sent_at: str | None = None, ip: str | None = None) -> Record:
    return Record("src_web", NOW, "track", "m1", b"{}", json.dumps(event).encode(), sent_at, ip)


def timestamps(event: Any, sent_at: str | None = None) -> tuple[Any, Any]:
    sent = forward(recorded(event, sent_at=sent_at))
    return sent["timestamp"], sent.get("originalTimestamp", "none")


def test_is_what_the_client_sent_and_what_the_server_adds() -> None:
    body = {"event": "Signed Up", "userId": "u1", "type": "page", "messageId": None, "properties": {"plan": "é"}}
    assert forward(recorded(body, sent_at="2026-01-01T00:00:01Z")) == {
        "event": "Signed Up",
        "userId": "u1",
        "properties": {"plan": "é"},
        "type": "track",
        "messageId": "m1",
        "sentAt": "2026-01-01T00:00:01Z",
        "receivedAt": NOW_TEXT,
        "timestamp": NOW_TEXT,
    }


def test_never_has_the_write_key() -> None:
    assert "writeKey" not in forward(recorded({"writeKey": "secret"}))


def test_has_no_sent_at_that_nobody_said() -> None:
    assert "sentAt" not in forward(recorded({}))
    assert forward(recorded({"sentAt": 5}))["sentAt"] == 5


class TestTimestamp:
    @pytest.mark.parametrize(
        ("happened", "sent", "corrected"),
        [
            ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", NOW_TEXT),
            ("2020-05-05T12:00:00.000Z", "2020-05-05T12:00:07.100Z", "2025-12-31T23:59:53.023Z"),
            ("2030-01-01T00:00:01Z", "2030-01-01T00:00:00Z", "2026-01-01T00:00:01.123Z"),
            ("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:01Z", "2025-12-31T23:59:59.123Z"),
            ("2026-01-01T00:00:00", "2026-01-01T00:00:01", "2025-12-31T23:59:59.123Z"),
            ("2026-01-01", "2026-01-02", "2025-12-31T00:00:00.123Z"),
            ("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.123456Z", NOW_TEXT),
        ],
    )
    def test_is_corrected_by_how_wrong_the_clients_clock_was(self, happened: str, sent: str, corrected: str) -> None:
        assert timestamps({"timestamp": happened}, sent) == (corrected, happened)
        assert timestamps({"originalTimestamp": happened}, sent) == (corrected, happened)
        assert timestamps({"timestamp": happened, "sentAt": sent}) == (corrected, happened)

    @pytest.mark.parametrize("sent", [None, "", "yesterday", "2026-13-01T00:00:00Z"])
    def test_is_the_clients_where_its_clock_is_not_known(self, sent: str | None) -> None:
        happened = "2026-01-01T02:00:00+02:00"
        assert timestamps({"timestamp": happened}, sent) == (happened, happened)

    @pytest.mark.parametrize("happened", ["yesterday", "", 1767225600, 1.5, True, [], {}, "2026-02-30T00:00:00Z"])
    def test_is_the_time_of_receipt_where_the_clients_cannot_be_read(self, happened: Any) -> None:
        assert timestamps({"timestamp": happened}, NOW_TEXT) == (NOW_TEXT, happened)

    @pytest.mark.parametrize("event", [{}, {"timestamp": None}, {"timestamp": None, "originalTimestamp": None}])
    def test_is_the_time_of_receipt_where_the_client_says_none(self, event: dict[str, Any]) -> None:
        assert forward(recorded(event))["timestamp"] == NOW_TEXT

    def test_prefers_what_the_client_calls_original(self) -> None:
        event = {"originalTimestamp": "2026-01-01T00:00:00Z", "timestamp": "2027-01-01T00:00:00Z"}
        assert timestamps(event, "2026-01-01T00:00:01Z") == ("2025-12-31T23:59:59.123Z", "2026-01-01T00:00:00Z")

    @pytest.mark.parametrize(
        ("happened", "sent"),
        [("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"), ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")],
    )
    def test_is_the_clients_where_the_corrected_one_would_be_out_of_range(self, happened: str, sent: str) -> None:
        assert timestamps({"timestamp": happened}, sent) == (happened, happened)

    @given(
        st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)),
        st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)),
        st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
    def test_lies_as_long_before_receipt_as_the_event_was_kept(
        self, happened: datetime, kept: timedelta, zone: timezone
    ) -> None:
        at = happened.replace(tzinfo=UTC)
        corrected, _ = timestamps({"timestamp": at.astimezone(zone).isoformat()}, (at + kept).isoformat())
        lag = datetime.fromisoformat(NOW_TEXT) - datetime.fromisoformat(corrected)
        assert timedelta(0) <= lag - kept < timedelta(milliseconds=1)

    @given(st.integers(0, 4_000_000_000_000))
    @example(0)
    @example(999)
    @example(1_700_000_000_001)
    def test_of_receipt_is_exact_to_the_millisecond(self, received_at: int) -> None:
        sent = forward(Record("src_web", received_at, "page", "m1", b"{}", b"{}"))
        assert sent["receivedAt"] == sent["timestamp"]
        assert len(sent["receivedAt"]) == len(NOW_TEXT)
        read = datetime.fromisoformat(sent["receivedAt"])
        assert (read - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) == received_at

    @given(any_json | st.text(max_size=30), any_json, any_json, st.none() | st.text(max_size=30))
    def test_is_never_the_reason_for_an_error(self, said: Any, original: Any, sent: Any, root: str | None) -> None:
        event = {"timestamp": said, "originalTimestamp": original, "sentAt": sent}
        forwarded = forward(recorded(event, sent_at=root))
        assert isinstance(forwarded["timestamp"], str)
        assert datetime.fromisoformat(forwarded["timestamp"])


class TestAddress:
    @pytest.mark.parametrize(
        ("event", "context"),
        [
            ({}, {"ip": "203.0.113.7"}),
            ({"context": None}, {"ip": "203.0.113.7"}),
            ({"context": {"a": 1}}, {"a": 1, "ip": "203.0.113.7"}),
            ({"context": {"ip": None}}, {"ip": "203.0.113.7"}),
            ({"context": {"ip": "0.0.0.0"}}, {"ip": "0.0.0.0"}),
            ({"context": 5}, 5),
            ({"context": []}, []),
        ],
    )
    def test_is_the_browsers_where_the_client_set_none(self, event: dict[str, Any], context: Any) -> None:
        assert forward(recorded(event, ip="203.0.113.7"))["context"] == context

    def test_is_not_made_up(self) -> None:
        assert "context" not in forward(recorded({}))
        assert forward(recorded({"context": {}}))["context"] == {}


class TestSubject:
    @pytest.mark.parametrize(
        ("event", "subject"),
        [
            ({"userId": "u1"}, "u1"),
            ({"anonymousId": "a1"}, "a1"),
            ({"userId": None, "anonymousId": "a1"}, "a1"),
            ({"userId": "u1", "anonymousId": "a1"}, "a1"),
            ({"userId": "u1", "anonymousId": None}, "u1"),
            ({"userId": 5}, ""),
            ([], ""),
        ],
    )
    def test_is_the_same_before_and_after_signing_in(self, event: Any, subject: str) -> None:
        assert subject_of(recorded(event)) == subject


_extras = st.dictionaries(
    st.sampled_from(["context", "timestamp", "originalTimestamp", "sentAt", "writeKey", "type", "integrations", "x"]),
    any_json,
)


@given(json_texts(_extras.map(lambda extras: {**extras, "userId": "u1"})), st.sampled_from(EVENT_TYPES[1:]))
def test_whatever_was_accepted_can_be_forwarded_and_written(text: str, event_type: str) -> None:
    arrival = Arrival("src_web", True, NOW, lambda: "new", "203.0.113.7")
    (record,), _ = OneEvent(text.encode(), event_type).accept(arrival)
    forwarded = forward(record)
    assert forwarded["type"] == event_type
    assert forwarded["userId"] == "u1"
    assert forwarded["messageId"] == "new"
    assert "writeKey" not in forwarded
    assert msgspec.json.decode(msgspec.json.encode(forwarded)).keys() == forwarded.keys()


def test_what_is_too_deep_to_be_read_says_so() -> None:
    body = b'{"userId": "u1", "properties": %b}' % (b"[" * 5000 + b"]" * 5000)
    with pytest.raises(InvalidInput, match="too deeply"):
        forward(Record("src_web", NOW, "page", "m1", b"{}", body))
