"""What events say about consent, added up from routing keys."""

from typing import Any

import pytest

from assent.domain.workspace import Category, Consent, Destination, RuleOverrides, Source, Workspace
from assent.engine.consent_shares import consent_shares, lookalike, undefined, unenforced
from assent.engine.routing import routing_key

UPDATE = {"type": "track", "event": "Segment Consent Preference Updated"}


def event(preferences: Any = None, **fields: Any) -> bytes:
    carried = {} if preferences is None else {"context": {"consent": {"categoryPreferences": preferences}}}
    return routing_key({"type": "track", "event": "Tested", **carried, **fields})


COUNTS = {
    ("web", event({"ads": True, "stats": True})): 10,
    ("app", event({"ads": True, "stats": False})): 3,
    ("web", event({"ads": False, "Stats": True})): 2,
    ("web", event({"ads": "yes"})): 1,
    ("web", event({"ads": True, "stats": False}, **UPDATE)): 4,
    ("web", event({"ads": False}, **UPDATE)): 1,
    ("app", event("all")): 5,
    ("app", event()): 20,
    ("web", event(integrations={"All": False})): 7,
}
WORKSPACE = Workspace(
    consent=Consent(categories=(Category("ads", destinations=("pixel",)), Category("stats"))),
    sources=(Source("web", "w"), Source("app", "a")),
    destinations=(Destination("pixel"),),
)


def test_events_are_told_apart_by_what_they_carry() -> None:
    shares = consent_shares(COUNTS)
    assert shares.events == sum(COUNTS.values()) == 53
    assert (shares.carrying, shares.unreadable, shares.without) == (21, 5, 27)
    assert shares.updates == 5


def test_only_true_grants() -> None:
    shares = consent_shares(COUNTS)
    assert dict(shares.granted) == {"ads": 17, "stats": 10, "Stats": 2}
    assert dict(shares.granted_in_updates) == {"ads": 4}
    assert dict(shares.named) == {"ads": 21, "stats": 17, "Stats": 2}


def test_nothing_at_all_is_nothing() -> None:
    shares = consent_shares({})
    assert (shares.events, shares.carrying, shares.without, shares.granted) == (0, 0, 0, {})


def test_a_key_that_nobody_can_read_is_unreadable() -> None:
    assert consent_shares({("web", b"\xff{"): 2}).unreadable == 2


def test_what_nobody_defined_comes_most_frequent_first() -> None:
    counts = {("web", event({"b": True, "a": True})): 1, ("web", event({"c": False, "ads": True})): 5}
    assert list(undefined(WORKSPACE, consent_shares(counts)).items()) == [("c", 5), ("a", 1), ("b", 1)]


@pytest.mark.parametrize(("id_", "twin"), [("Ads", "ads"), (" ads ", "ads"), ("ads", None), ("adverts", None)])
def test_ids_that_differ_only_in_case_or_blanks(id_: str, twin: str | None) -> None:
    assert lookalike(WORKSPACE, id_) == twin


def test_what_flows_unenforced_is_what_is_delivered_without_consent() -> None:
    assert dict(unenforced(WORKSPACE, COUNTS)) == {"app": 20}
    strict = RuleOverrides(no_consent="withhold")
    closed = Workspace(
        consent=Consent(rules=strict, categories=WORKSPACE.categories), destinations=WORKSPACE.destinations
    )
    assert dict(unenforced(closed, COUNTS)) == {}
