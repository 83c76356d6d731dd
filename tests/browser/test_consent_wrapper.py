"""The stock consent wrapper in Chromium: what a person's answer sends, stamps, and lets through to whom."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from assent.app.cli.data_directory import stores_of
from assent.domain.receipt import Subject
from harness import Server, Wire, assert_delivered_as_decided, wait_until
from harness.visitor import Visitor
from harness.website import Site, snippet

UPDATE: Final = "Segment Consent Preference Updated"
EVERYTHING: Final = {"advertising": True, "analytics": True}
ONLY_ANALYTICS: Final = {"advertising": False, "analytics": True}
NOTHING: Final = {"advertising": False, "analytics": False}

# Segment Beta closes unmapped destinations, so that nobody is left to send to once everything is refused; under
# Segment GA there is `slack`, which needs no consent.
nothing_unmapped = pytest.mark.parametrize("preset", ["segment-beta"])
something_unmapped = pytest.mark.parametrize("preset", ["segment-ga"])


def _name(event: Mapping[str, Any]) -> str:
    return str(event.get("event") or event["type"])


def _sent(wire: Wire) -> list[tuple[str, Any]]:
    """Each event that left the browser: its name, and the preferences it is stamped with."""
    return [(_name(event), event["context"]["consent"]["categoryPreferences"]) for event in wire.events()]


def _wait_until_sent(wire: Wire, *expected: tuple[str, Any]) -> None:
    wait_until(lambda: len(_sent(wire)) >= len(expected), lambda: f"{expected} are sent: {_sent(wire)}")
    assert sorted(_sent(wire), key=str) == sorted(expected, key=str)


def _got(server: Server, destination: str) -> set[str]:
    return {_name(event) for event in server.delivered(destination)}


def _assert_on_record(server: Server, wire: Wire, preferences: Mapping[str, bool]) -> None:
    """The ledger knows what the visitor answered last, and has the event that said so."""
    events = wire.events()
    visitor = Subject(anonymous_id=events[-1]["anonymousId"])
    last = [one["messageId"] for one in events if _name(one) == UPDATE][-1]
    with stores_of(server.data) as stores:
        wait_until(
            lambda: any(last.encode() in one.said.evidence for one in stores.ledger.history(visitor, 10)),
            "the choice is on record",
        )
        profile = stores.ledger.profile(visitor)
        assert profile is not None
        assert {name: said == "granted" for name, said in profile.preferences().items()} == preferences
        assert stores.ledger.verify() is None


def _open(visitor: Visitor, model: str) -> None:
    visitor.open("consent.html", model=model)
    visitor.page.wait_for_selector("[data-ready]", state="attached")


def _answer(visitor: Visitor, button: str) -> None:
    visitor.page.click(f"#{button}")


def _is_loaded(visitor: Visitor) -> None:
    visitor.run("shop.then(() => {})")


def test_opt_in_accept_sends_what_waited_for_the_answer(visitor: Visitor, server: Server, wire: Wire) -> None:
    _open(visitor, "opt-in")
    visitor.run("void shop.track('Before The Answer')")
    assert wire.requests == []

    _answer(visitor, "accept")
    _is_loaded(visitor)
    visitor.track("After It")
    _wait_until_sent(wire, *((one, EVERYTHING) for one in ("page", "Before The Answer", UPDATE, "After It")))
    assert_delivered_as_decided(server, wire.events())
    for destination in ("facebook", "google-ads", "amplitude", "crm"):
        assert _got(server, destination) == {"page", "Before The Answer", UPDATE, "After It"}
    assert _got(server, "slack") == set()


def test_opt_in_accept_of_some_loads_only_integrations_of_which_every_category_is_granted(
    visitor: Visitor, server: Server, wire: Wire
) -> None:
    _open(visitor, "opt-in")
    _answer(visitor, "only-analytics")
    loaded = visitor.run("shop.then(([analytics]) => Object.keys(analytics.settings.cdnSettings.integrations))")
    assert set(loaded) == {"Segment.io", "Amplitude", "Slack"}

    _wait_until_sent(wire, ("page", ONLY_ANALYTICS), (UPDATE, ONLY_ANALYTICS))
    assert_delivered_as_decided(server, wire.events())
    # The server asks for any category, where the wrapper in the browser asks for every one.
    assert _got(server, "facebook") == _got(server, "amplitude") == {"page", UPDATE}
    assert _got(server, "google-ads") == set()
    assert _got(server, "crm") == {UPDATE}


def test_opt_in_accept_with_the_snippet(visitor: Visitor, site: Site, server: Server, wire: Wire) -> None:
    site.pages["/snippet.js"] = snippet(wire.host, later=True)
    visitor.open("consent.html", model="opt-in", snippet="")
    visitor.page.wait_for_selector("[data-ready]", state="attached")
    assert wire.requests == []

    _answer(visitor, "only-analytics")
    visitor.page.wait_for_function("analytics.initialized")
    visitor.run("analytics.track('After It').then(() => {})")
    _wait_until_sent(wire, *((one, ONLY_ANALYTICS) for one in ("page", UPDATE, "After It")))
    assert_delivered_as_decided(server, wire.events())
    assert _got(server, "amplitude") == {"page", UPDATE, "After It"}
    assert _got(server, "google-ads") == set()


@nothing_unmapped
def test_opt_in_refuse_sends_nothing_on_this_page_and_the_next(visitor: Visitor, server: Server, wire: Wire) -> None:
    _open(visitor, "opt-in")
    _answer(visitor, "refuse")
    _is_loaded(visitor)
    visitor.track("On This Page")
    _open(visitor, "opt-in")
    _is_loaded(visitor)
    visitor.track("On The Next")

    assert {request.method for request in wire.requests} == {"GET"}
    assert_delivered_as_decided(server, [])


@something_unmapped
def test_opt_in_refuse_sends_for_destinations_that_need_no_consent(
    visitor: Visitor, server: Server, wire: Wire
) -> None:
    _open(visitor, "opt-in")
    _answer(visitor, "refuse")
    _is_loaded(visitor)
    visitor.track("Product Viewed")

    _wait_until_sent(wire, *((one, NOTHING) for one in ("page", UPDATE, "Product Viewed")))
    assert_delivered_as_decided(server, wire.events())
    assert _got(server, "slack") == {"page", UPDATE, "Product Viewed"}
    assert _got(server, "crm") == {UPDATE}
    assert _got(server, "facebook") == _got(server, "google-ads") == _got(server, "amplitude") == set()


def test_opt_in_then_a_change_of_mind_is_enforced_by_the_server_alone(
    visitor: Visitor, server: Server, wire: Wire
) -> None:
    _open(visitor, "opt-in")
    _answer(visitor, "accept")
    _is_loaded(visitor)
    _answer(visitor, "refuse")
    visitor.track("After The Refusal")
    _answer(visitor, "only-analytics")
    visitor.track("After The Third Thought")

    wait_until(lambda: len(wire.events()) == 6, lambda: f"six events are sent: {_sent(wire)}")
    stamped = dict(_sent(wire))
    assert stamped["After The Refusal"] == NOTHING
    assert stamped["After The Third Thought"] == ONLY_ANALYTICS
    assert_delivered_as_decided(server, wire.events())
    updates = [event["context"]["consent"]["categoryPreferences"] for event in server.delivered("crm")]
    assert [one for one in (EVERYTHING, NOTHING, ONLY_ANALYTICS) if one in updates] == [
        EVERYTHING,
        NOTHING,
        ONLY_ANALYTICS,
    ]
    assert "After The Refusal" not in _got(server, "facebook") | _got(server, "google-ads") | _got(server, "amplitude")
    assert "After The Third Thought" in _got(server, "amplitude")
    assert "After The Third Thought" not in _got(server, "google-ads")


def test_opt_out_sends_at_once_and_withholds_after_a_refusal(visitor: Visitor, server: Server, wire: Wire) -> None:
    _open(visitor, "opt-out")
    visitor.track("Before The Answer")
    _answer(visitor, "only-analytics")
    visitor.track("After It")

    _wait_until_sent(
        wire,
        ("page", EVERYTHING),
        ("Before The Answer", EVERYTHING),
        (UPDATE, ONLY_ANALYTICS),
        ("After It", ONLY_ANALYTICS),
    )
    assert_delivered_as_decided(server, wire.events())
    assert _got(server, "google-ads") == {"page", "Before The Answer"}
    assert _got(server, "crm") == {"page", "Before The Answer", UPDATE}
    _assert_on_record(server, wire, ONLY_ANALYTICS)
    assert _got(server, "amplitude") == {"page", "Before The Answer", UPDATE, "After It"}


@nothing_unmapped
def test_opt_out_refuse_stops_everything_in_the_browser_until_a_change_of_mind(
    visitor: Visitor, server: Server, wire: Wire
) -> None:
    _open(visitor, "opt-out")
    visitor.track("Before The Answer")
    _answer(visitor, "refuse")
    visitor.track("After The Refusal")
    _wait_until_sent(wire, ("page", EVERYTHING), ("Before The Answer", EVERYTHING))

    _answer(visitor, "accept")
    visitor.track("After The Change")
    wait_until(lambda: len(wire.events()) == 4, lambda: f"four events are sent: {_sent(wire)}")
    assert {name for name, _ in _sent(wire)} == {"page", "Before The Answer", UPDATE, "After The Change"}
    assert_delivered_as_decided(server, wire.events())
    assert "After The Change" in _got(server, "google-ads")


@something_unmapped
def test_opt_out_refuse_reports_the_refusal_where_somebody_needs_no_consent(
    visitor: Visitor, server: Server, wire: Wire
) -> None:
    _open(visitor, "opt-out")
    _is_loaded(visitor)
    _answer(visitor, "refuse")
    visitor.track("After The Refusal")

    _wait_until_sent(wire, ("page", EVERYTHING), (UPDATE, NOTHING), ("After The Refusal", NOTHING))
    assert_delivered_as_decided(server, wire.events())
    assert _got(server, "slack") == {"page", UPDATE, "After The Refusal"}
    assert _got(server, "crm") == {"page", UPDATE}
    assert _got(server, "facebook") == {"page"}
    _assert_on_record(server, wire, NOTHING)
