"""Short routing keys: whatever a workspace decides of a key, it decides of the short one."""

from collections import Counter

from decision_strategies import parsed, workspaces
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.domain.workspace import Category, Consent, Destination, Workspace
from assent.engine.alike import CONSENT, alike
from assent.engine.consent import is_consent_update, read_preferences
from assent.engine.json import decode_leniently
from assent.engine.policy import Policy
from assent.engine.routing import routing_key

SHOP = Workspace(
    consent=Consent(categories=(Category("ad", destinations=("pixel",)),)), destinations=(Destination("pixel"),)
)


@given(workspaces, workspaces, st.lists(parsed, max_size=6))
@settings(max_examples=100, deadline=None)
def test_a_short_key_is_decided_as_the_whole_one(one: Workspace, other: Workspace, events: list[object]) -> None:
    short = alike(one, other)
    for event in events:
        try:
            key = routing_key(event)
        except UnicodeEncodeError:
            continue  # half of a surrogate pair has no routing key
        for workspace in (one, other):
            assert Policy(workspace).decide_key(short.key(key)) == Policy(workspace).decide_key(key)


@given(parsed)
@settings(max_examples=100, deadline=None)
def test_what_is_said_about_consent_is_kept_whole(event: object) -> None:
    try:
        key = routing_key(event)
    except UnicodeEncodeError:
        return
    whole, short = decode_leniently(key), decode_leniently(CONSENT.key(key))
    assert read_preferences(short) == read_preferences(whole)
    assert is_consent_update(short) == is_consent_update(whole)


def test_what_nobody_asks_for_makes_no_difference_to_counts() -> None:
    said = [
        {"context": {"consent": {"categoryPreferences": {"ad": one % 2 == 0, f"x{one}": True}}}} for one in range(9)
    ]
    counts = Counter({("web", routing_key({**one, "integrations": {"Other": False}})): 1 for one in said})
    assert sorted(alike(SHOP).counts(counts).values()) == [4, 5]
    assert alike(SHOP).counts(counts) == alike(SHOP).counts(alike(SHOP).counts(counts))


def test_a_long_key_is_shortened_each_time_and_not_remembered() -> None:
    shop = alike(SHOP)
    before = len(shop._known)
    key = routing_key({"context": {"consent": {"categoryPreferences": {"ad": True, "x" * 3_000: True}}}})
    assert shop.key(key) == routing_key({"context": {"consent": {"categoryPreferences": {"ad": True}}}})
    assert len(shop._known) == before
