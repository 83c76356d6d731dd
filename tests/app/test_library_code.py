"""The code that the console shows for each library: it is run as it is, and its events arrive."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from assent.app.services.library_code import library_code
from harness import node, node_modules, wait_until
from harness.api import WRITE_KEY, Api, a_workspace, running_api
from harness.browser import running_browser
from harness.website import running_site

CATEGORIES: Final = ("analytics", 'd\'or "quoted" </script>')
STAMP: Final = dict.fromkeys(CATEGORIES, False)
STAMPED: Final = [(), CATEGORIES]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("code"), a_workspace()) as api:
        yield api


def code(api: Api, library: str, categories: tuple[str, ...]) -> str:
    return next(one.code for one in library_code(api.url, WRITE_KEY, categories) if one.library == library)


def run(*command: str, text: str = "") -> None:
    clients = node_modules().parent
    done = subprocess.run(command, input=text, cwd=clients, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def newest(api: Api, before: int, user: str | None = "u1") -> dict[str, Any]:
    """The event that came in since there were `before`."""
    wait_until(lambda: api.server.log.head == before + 1, "one more event is there")
    event: dict[str, Any] = api.data("/events")["events"][0]
    assert event["userId"] == user
    return event


def assert_stamped(event: dict[str, Any], categories: tuple[str, ...]) -> None:
    consent = event["payload"].get("context", {}).get("consent")
    assert consent == ({"categoryPreferences": STAMP} if categories else None)


@pytest.mark.parametrize("categories", STAMPED)
@pytest.mark.parametrize("library", ["segment-analytics-python", "@segment/analytics-node", "HTTP"])
def test_a_server_sends_with_the_code_as_it_is(api: Api, library: str, categories: tuple[str, ...]) -> None:
    before = api.server.log.head
    text = code(api, library, categories)
    if library == "HTTP":
        run("sh", "-e", text=text)
    elif library == "segment-analytics-python":
        run(sys.executable, "-", text=text)
    else:
        run(node(), "--input-type=module", "-", text=text)
    event = newest(api, before)
    assert (event["type"], event["event"]) == ("track", "Order Completed")
    assert_stamped(event, categories)


@pytest.mark.parametrize("categories", STAMPED)
def test_the_pixel_is_a_picture_that_brings_an_event(api: Api, categories: tuple[str, ...]) -> None:
    before = api.server.log.head
    address = code(api, "Pixel", categories).split('"')[1]
    assert httpx.get(address).headers["content-type"] == "image/gif"
    event = newest(api, before)
    assert event["event"] == "Mail Opened"
    assert_stamped(event, categories)


@pytest.mark.parametrize("categories", STAMPED)
def test_a_page_with_the_snippet_says_that_it_was_seen(api: Api, categories: tuple[str, ...]) -> None:
    before = api.server.log.head
    with running_site(node_modules()) as site, running_browser() as browser:
        head = code(api, "analytics.js", categories)
        site.pages["/shop"] = f'<!doctype html><head><meta charset="utf-8">{head}</head><h1>Shop</h1>'
        page = browser.new_page()
        page.goto(f"{site.url}/shop")
        event = newest(api, before, user=None)
    assert event["type"] == "page"
    assert_stamped(event, categories)


def test_one_script_tag_is_all_that_a_page_with_a_consent_tool_needs(api: Api) -> None:
    before = api.server.log.head
    [first, *_] = library_code(api.url, WRITE_KEY, CATEGORIES)
    assert first.library == "assent.js"
    assert "assent.js" not in [one.library for one in library_code(api.url, WRITE_KEY)]
    tool = "window.getCkyConsent = () => ({isUserActionCompleted: true, categories: {analytics: true}})"
    with running_site(node_modules()) as site, running_browser() as browser:
        site.pages["/asked"] = f"<!doctype html><head><script>{tool}</script>{first.code}</head><h1>Shop</h1>"
        browser.new_page().goto(f"{site.url}/asked")
        wait_until(lambda: api.server.log.head == before + 2, "the page and the answer are there")
    events = api.data("/events")["events"][:2]
    assert {one["type"] for one in events} == {"page", "track"}
    for event in events:
        assert event["payload"]["context"]["consent"] == {"categoryPreferences": {"analytics": True}}


def test_what_a_browser_loads_from_npm_has_key_address_and_stamp(api: Api) -> None:
    plain, stamped = (code(api, "@segment/analytics-next", one) for one in STAMPED)
    for one in (plain, stamped):
        assert f"writeKey: '{WRITE_KEY}', cdnURL: '{api.url}'" in one
        run(node(), "--check", "--input-type=module", "-", text=one)
    assert "createWrapper" not in plain
    assert json.dumps(CATEGORIES[1]).replace("<", "\\u003c") in stamped


def test_the_snippet_is_the_published_one() -> None:
    published = node_modules() / "@segment/snippet"
    ours = Path(__file__).parents[2] / "src/assent/app/static/vendor/segment-snippet"
    assert json.loads((published / "package.json").read_text())["version"] == (ours / "VERSION").read_text().strip()
    assert (published / "LICENSE").read_bytes() == (ours / "LICENSE").read_bytes()
    options = "{host: 'HOST', apiKey: 'WRITE_KEY', useHostForBundles: true}"
    render = f"console.log(require('@segment/snippet').min({options}))"
    done = subprocess.run(
        [node(), "-e", render], cwd=published.parent, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == (ours / "snippet.js").read_text().strip()
