"""A walk over every page, at two widths and in two lights: it opens, disturbs nobody, fits, and can be used by all.

And another one through a workspace in which every name is a script: none of them runs, and no page breaks.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser
from routes import routes

from assent.app.services.people import create_token, invite
from assent.app.wiring import now
from assent.domain.trail import Happening
from harness.api import GRANTED, NO_ADVERTISING, WRITE_KEY, Api, a_workspace, running_api
from harness.seat import Seat

OLIVIA = "olivia@example.com"
SCRIPT = "'\"><i data-ran></i><script>ran=1</script>"
"""What a stranger would like a page to take for markup; short enough for every name."""


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server with something of everything on it, such as people have."""
    workspace = a_workspace(warehouse="blackhole", pixel="blackhole")
    with running_api(tmp_path_factory.mktemp("furnished"), workspace) as api:
        _furnish(api, "Order Completed", "u-1", "Max Member", "grafana")
        yield api


def _furnish(api: Api, event: str, person: str, name: str, token: str) -> None:
    stores = api.server.stores
    stores.users.add(OLIVIA, name, "owner", None, at=now())
    stores.users.add("max@example.com", name, "member", None, at=now())
    invite(stores, "ann@example.com", "owner", author=OLIVIA, at=now())
    create_token(stores, token, "member", author=OLIVIA, at=now())
    happening = Happening("Destination Modified", "destination", "warehouse", {"name": name}, {"name": event})
    stores.trail.add([happening], at=now(), author=name)
    for number, preferences in enumerate((GRANTED, NO_ADVERTISING, None, {person: True, "analytics": "yes"})):
        api.track(f"m-{number}", event, preferences, userId=person, anonymousId=person, properties={event: person})
    api.send("page", {"messageId": "m-page", "name": event, "userId": person})
    api.send("track", {"messageId": event, "event": event})  # has no id: a discard
    api.wait_for("m-3", warehouse="withheld")
    assert api.owner.post("/drafts", json={"name": person}).status_code == 200
    asked = {"destinations": ["warehouse"], "since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    assert api.owner.post("/backfills", json={**asked, "why": event}).status_code == 200
    choice = {"userId": person, "preferences": {"analytics": "granted"}}
    assert api.owner.post("/consent", json=choice).status_code == 200
    about = {"subjectType": "USER_ID", "subjectIds": ["u-gone"], "why": event}
    assert api.owner.post("/regulations", json={**about, "regulationType": "SUPPRESS_ONLY"}).status_code == 200
    assert api.owner.post("/regulations", json={**about, "regulationType": "DELETE_ONLY"}).status_code == 200


def session_of_owner(api: Api) -> str:
    user = api.server.stores.users.with_email(OLIVIA)
    assert user is not None
    return api.server.stores.sessions.open(user.id, at=now())


def pages(api: Api) -> list[str]:
    """The paths of all whole pages; streams, files and parts of pages are none."""
    users, tokens = api.server.stores.users.all(), api.server.stores.tokens.all()
    link = invite(api.server.stores, "eve@example.com", "member", author=OLIVIA, at=now())
    values = {"user_id": users[1].id, "token_id": tokens[0].id, "link": link.removeprefix("/join/")}
    values["regulation_id"] = api.data("/regulations")["regulations"][0]["id"]
    values["person_id"] = quote(api.data("/receipts")["receipts"][0]["userId"], safe="")
    values["draft_id"] = api.data("/drafts")["drafts"][0]["id"]
    values["job_id"] = api.data("/backfills")["backfills"][0]["id"]
    paths = [one.filled(**values) for one in routes(api) if one.method == "GET"]
    cookies = {"assent_session": session_of_owner(api)}
    with httpx.Client(base_url=api.url, cookies=cookies, timeout=20, headers={"Accept": "text/html"}) as client:
        found = [path for path in paths if _is_page(client, path)]
    assert {"/account", "/audit", "/settings/people", "/settings/file", link} <= set(found)
    return found


def _is_page(client: httpx.Client, path: str) -> bool:
    if path.startswith("/sign-in/company"):  # there is no provider here
        return False
    with client.stream("GET", path) as answer:
        if answer.status_code == 303:
            return False
        assert answer.status_code == 200, (path, answer.status_code)
        if not answer.headers["content-type"].startswith("text/html"):
            return False
        start: bytes = next(answer.iter_bytes(), b"")
        return start.lstrip().lower().startswith(b"<!doctype html>")


@pytest.fixture
def signed_in(browser: Browser) -> Iterator[Callable[..., Seat]]:
    """Gives the owner's browser at a server; keywords are those of a browser context."""
    contexts = []

    def take(api: Api, **options: Any) -> Seat:
        context = browser.new_context(**options)
        contexts.append(context)
        context.add_cookies([{"name": "assent_session", "value": session_of_owner(api), "url": api.url}])
        return Seat(context, api.url)

    yield take
    for one in contexts:
        one.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("width", "light", "with_axe"),
    [(1440, "light", True), (375, "dark", True), (1440, "dark", False), (375, "light", False)],
)
def test_every_page_opens_fits_and_can_be_used_by_all(
    furnished: Api, signed_in: Callable[..., Seat], width: int, light: str, with_axe: bool
) -> None:
    seat = signed_in(furnished, color_scheme=light, viewport={"width": width, "height": 800})
    wrong = []
    for path in pages(furnished):
        answer = seat.page.goto(f"{seat.url}{path}")
        assert answer is not None
        if answer.status != 200:
            wrong.append(f"{path}: {answer.status}")
        if seat.is_too_wide():
            wrong.append(f"{path}: too wide")
        if seat.page.locator("h1").count() != 1:
            wrong.append(f"{path}: {seat.page.locator('h1').count()} headings of the first level")
        wrong += [f"{path}: {one}" for one in seat.violations()] if with_axe else []
    assert wrong == []
    seat.assert_undisturbed()


