"""Events that state consent in other ways: what becomes of them as they are accepted, dialect by dialect."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.domain.record import CONSENT_UPDATE_EVENT, Discard, DiscardCode, Record
from assent.domain.workspace import SIGNAL_TOOLS, Category, Source
from assent.engine.accept import Arrival, Batch, OneEvent
from assent.engine.forward import forward
from assent.engine.routing import routing_key
from assent.signals.dialects import _READERS
from assent.signals.readers import READERS
from assent.signals.translate import AS_SENT, Translator

CATEGORIES = (
    Category("analytics", signals=("tcf:7", "tcf:9", "onetrust:C0002", "consent-manager:Amplitude")),
    Category(
        "advertising", signals=("tcf:3", "tcf:4", "tcf:vendor 755", "gpp:sale", "gpp:targeted_advertising", "gpc")
    ),
    Category("C0004"),
    Category("marketing"),
    Category("4"),
)
PART = "CP4bJcAP4bJcAAKABAENAwFgAIKAAAAAAAYgF5wAQF5gAAAA.IF5wAQF5gAAA"
"""Purposes 1, 7 and 9, and vendor 755."""
ALL = "CP4bJcAP4bJcAAKABAENAwFoAP_gAEPgAAYgF5wAQF5gAAAA.IF5wAQF5gAAA"
UNREADABLE = "unreadable"
ABSENT = "absent"
TRACK = {"type": "track", "event": "Bought", "userId": "u1", "messageId": "m1"}


def arriving(*dialects: Any) -> Arrival:
    source = Source("web", "key", consent_from=dialects)
    return Arrival("web", True, 1_767_225_600_123, lambda: "new", translate=Translator(source, CATEGORIES))


def accepted(event: Any, *dialects: Any) -> Record | Discard:
    body = json.dumps(event).encode()
    records, discards = OneEvent(body, event["type"]).accept(arriving(*dialects))
    return [*records, *discards][0]


def read(context: Any, *dialects: Any, **fields: Any) -> Any:
    """The preferences that an event is decided by, from its routing key; and the body agrees with the key."""
    record = accepted({**TRACK, "context": context, **fields}, *dialects)
    assert isinstance(record, Record)
    key = json.loads(record.routing_key)
    assert routing_key(key) == routing_key({**json.loads(record.body), "type": record.type})
    if "context" not in key:
        return ABSENT
    said = key["context"]["consent"]["categoryPreferences"]
    return said if isinstance(said, dict) else UNREADABLE


def test_the_domain_knows_every_tool_that_can_be_read() -> None:
    assert set(SIGNAL_TOOLS) == {one.tool for one in READERS} | {"rudderstack", "mparticle", *_READERS} - {"cookie"}


# ------------------------------------------------------------------------------------ by dialect

CASES = yaml.safe_load((Path(__file__).parent / "dialects.yaml").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one['dialect']}: {one['name']}")
def test_what_an_event_is_decided_by(case: dict[str, Any]) -> None:
    assert read(case["context"], case["dialect"]) == case["expect"]


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one['dialect']}: {one['name']}")
def test_a_source_that_does_not_say_so_is_read_as_ever(case: dict[str, Any]) -> None:
    said = read(case["context"])
    assert said == (UNREADABLE if not isinstance(case["context"].get("consent", {}), dict) else ABSENT)


def test_mparticle_may_speak_at_the_root_of_an_event() -> None:
    assert read({}, "mparticle", consent_state={"gdpr": {"marketing": {"consented": True}}}) == {"marketing": True}


def test_the_traits_of_an_identify_are_read() -> None:
    traits = {"customTrackingPreferences": {"marketing": False}}
    record = accepted({"type": "identify", "userId": "u1", "traits": traits}, "segment-old")
    assert isinstance(record, Record)
    assert json.loads(record.routing_key)["context"]["consent"]["categoryPreferences"] == {"marketing": False}


# ------------------------------------------------------------------------------------ together


def test_what_the_event_states_itself_counts_too() -> None:
    consent = {"categoryPreferences": {"analytics": False, "marketing": True, "advertising": True}, "tcf": ALL}
    assert read({"consent": consent}, "tcf") == {"analytics": False, "marketing": True, "advertising": True}
    assert read({"consent": {**consent, "gpc": True}}, "tcf", "gpc") == {
        "analytics": False,
        "marketing": True,
        "advertising": False,
    }


def test_what_the_event_states_and_is_no_answer_stays_unreadable() -> None:
    consent = {"categoryPreferences": {"analytics": 1, "advertising": True}, "tcf": ALL}
    said = read({"consent": consent}, "tcf")
    assert said == {"analytics": 1, "advertising": True}
    assert said["analytics"] is not True


def test_one_dialect_that_cannot_be_read_closes_all() -> None:
    consent = {"categoryPreferences": {"marketing": True}, "tcf": ALL, "gpp": "nonsense"}
    assert read({"consent": consent}, "tcf", "gpp") == UNREADABLE
    assert read({"consent": consent}, "tcf") == {"marketing": True, "analytics": True, "advertising": True}


def test_the_original_is_kept_and_goes_on_to_destinations() -> None:
    consent = {"categoryPreferences": {"advertising": True, "other": False}, "tcf": PART, "version": 3}
    record = accepted({**TRACK, "context": {"consent": consent, "ip": "192.0.2.1"}}, "tcf")
    assert isinstance(record, Record)
    assert forward(record)["context"] == {
        "ip": "192.0.2.1",
        "consent": {
            "tcf": PART,
            "version": 3,
            "categoryPreferences": {"advertising": False, "other": False, "analytics": True},
            AS_SENT: {"advertising": True, "other": False},
        },
    }


def test_an_event_that_says_nothing_else_is_kept_byte_for_byte() -> None:
    body = b'{"type":"track",  "event":"Bought","userId":"u1","context":{"consent":{"categoryPreferences":{"a":true}}}}'
    (record,), _ = OneEvent(body, "track").accept(arriving("tcf", "gpp", "gpc", "cookie", "rudderstack", "mparticle"))
    assert record.body is body


def test_every_event_of_a_batch_is_read_with_the_root_merged_into_it() -> None:
    items = [TRACK, {**TRACK, "messageId": "m2", "context": {"consent": {"tcf": PART}}}]
    body = json.dumps({"batch": items, "context": {"consent": {"tcf": ALL}}}).encode()
    records, discards = Batch(body).accept(arriving("tcf"))
    assert discards == []
    said = [json.loads(one.routing_key)["context"]["consent"]["categoryPreferences"] for one in records]
    assert [one["advertising"] for one in said] == [True, False]


def test_a_consent_update_is_checked_by_what_was_read() -> None:
    update = {**TRACK, "event": CONSENT_UPDATE_EVENT}
    assert isinstance(accepted({**update, "context": {"consent": {"tcf": ALL}}}, "tcf"), Record)
    refused = accepted({**update, "context": {"consent": {"tcf": "nonsense"}}}, "tcf")
    assert isinstance(refused, Discard)
    assert refused.code is DiscardCode.CONSENT_PREFERENCES_MISSING
    assert isinstance(accepted({**update, "context": {"consent": {"tcf": ALL}}}, "gpp"), Discard)


# ------------------------------------------------------------------------------------ whatever comes

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([PART, ALL, "DBABTA~1YYN"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["tcf", "gpp", "gpc", "cookie", "categoryPreferences", "consent", "marketing", "analytics", "gdpr", "ccpa",
             "consented", "data_sale_opt_out", "destinationPreferences", "allowedConsentIds", "deniedConsentIds"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
_dialects = st.lists(st.sampled_from(sorted(_READERS)), min_size=1, unique=True)


@settings(max_examples=150, deadline=None)
@given(consent=_json, other=_json, dialects=_dialects)
def test_no_event_is_too_strange_and_nothing_opens_what_the_event_itself_closes(
    consent: Any, other: Any, dialects: list[str]
) -> None:
    context = {"consent": consent, "consentManagement": other, "consent_state": other, "traits": other}
    plain, said = read(context), read(context, *dialects)
    if plain == UNREADABLE:
        assert said == UNREADABLE
    if isinstance(plain, dict) and isinstance(said, dict):
        assert all(said.get(id_) is not True for id_, value in plain.items() if value is not True)
