"""The compiled decision and the readable one agree on every input."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from decision_strategies import anything, json_texts, parsed, read_plainly, watching
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assent.domain.decision import REASONS, SAID_SINCE, Decision, Reason, Verdict
from assent.domain.errors import InvalidInput
from assent.domain.workspace import Category, Consent, Destination, Workspace
from assent.engine import policy as compiled
from assent.engine.decide import decide, observe
from assent.engine.policy import Policy
from assent.engine.routing import routing_key

SHOP = Workspace(
    consent=Consent(categories=(Category("ad", destinations=("facebook",)),)),
    destinations=(Destination("facebook"), Destination("crm", receives_consent_updates=True)),
)


def by_reference(workspace: Workspace, event: Any) -> Mapping[str, Decision]:
    decided = observe if workspace.observe else decide
    return {one.id: decided(workspace.rules, workspace.categories, one, event) for one in workspace.destinations}


STRICT = Workspace(
    consent=Consent(
        "strict",
        categories=(
            Category("ad", destinations=("pixel",)),
            Category("analytics", destinations=("pixel",)),
            Category("off", destinations=("crm",), enabled=False),
            Category("on", destinations=("crm",)),
        ),
    ),
    destinations=(Destination("pixel"), Destination("crm")),
)


@pytest.mark.parametrize(
    ("preferences", "destination", "reason", "categories"),
    [
        ({"on": True}, "crm", Reason.CATEGORY_DISABLED, ("off",)),
        ({"on": True, "off": True}, "crm", Reason.CATEGORY_DISABLED, ("off",)),
        ({"ad": "yes"}, "pixel", Reason.CONSENT_UNREADABLE, ("ad",)),
        ({"analytics": 1, "other": True}, "pixel", Reason.CONSENT_UNREADABLE, ("analytics",)),
    ],
)
def test_of_several_refusals_the_first_in_order_counts(
    preferences: dict[str, Any], destination: str, reason: Reason, categories: tuple[str, ...]
) -> None:
    event = {"context": {"consent": {"categoryPreferences": preferences}}}
    for decided in (by_reference(STRICT, event), Policy(STRICT).decide(event)):
        assert decided[destination] == Decision(Verdict.WITHHOLD, reason, categories)


@given(watching, parsed)
def test_on_parsed_events(workspace: Workspace, event: Any) -> None:
    assert Policy(workspace).decide(event) == by_reference(workspace, event)


@given(watching, json_texts(anything))
def test_on_json_in_any_spelling(workspace: Workspace, text: str) -> None:
    expected = by_reference(workspace, read_plainly(text))
    policy = Policy(workspace)
    assert policy.decide(text.encode()) == expected
    assert policy.decide(text) == expected


@given(watching, st.lists(json_texts(anything), min_size=2, max_size=6))
def test_what_was_decided_before_changes_nothing(workspace: Workspace, texts: list[str]) -> None:
    policy = Policy(workspace)
    for text in [*texts, *texts]:
        assert policy.decide(text.encode()) == by_reference(workspace, read_plainly(text))


@given(watching, json_texts(anything))
def test_a_routing_key_is_an_event_that_is_decided_alike(workspace: Workspace, text: str) -> None:
    event = json.loads(text.replace("\\ud", "\\uf"), parse_int=float)
    key = routing_key(event)
    assert by_reference(workspace, json.loads(key)) == by_reference(workspace, event)
    assert Policy(workspace).decide_key(key) == by_reference(workspace, event)
    assert routing_key(json.loads(key)) == key


@settings(max_examples=1_000)
@given(watching, parsed)
def _collect(met: set[tuple[str, str, bool]], workspace: Workspace, event: Any) -> None:
    met |= {(one.verdict, one.reason, one.observed) for one in Policy(workspace).decide(event).values()}


def test_the_examples_meet_every_reason_and_no_other() -> None:
    met: set[tuple[str, str, bool]] = set()
    _collect(met)
    by_policy = [text for text in REASONS if text.reason not in SAID_SINCE]
    assert met == {(text.verdict, text.reason, text.observed) for text in by_policy}


@given(st.binary(max_size=40) | json_texts(anything).map(str.encode))
@example(b'{\x00"\x00a\x00"\x00:\x001\x00}\x00')
@example(b"\xef\xbb\xbf{}")
@example(b'{"context": NaN}')
@example(b'{"properties": "\xff"}')
@example(b'{"context":{"consent":{"categoryPreferences":{"\xed\xa0\x80":true}}}}')
@example(b"[" * 100_000)
def test_bytes_are_decided_or_refused_as_invalid(body: bytes) -> None:
    try:
        event = read_plainly(body.decode())
    except (ValueError, RecursionError):
        event = None
    try:
        decisions = Policy(SHOP).decide(body)
    except InvalidInput:
        assert event is None or b"NaN" in body or b"Infinity" in body
    else:
        assert decisions == by_reference(SHOP, event)


@pytest.mark.parametrize(
    "body",
    [
        '{"context":{"consent":{"categoryPreferences":{"ad":true}}},"context":{"consent":{"categoryPreferences":{"ad":false}}}}',
        '{"context":{"consent":{"categoryPreferences":{"ad":true}},"consent":{"categoryPreferences":{"ad":false}}}}',
        '{"context":{"consent":{"categoryPreferences":{"ad":true},"categoryPreferences":{"ad":false}}}}',
        '{"context":{"consent":{"categoryPreferences":{"ad":true,"ad":false}}}}',
        '{"context":{"consent":{"categoryPreferences":{"ad":true,"\\u0061d":false}}}}',
        '{"context":{"c\\u006fnsent":{"categoryPreferences":{"ad":false}}}}',
        '{"\\u0063ontext":{"consent":{"category\\u0050references":{"ad":false}}}}',
    ],
)
def test_no_spelling_hides_a_refusal(body: str) -> None:
    assert Policy(SHOP).decide(body.encode())["facebook"].reason == "category_denied"


def test_equal_choices_share_their_decisions_whatever_else_the_events_say() -> None:
    policy = Policy(SHOP)
    choice = '"context": {"consent": {"categoryPreferences": {"ad": true}}}'
    first = policy.decide(f'{{"type": "page", "anonymousId": "a1", {choice}}}'.encode())
    second = policy.decide(f'{{"type": "track", "event": "Signed Up", "integrations": {{}}, {choice}}}'.encode())
    assert second is first


def test_session_ids_in_integrations_do_not_make_decisions_of_their_own() -> None:
    policy = Policy(SHOP)
    first = policy.decide(b'{"integrations": {"Amplitude": {"session_id": 1}}}')
    assert policy.decide(b'{"integrations": {"Amplitude": {"session_id": 2}}}') is first


@given(watching, st.sampled_from([b"", b"{", b'{"context":NaN}', b"\xff", b'{"a":' * 5000]))
def test_a_routing_key_that_cannot_be_read_delivers_nothing(workspace: Workspace, key: bytes) -> None:
    assert {one.verdict for one in Policy(workspace).decide_key(key).values()} <= {"withhold"}


def test_senders_cannot_make_a_policy_grow_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "KEYS_REMEMBERED", 10)
    policy = Policy(SHOP)
    for number in range(100):
        body = b'{"context":{"consent":{"categoryPreferences":{"ad":true,"x%d":true}}}}' % number
        assert policy.decide(body)["facebook"].reason == "consented"
        assert len(policy._decisions) <= 10