@pytest.mark.parametrize("light", ["light", "dark"])
def test_what_went_wrong_can_be_read_by_all_too(furnished: Api, signed_in: Callable[..., Seat], light: str) -> None:
    seat = signed_in(furnished, color_scheme=light, viewport={"width": 375, "height": 800})
    seat.expected_error = "40[0-9]"
    seat.go("/settings/people")
    seat.page.get_by_label("Their e-mail address").fill("max@example.com")
    seat.press("Make a link")
    seat.sees("is a user already")
    wrong = seat.violations()
    seat.go("/settings/file")
    seat.page.get_by_label("Or its text").fill("sources: [{id: a b}]")
    seat.press("Show what it would change")
    seat.sees("Line 1: sources[0].id")
    wrong += seat.violations()
    seat.go("/nowhere")
    wrong += seat.violations()
    assert wrong == []
    assert not seat.is_too_wide()


@pytest.fixture(scope="module")
def infested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server on which everything that somebody may choose is a script."""
    workspace = a_workspace(warehouse="blackhole", pixel="blackhole")
    categories = workspace["consent"]["categories"]
    categories[0]["name"] = SCRIPT
    categories[1] = {**categories[1], "id": SCRIPT}
    things = [{**one, "name": SCRIPT} for one in workspace["destinations"]]
    sources = [{**one, "name": SCRIPT} for one in workspace["sources"]]
    workspace = {**workspace, "workspace": SCRIPT, "destinations": things, "sources": sources}
    with running_api(tmp_path_factory.mktemp("infested"), workspace) as api:
        _furnish(api, SCRIPT, SCRIPT, SCRIPT, SCRIPT)
        body = {"messageId": SCRIPT, "event": SCRIPT, "userId": SCRIPT, "writeKey": WRITE_KEY}
        api.send("track", {**body, "integrations": {SCRIPT: False}})
        yield api


@pytest.mark.timeout(300)
def test_no_page_takes_for_markup_what_somebody_chose(infested: Api, signed_in: Callable[..., Seat]) -> None:
    seat = signed_in(infested, viewport={"width": 375, "height": 800})
    dialogs: list[str] = []
    seat.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for path in pages(infested):
        seat.page.goto(f"{seat.url}{path}")
        assert seat.page.locator("[data-ran]").count() == 0, path
        assert seat.page.evaluate("typeof ran") == "undefined", path
        assert not seat.is_too_wide(), path
    seat.go("/audit")
    assert SCRIPT in seat.page.locator(".trail").inner_text()
    assert dialogs == []
    seat.assert_undisturbed()


def test_nothing_in_our_templates_passes_for_safe() -> None:
    templates = Path(__file__).parents[2] / "src" / "assent" / "app" / "console" / "templates"
    for template in templates.rglob("*.html"):
        found = re.findall(r"\|\s*safe\b|autoescape\s+false|\bon\w+=|style=|javascript:", template.read_text())
        assert found == [], template.name
