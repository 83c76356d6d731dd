"""@segment/analytics-next in Chromium, as from npm and as the published snippet loads it."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from harness import Request, Server, Wire, assert_delivered_as_decided, wait_until
from harness.visitor import Visitor
from harness.website import Site, snippet


def _batching(timeout: int) -> dict[str, Any]:
    """Options for batches of 3 events, or fewer after `timeout` milliseconds."""
    strategy = {"strategy": "batching", "config": {"size": 3, "timeout": timeout}}
    return {"integrations": {"Segment.io": {"deliveryStrategy": strategy}}}


EVERY_CALL: Final = """(async () => {
  const granted = {consent: {categoryPreferences: {advertising: true, analytics: true}}}
  const half = {consent: {categoryPreferences: {advertising: true, analytics: false}}}
  const refused = {consent: {categoryPreferences: {advertising: false, analytics: false}}}
  await shop.page('Docs', 'Start', {}, granted)
  await shop.track('Product Viewed', {price: 9.5}, half)
  await shop.identify('u1', {plan: 'pro'}, refused)
  await shop.group('g1', {seats: 3}, {...granted, integrations: {Amplitude: false}})
  await shop.screen('Cart', {}, half)
  await shop.alias('u2', 'u1', granted)
  await shop.track('Said Nothing')
  await shop.track('Closed', {}, {integrations: {All: false, 'Segment.io': true}})
  await shop.track('Caf\\u00e9 \\u2615', {}, {consent: {categoryPreferences: {}}})
})()"""


def _wait_for_events(wire: Wire, count: int) -> list[Any]:
    wait_until(lambda: len(wire.events()) >= count, lambda: f"{count} events are sent: {wire.events()}")
    return wire.events()


def test_every_kind_of_call_goes_where_decide_says(visitor: Visitor, server: Server, wire: Wire) -> None:
    visitor.open("plain.html")
    visitor.run(EVERY_CALL)

    sent = _wait_for_events(wire, 9)
    kinds = Counter(event["type"] for event in sent)
    assert kinds == {"page": 1, "track": 4, "identify": 1, "group": 1, "screen": 1, "alias": 1}
    assert {request.path for request in wire.posts()} == {f"/v1/{letter}" for letter in "ptigsa"}
    assert_delivered_as_decided(server, sent)
    assert [event["event"] for event in server.delivered("slack")] == ["Said Nothing"]
    assert [event["type"] for event in server.delivered("amplitude")].count("group") == 1


def test_events_carry_the_address_of_the_visitor_and_the_context_of_the_page(
    visitor: Visitor, server: Server, wire: Wire
) -> None:
    visitor.open("plain.html")
    visitor.track("Product Viewed", analytics=True)

    assert_delivered_as_decided(server, wire.events())
    (got,) = server.delivered("amplitude")
    assert got["context"]["ip"] == "127.0.0.1"
    assert got["context"]["page"]["title"] == "Shop"
    assert got["context"]["userAgent"].startswith("Mozilla/5.0")


def test_the_published_snippet_gets_the_library_and_its_parts_from_assent(
    visitor: Visitor, site: Site, server: Server, wire: Wire
) -> None:
    site.pages["/snippet.html"] = _page_with(snippet(wire.host))
    visitor.page.goto(f"{site.url}/snippet.html?ajs_event=Opened+From+Mail&ajs_uid=u1")
    visitor.page.wait_for_function("analytics.initialized")
    visitor.run(
        "analytics.track('Product Viewed', {}, {consent: {categoryPreferences: {analytics: true}}}).then(() => {})"
    )

    sent = _wait_for_events(wire, 4)
    assert sorted((event["type"], event.get("event")) for event in sent) == [
        ("identify", None),
        ("page", None),
        ("track", "Opened From Mail"),
        ("track", "Product Viewed"),
    ]
    assert {event["context"]["library"]["version"] for event in sent} == {f"next-{_vendored_version()}"}
    loaded = {request.path for request in wire.requests if request.method == "GET"}
    assert "/analytics.js/v1/web-key/analytics.min.js" in loaded
    assert {path.split(".")[0] for path in loaded} >= {
        f"/analytics-next/bundles/{part}" for part in ("ajs-destination", "queryString")
    }
    assert_delivered_as_decided(server, sent)


def _page_with(script: str) -> str:
    return f'<!doctype html><title>Shop</title><link rel="icon" href="data:,"><script>{script}</script><h1>Shop</h1>'


def _vendored_version() -> str:
    root = Path(__file__).parents[2]
    return (root / "src/assent/app/static/vendor/analytics-next/VERSION").read_text().strip()


def test_batches_are_sent_when_full(visitor: Visitor, server: Server, wire: Wire) -> None:
    visitor.open("plain.html", options=_batching(60_000))
    for number in range(6):
        visitor.track(f"Event {number}", advertising=number % 2 == 0, analytics=True)

    sent = _wait_for_events(wire, 6)
    assert [(request.path, len(request.events)) for request in wire.posts()] == [("/v1/b", 3), ("/v1/b", 3)]
    assert_delivered_as_decided(server, sent)


@pytest.mark.parametrize("leave", ["to another page", "by closing the tab"])
def test_a_batch_is_sent_when_the_visitor_leaves(leave: str, visitor: Visitor, server: Server, wire: Wire) -> None:
    visitor.open("plain.html", options=_batching(60_000))
    visitor.track("Added To Cart", advertising=False, analytics=True)
    visitor.track("Checkout Started", advertising=True, analytics=True)
    assert not wire.posts()
    if leave == "to another page":
        visitor.open("elsewhere.html")
    else:
        with visitor.page.expect_event("close"):
            visitor.page.close(run_before_unload=True)

    sent = _wait_for_events(wire, 2)
    assert [request.path for request in wire.posts()] == ["/v1/b"]
    assert_delivered_as_decided(server, sent)


def test_an_event_in_flight_when_the_visitor_leaves_is_sent_again_from_the_next_page_and_delivered_once(
    visitor: Visitor, server: Server, wire: Wire
) -> None:
    has_left = threading.Event()
    wire.loses = lambda request: bool(request.events) and not has_left.is_set() and has_left.wait(10)
    visitor.open("plain.html")
    visitor.run("shop.then(() => {})")
    visitor.run("void shop.track('Left At Once', {}, {consent: {categoryPreferences: {analytics: true}}})")
    wait_until(lambda: len(wire.posts()) == 1, "the event is on its way")
    visitor.open("plain.html")
    has_left.set()

    wait_until(lambda: len(wire.posts()) == 2, "the event is sent again")
    assert len(wire.events()) == 1
    assert_delivered_as_decided(server, wire.events())


@pytest.mark.parametrize("options", [{}, _batching(500)], ids=["one by one", "in batches"])
def test_an_answer_lost_on_the_way_brings_the_events_again_and_they_are_delivered_once(
    options: dict[str, Any], visitor: Visitor, server: Server, wire: Wire
) -> None:
    visitor.expected_error = "net::ERR_EMPTY_RESPONSE|net::ERR_CONNECTION_RESET"
    visitor.open("plain.html", options=options)
    # Chromium itself repeats a request whose connection breaks, without a word; the library must have to.
    wire.loses = lambda request: bool(request.events) and request.retry_count == 0
    for number in range(3):
        visitor.track(f"Event {number}", advertising=number == 1, analytics=True)

    wait_until(lambda: _answered(wire) == 3, "every event is answered in the end")
    times_sent = Counter(event["messageId"] for request in wire.posts() for event in request.events)
    assert min(times_sent.values()) >= 2
    assert_delivered_as_decided(server, wire.events())


def _answered(wire: Wire) -> int:
    return len({event["messageId"] for request in wire.posts() if request.retry_count for event in request.events})


def test_an_unknown_write_key_gets_no_settings_and_the_page_learns_so(visitor: Visitor, wire: Wire) -> None:
    visitor.expected_error = "."
    visitor.open("plain.html", key="of-somebody-else")
    failed = visitor.run("shop.then(() => 'loaded', (error) => String(error))")

    assert "no source has this write key" in failed
    assert not wire.posts()


def test_the_library_reports_about_itself_to_nobody(visitor: Visitor, wire: Wire) -> None:
    visitor.page.clock.install()
    visitor.open("plain.html")
    visitor.track("Product Viewed")
    visitor.page.clock.run_for(60_000)  # it would every 30 seconds, to Segment where its settings do not say otherwise

    visitor.assert_undisturbed()
    assert not [request.path for request in wire.requests if request.path.endswith("/m")]


def test_requests_of_pages_are_preflighted_and_answered(visitor: Visitor, wire: Wire) -> None:
    visitor.open("plain.html")
    visitor.track("Product Viewed")

    def methods() -> list[str]:
        return [request.method for request in wire.requests if request.path == "/v1/t"]

    assert methods() == ["OPTIONS", "POST"]
    post: Request = wire.posts()[0]
    assert post.headers["content-type"].startswith("text/plain")
    assert post.headers["authorization"].startswith("Basic ")
