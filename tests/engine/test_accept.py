"""From the body of a request to records and discards, rule by rule (WIRE.md)."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from assent.domain.errors import BodyTooLarge, InvalidInput
from assent.domain.record import CONSENT_UPDATE_EVENT, EVENT_TYPES, Discard, Record
from assent.engine.accept import BATCH_BYTES, BATCH_EVENTS, EVENT_BYTES, Arrival, Batch, OneEvent

NOW = 1_767_225_600_123
TRACK = {"type": "track", "event": "Signed Up", "userId": "u1"}
PAGE = {"type": "page", "anonymousId": "a1"}
UPDATE = {**TRACK, "event": CONSENT_UPDATE_EVENT, "context": {"consent": {"categoryPreferences": {"ad": False}}}}


def arriving(*, enabled: bool = True, ip: str | None = None) -> Arrival:
    numbers: Iterator[int] = count(1)
    return Arrival("src_web", enabled, NOW, lambda: f"new-{next(numbers)}", ip)


def written(value: Any) -> bytes:
    return json.dumps(value).encode()


def accept_one(event: Any, event_type: str = "track") -> Record | Discard:
    records, discards = OneEvent(written(event), event_type).accept(arriving())
    assert len(records) + len(discards) == 1
    return [*records, *discards][0]


def accept_batch(items: Any, **root: Any) -> tuple[list[Record], list[Discard]]:
    return Batch(written({"batch": items, **root})).accept(arriving())


def outcome(event: Any, event_type: str = "track") -> str:
    """What becomes of an event, alone and in a batch: `accepted`, or the code of its discard."""
    alone = accept_one(event, event_type)
    records, discards = accept_batch([{**event, "type": event_type}])
    assert len(records) + len(discards) == 1
    together = [*records, *discards][0]
    said = [one.code if isinstance(one, Discard) else "accepted" for one in (alone, together)]
    assert said[0] == said[1]
    return said[0]


class TestOneEvent:
    def test_becomes_a_record_of_what_the_client_sent_and_what_the_server_knows(self) -> None:
        body = written({**TRACK, "messageId": "m1", "sentAt": "2026-01-01T00:00:00Z", "properties": {"plan": "é"}})
        (record,), discards = OneEvent(body, "track").accept(arriving(ip="203.0.113.7"))
        assert discards == []
        assert record == Record(
            "src_web", NOW, "track", "m1", b"{}", body, "2026-01-01T00:00:00Z", "203.0.113.7", "Signed Up"
        )

    @pytest.mark.parametrize(
        ("event_type", "event", "name"),
        [
            ("track", {**TRACK, "name": "no name of it"}, "Signed Up"),
            ("track", UPDATE, CONSENT_UPDATE_EVENT),
            ("track", {**TRACK, "event": "é" * 101}, "é" * 100),
            ("page", {**PAGE, "name": "Pricing", "event": "no name of it"}, "Pricing"),
            ("screen", {**PAGE, "name": "Basket"}, "Basket"),
            ("page", PAGE, ""),
            ("page", {**PAGE, "name": "Pricing", "event": 5}, "Pricing"),
            ("identify", {**PAGE, "name": "no name of it"}, ""),
        ],
    )
    def test_says_the_name_that_it_is_counted_by(self, event_type: str, event: dict[str, Any], name: str) -> None:
        alone = accept_one(event, event_type)
        (together,), _ = accept_batch([{**event, "type": event_type}])
        assert isinstance(alone, Record)
        assert alone.event == together.event == name

    @pytest.mark.parametrize("given", [{}, {"messageId": None}, {"messageId": ""}])
    def test_gets_a_message_id_where_it_brings_none(self, given: dict[str, Any]) -> None:
        record = accept_one({**TRACK, **given})
        assert isinstance(record, Record)
        assert record.message_id == "new-1"

    def test_has_the_type_of_the_path_whatever_its_body_says(self) -> None:
        record = accept_one({**PAGE, "type": "identify"}, "page")
        assert isinstance(record, Record)
        assert record.type == "page"

    def test_is_a_consent_update_only_on_the_path_of_track(self) -> None:
        as_page = accept_one({**UPDATE, "type": "track"}, "page")
        as_track = accept_one({**UPDATE, "type": "page"}, "track")
        assert isinstance(as_page, Record)
        assert isinstance(as_track, Record)
        assert b"Updated" not in as_page.routing_key
        assert b"Updated" in as_track.routing_key

    @pytest.mark.parametrize(("said", "read"), [("wk", "wk"), (None, None), (5, None), ("", "")])
    def test_shows_its_write_key_before_it_is_judged(self, said: Any, read: str | None) -> None:
        assert OneEvent(written({**TRACK, "writeKey": said}), "track").write_key == read
        assert OneEvent(written({"userId": 5, "writeKey": said}), "track").write_key == read

    @pytest.mark.parametrize("event", [[], [TRACK], "track", 5, None, True])
    def test_that_is_no_object_is_a_bad_request(self, event: Any) -> None:
        discard = accept_one(event)
        assert discard == Discard("src_web", NOW, "bad_request", written(event))

    @pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b'{"userId": NaN}', b"{}{}", b"{'a': 1}", b"\x00"])
    def test_that_is_not_json_is_invalid(self, body: bytes) -> None:
        with pytest.raises(InvalidInput, match="not JSON"):
            OneEvent(body, "track")

    @pytest.mark.parametrize("body", [b'{"userId": "\xff"}', b'{"properties": {"x": "\xed\xa0\x80"}}'])
    def test_that_is_not_utf8_is_invalid_wherever_the_fault_is(self, body: bytes) -> None:
        with pytest.raises(InvalidInput, match="not UTF-8"):
            OneEvent(body, "track")

    @pytest.mark.parametrize("opening", [b"[", b'{"a":'])
    def test_that_is_nested_too_deeply_is_invalid(self, opening: bytes) -> None:
        with pytest.raises(InvalidInput, match="too deeply"):
            OneEvent(opening * 5000, "track")

    def test_of_the_largest_size_is_accepted_and_of_one_byte_more_is_not(self) -> None:
        body = written({**TRACK, "properties": {"filler": ""}})
        largest = body.replace(b'""', b'"' + b"x" * (EVENT_BYTES - len(body)) + b'"')
        assert len(largest) == 32 * 1024
        assert OneEvent(largest, "track").accept(arriving())[0][0].body == largest
        with pytest.raises(BodyTooLarge, match="32768 bytes, this one has 32769"):
            OneEvent(largest + b" ", "track")

    def test_from_a_disabled_source_is_discarded(self) -> None:
        records, (discard,) = OneEvent(written(TRACK), "track").accept(arriving(enabled=False))
        assert records == []
        assert discard.code == "source_disabled"

    def test_leaves_a_sample_of_bounded_size_when_discarded(self) -> None:
        discard = accept_one({"properties": {"filler": "x" * 5000}})
        assert isinstance(discard, Discard)
        assert discard.sample == written({"properties": {"filler": "x" * 5000}})[:500]

    def test_keeps_its_body_but_for_text_that_is_no_unicode(self) -> None:
        body = rb'{"userId": "\ud800", "event": "\ud83d\ude00", "anonymousId": "\\ud800", "properties": {"n": 1e999}}'
        (record,), _ = OneEvent(body, "track").accept(arriving())
        assert record.body == body.replace(rb'"\ud800', rb'"\ufffd')

    def test_keeps_numbers_that_no_computer_word_holds(self) -> None:
        body = written(TRACK)[:-1] + b', "properties": {"n": ' + b"9" * 5000 + b'}, "name": 5}'
        (record,), _ = OneEvent(body, "track").accept(arriving())
        assert record.body == body


class TestRules:
    @pytest.mark.parametrize("event_type", EVENT_TYPES)
    @pytest.mark.parametrize("ids", [{"userId": "u1"}, {"anonymousId": "a1"}, {"userId": "u1", "anonymousId": None}])
    def test_one_id_is_enough_for_any_type(self, event_type: str, ids: dict[str, Any]) -> None:
        assert outcome({"event": "Signed Up", **ids}, event_type) == "accepted"

    @pytest.mark.parametrize("event_type", EVENT_TYPES)
    @pytest.mark.parametrize("ids", [{}, {"userId": None, "anonymousId": None}, {"userId": "", "anonymousId": ""}])
    def test_no_user_anon_id(self, event_type: str, ids: dict[str, Any]) -> None:
        assert outcome({"event": "Signed Up", "previousId": "p1", **ids}, event_type) == "no_user_anon_id"

    @pytest.mark.parametrize("name", ["userId", "anonymousId", "messageId"])
    @pytest.mark.parametrize("value", [5, 0, True, False, [], {}, 1.5])
    def test_id_not_string(self, name: str, value: Any) -> None:
        assert outcome({"event": "Signed Up", "userId": "u1", "anonymousId": "a1", name: value}) == "id_not_string"

    @pytest.mark.parametrize("event", [{}, {"event": None}, {"event": ""}])
    def test_event_not_defined(self, event: dict[str, Any]) -> None:
        assert outcome({"userId": "u1", **event}) == "event_not_defined"

    @pytest.mark.parametrize("value", [5, 0, True, False, [], {}, ["Signed Up"]])
    def test_event_not_string(self, value: Any) -> None:
        assert outcome({"userId": "u1", "event": value}) == "event_not_string"

    @pytest.mark.parametrize("event_type", ["identify", "page", "screen", "group", "alias"])
    @pytest.mark.parametrize("value", [None, "", 5, {}])
    def test_only_a_track_call_needs_an_event(self, event_type: str, value: Any) -> None:
        assert outcome({"userId": "u1", "event": value}, event_type) == "accepted"

    @pytest.mark.parametrize(
        ("field", "types", "wrong", "code"),
        [
            ("properties", ["track", "page", "screen"], [5, "x", [], True, [{}]], "properties_not_object"),
            ("traits", ["identify", "group"], [5, "x", [], False], "traits_not_object"),
            ("name", ["page", "screen"], [5, {}, [], True], "name_not_string"),
            ("category", ["page", "screen"], [5, {}, [], False], "category_not_string"),
        ],
    )
    def test_shapes(self, field: str, types: list[str], wrong: list[Any], code: str) -> None:
        for event_type in EVENT_TYPES:
            for value in wrong:
                expected = code if event_type in types else "accepted"
                assert outcome({"userId": "u1", "event": "x", field: value}, event_type) == expected
            assert outcome({"userId": "u1", "event": "x", field: None}, event_type) == "accepted"

    def test_what_analytics_python_sends_null_is_missing(self) -> None:
        nulls = dict.fromkeys(("anonymousId", "messageId", "name", "category", "properties", "traits", "integrations"))
        assert outcome({**nulls, "userId": "u1", "event": None, "context": None}, "page") == "accepted"

    @pytest.mark.parametrize(
        ("event", "event_type", "code"),
        [
            ({"userId": 5}, "track", "id_not_string"),
            ({"anonymousId": None, "properties": 5}, "track", "no_user_anon_id"),
            ({"userId": "u1", "properties": 5}, "track", "event_not_defined"),
            ({"userId": "u1", "properties": 5, "name": 5}, "page", "properties_not_object"),
            ({"userId": "u1", "category": 5, "name": 5}, "screen", "name_not_string"),
        ],
    )
    def test_the_first_of_several_faults_is_reported(self, event: Any, event_type: str, code: str) -> None:
        assert outcome(event, event_type) == code


class TestConsentUpdate:
    @staticmethod
    def outcome(context: Any) -> str:
        return outcome({"userId": "u1", "event": CONSENT_UPDATE_EVENT, "context": context})

    @pytest.mark.parametrize(
        "context",
        [None, {}, 5, {"consent": None}, {"consent": {}}, {"consent": "granted"}, {"consent": {"version": 2}}],
    )
    def test_must_have_preferences(self, context: Any) -> None:
        assert self.outcome(context) == "consent_categorypreferences_should_exist"

    def test_whose_preferences_are_null_has_none(self) -> None:
        assert self.outcome({"consent": {"categoryPreferences": None}}) == "consent_categorypreferences_should_exist"

    @pytest.mark.parametrize("preferences", ["all", 5, [], ["ad"], True, False])
    def test_whose_preferences_must_be_an_object(self, preferences: Any) -> None:
        said = self.outcome({"consent": {"categoryPreferences": preferences}})
        assert said == "consent_categorypreferences_fields_should_be_object"

    @pytest.mark.parametrize("value", [None, 1, 0, "true", [], {}])
    def test_whose_answers_must_be_booleans(self, value: Any) -> None:
        said = self.outcome({"consent": {"categoryPreferences": {"ad": True, "analytics": value}}})
        assert said == "consent_categorypreferences_fields_should_be_bool"

    @pytest.mark.parametrize(("value", "fine"), [("x", True), ("", True), (None, True), (5, False), ({}, False)])
    def test_whose_advertising_id_must_be_a_string(self, value: Any, fine: bool) -> None:
        said = self.outcome({"consent": {"categoryPreferences": {}}, "device": {"advertisingId": value}})
        assert said == ("accepted" if fine else "device_advertisingid_should_be_string")

    @pytest.mark.parametrize(("value", "fine"), [(2, True), (1.5, True), (None, True), ("2", False), (True, False)])
    def test_whose_version_must_be_a_number(self, value: Any, fine: bool) -> None:
        said = self.outcome({"consent": {"categoryPreferences": {"ad": False}, "version": value}})
        assert said == ("accepted" if fine else "consent_version_should_be_number")

    @pytest.mark.parametrize("device", [None, {}, 5, []])
    def test_may_refuse_everything_from_any_device(self, device: Any) -> None:
        assert self.outcome({"consent": {"categoryPreferences": {}}, "device": device}) == "accepted"

    def test_is_recognised_by_type_and_exact_name(self) -> None:
        assert outcome({"userId": "u1", "event": CONSENT_UPDATE_EVENT.lower()}) == "accepted"
        assert outcome({"userId": "u1", "event": CONSENT_UPDATE_EVENT}, "page") == "accepted"


class TestBatch:
    def test_becomes_a_record_per_item_with_the_time_of_the_root(self) -> None:
        records, discards = accept_batch([{**TRACK, "messageId": "m1"}, PAGE], sentAt="2026-01-01T00:00:00Z")
        assert discards == []
        assert [(one.type, one.message_id, one.sent_at) for one in records] == [
            ("track", "m1", "2026-01-01T00:00:00Z"),
            ("page", "new-1", "2026-01-01T00:00:00Z"),
        ]
        assert [json.loads(one.body) for one in records] == [{**TRACK, "messageId": "m1"}, PAGE]

    def test_keeps_its_good_items_and_the_order(self) -> None:
        records, discards = accept_batch([PAGE, {"type": "page"}, TRACK, 5, {**TRACK, "userId": 5}])
        assert [one.type for one in records] == ["page", "track"]
        assert [one.code for one in discards] == ["no_user_anon_id", "bad_request", "id_not_string"]

    @pytest.mark.parametrize(
        "item", [None, 5, "x", [], {}, {"type": None}, {"type": "Track"}, {"type": 5}, {"type": []}]
    )
    def test_an_item_that_is_no_event_is_a_bad_request(self, item: Any) -> None:
        assert [one.code for one in accept_batch([item])[1]] == ["bad_request"]
        assert [one.code for one in accept_batch([item], context={"ip": "x"})[1]] == ["bad_request"]

    def test_without_items_is_a_discard_itself(self) -> None:
        assert accept_batch([]) == ([], [Discard("src_web", NOW, "empty_batch", b'{"batch": []}')])

    @pytest.mark.parametrize("body", [b"{}", b"[]", b"5", b'{"batch": null}', b'{"batch": {}}', b'{"batch": "x"}'])
    def test_that_has_no_list_of_items_is_a_bad_request(self, body: bytes) -> None:
        assert Batch(body).accept(arriving()) == ([], [Discard("src_web", NOW, "bad_request", body)])

    @pytest.mark.parametrize(("said", "read"), [("wk", "wk"), (None, None), (5, None), ("w\u00e9", "w\u00e9")])
    def test_shows_its_write_key_before_it_is_judged(self, said: Any, read: str | None) -> None:
        assert Batch(written({"batch": [], "writeKey": said})).write_key == read
        assert Batch(written({"batch": 5, "writeKey": said})).write_key == read

    def test_whose_write_key_and_time_are_no_strings_keeps_its_items(self) -> None:
        records, discards = accept_batch([PAGE], writeKey=5, sentAt=1767225600)
        assert [one.sent_at for one in records] == [None]
        assert discards == []

    def test_has_a_limit_of_items_beyond_which_they_are_discarded(self) -> None:
        records, discards = accept_batch([PAGE] * (BATCH_EVENTS + 3))
        assert len(records) == 2500
        assert [(one.code, json.loads(one.sample)) for one in discards] == [("too_many_events", PAGE)] * 3

    def test_item_that_is_too_large_is_discarded(self) -> None:
        records, discards = accept_batch([{**PAGE, "properties": {"filler": "x" * EVENT_BYTES}}, PAGE])
        assert len(records) == 1
        assert [one.code for one in discards] == ["event_too_large"]

    def test_of_the_largest_size_is_accepted_and_of_one_byte_more_is_not(self) -> None:
        body = written({"batch": [PAGE]})
        largest = body + b" " * (BATCH_BYTES - len(body))
        assert len(largest) == 500 * 1024
        assert len(Batch(largest).accept(arriving())[0]) == 1
        with pytest.raises(BodyTooLarge, match="512000 bytes, this one has 512001"):
            Batch(largest + b" ")

    def test_from_a_disabled_source_is_discarded_item_by_item(self) -> None:
        records, discards = Batch(written({"batch": [PAGE, TRACK]})).accept(arriving(enabled=False))
        assert records == []
        assert [one.code for one in discards] == ["source_disabled"] * 2

    @pytest.mark.parametrize("body", [b"", b'{"batch": [', b'{"batch": [NaN]}', b'{"batch": [{}]} x'])
    def test_that_is_not_json_is_invalid(self, body: bytes) -> None:
        with pytest.raises(InvalidInput, match="not JSON"):
            Batch(body)

    def test_with_half_a_surrogate_pair_in_one_item_keeps_all(self) -> None:
        items = rb'{"type": "page", "userId": "\udc00"}, {"type": "page", "userId": "u2"}'
        records, discards = Batch(rb'{"batch": [%b], "writeKey": "\ud800"}' % items).accept(arriving())
        assert discards == []
        assert [json.loads(one.body)["userId"] for one in records] == ["\ufffd", "u2"]


class TestBatchRoot:
    def test_context_and_integrations_hold_for_every_item_and_the_item_wins(self) -> None:
        items = [PAGE, {**PAGE, "context": {"page": {"url": "/b"}, "locale": None}, "integrations": {"CRM": True}}]
        root = {"context": {"page": {"url": "/a", "title": "A"}, "locale": "de"}, "integrations": {"CRM": False}}
        records, _ = accept_batch(items, **root)
        assert [json.loads(one.body) for one in records] == [
            {**PAGE, **root},
            {
                **PAGE,
                "context": {"page": {"url": "/b", "title": "A"}, "locale": "de"},
                "integrations": {"CRM": True},
            },
        ]
        assert [one.routing_key for one in records] == [
            b'{"integrations":{"CRM":false}}',
            b'{"integrations":{"CRM":true}}',
        ]

    def test_consent_holds_for_every_item_that_has_none_of_its_own(self) -> None:
        own = {"context": {"consent": {"categoryPreferences": {"ad": False}}}}
        records, _ = accept_batch([PAGE, {**PAGE, **own}], context={"consent": {"categoryPreferences": {"ad": True}}})
        preferences = [json.loads(one.routing_key)["context"]["consent"]["categoryPreferences"] for one in records]
        assert preferences == [{"ad": True}, {"ad": False}]

    @pytest.mark.parametrize("context", [None, {}])
    def test_that_says_nothing_leaves_the_bodies_as_they_came(self, context: Any) -> None:
        body = b'{"batch": [{"type":"page",  "userId":"u1"}], "context": %b}' % written(context)
        (record,), _ = Batch(body).accept(arriving())
        assert record.body == b'{"type":"page",  "userId":"u1"}'

    def test_makes_an_item_too_large(self) -> None:
        half = "x" * (EVENT_BYTES // 2)
        records, discards = accept_batch([PAGE, {**PAGE, "properties": {"filler": half}}], context={"filler": half})
        assert len(records) == 1
        assert [one.code for one in discards] == ["event_too_large"]

    def test_that_is_larger_than_an_event_may_be_is_refused_at_once(self) -> None:
        with pytest.raises(BodyTooLarge, match="part of each event"):
            accept_batch([PAGE] * 2500, context={"filler": "x" * EVENT_BYTES})

    def test_whose_merging_would_be_too_deep_costs_only_the_items_it_breaks(self) -> None:
        deep = b'{"a":' * 850 + b"1" + b"}" * 850
        items = b'{"type": "page", "userId": "u1", "context": %b}, {"type": "page", "userId": "u2"}' % deep
        records, discards = Batch(b'{"context": %b, "batch": [%b]}' % (deep, items)).accept(arriving())
        assert len(records) + len(discards) == 2
        assert b'"u2"' in records[-1].body
