"""Consent at a glance, and every way to change it: nothing is lost, nothing happens unseen, members only look."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from assent.app.wiring import now
from harness.api import Api
from harness.seat import Seat

BOTH = {"analytics": True, "advertising": True}
HALF = {"analytics": True, "advertising": False}
UPDATE = "Segment Consent Preference Updated"
NASTY = "<img src=x onerror=alert(1)>\"'`{{7*7}}/?#&%"


def mapping(api: Api) -> dict[str, list[str]]:
    found: dict[str, list[str]] = api.data("/mapping")["mapping"]
    return found


def rows(seat: Seat, region: str, *wanted: str) -> None:
    """Expect a table to have these rows, as they are read out: each begins so."""
    table = seat.page.get_by_role("region", name=region)
    for one in wanted:
        expect(table.get_by_role("row", name=one)).to_be_visible()
    expect(table.get_by_role("row")).to_have_count(len(wanted) + 1)


@pytest.fixture
def other(seat: Callable[..., Seat], api: Api, owner: Seat) -> Seat:
    """oscar@example.com, another owner, signed in."""
    del owner
    link = api.server.stores.invitations.create(
        "oscar@example.com", "owner", invited_by="olivia@example.com", at=now(), expires_at=now() + 60_000
    )
    other = seat()
    other.join(f"/join/{link}", "oscar@example.com", "Oscar Owner")
    return other


# -------------------------------------------------------------------------------------------- at a glance


def test_the_first_page_says_what_this_is_in_three_sentences(owner: Seat, api: Api) -> None:
    api.put({**api.data("/workspace")["workspace"], "consent": {}})
    owner.go("/privacy/consent")
    text = owner.page.locator(".nothing p").first.inner_text()
    assert text.count(".") == 3
    expect(owner.page.get_by_role("link", name="Get started")).to_be_visible()


def test_categories_show_their_state_destinations_and_shares(owner: Seat, api: Api) -> None:
    for number in range(3):
        api.track(f"both-{number}", preferences=BOTH)
    api.track("half", preferences=HALF)
    api.track("update", UPDATE, preferences=HALF)
    api.track("without")
    owner.go("/privacy/consent")
    rows(
        owner,
        "Categories",
        "Analytics analytics Enabled Warehouse 5 100 % 100 %",
        "advertising advertising Enabled Pixel 3 60 % 0 %",
    )
    owner.sees("Of the last 7 days' 6 events, 5 carry consent, and 1 of these are consent updates")
    owner.sees("Shares are of these events, not of people")
    shares = api.data("/categories")
    assert [(one["id"], one["events"], one["consentUpdates"]) for one in shares["categories"]] == [
        ("analytics", {"granted": 5, "of": 5}, {"granted": 1, "of": 1}),
        ("advertising", {"granted": 3, "of": 5}, {"granted": 0, "of": 1}),
    ]
    assert (shares["events"], shares["withoutConsent"]) == (6, 1)


def test_warnings_say_what_is_probably_not_meant(owner: Seat, api: Api) -> None:
    api.owner.put("/mapping", json={"mapping": {"advertising": []}})
    api.track("without")
    api.track("typo", preferences={"Analytics": True})
    api.track("unknown", preferences={"chat": False})
    api.track("unreadable", preferences="all")
    owner.go("/privacy/consent")
    owner.sees("1 event of the source website carried no consent object")
    owner.sees("clients send the category Analytics")
    owner.sees("Clients send the category chat")
    owner.sees("carried consent that cannot be read")
    owner.sees("The destination pixel is in no category: events that carry consent are withheld from it.")
    found = {(one["kind"], one["category"]) for one in api.data("/warnings")["warnings"]}
    assert found == {
        ("unenforced", None),
        ("unreadable", None),
        ("id_differs_by_case", "analytics"),
        ("undefined_category", "chat"),
        ("unmapped_destination", None),
    }
    owner.page.get_by_role("link", name="Mend it: clients send the category `chat`").click()
    expect(owner.page.get_by_label("Id", exact=True)).to_have_value("chat")


# -------------------------------------------------------------------------------------------- mapping


def test_the_grid_saves_exactly_what_is_ticked_and_says_first_what_that_changes(owner: Seat, api: Api) -> None:
    for number in range(4):
        api.track(f"half-{number}", preferences=HALF)
    owner.go("/privacy/consent/mapping")
    owner.sees("Of the last 24 hours' 4 events, none would have gone elsewhere.")
    grid = owner.page.get_by_role("region", name="Destinations and categories")
    grid.get_by_label("Warehouse needs Analytics").uncheck()
    grid.get_by_label("Warehouse needs advertising").check()
    grid.get_by_label("Pixel needs Analytics").check()
    rows(owner, "Impact by destination", "Pixel 0 4", "Warehouse 4 0")
    owner.press("Save the mapping")
    owner.sees("The mapping is saved")
    assert mapping(api) == {"analytics": ["pixel"], "advertising": ["warehouse", "pixel"]}
    assert api.server.stores.current().author == "olivia@example.com"
    api.track("after", preferences=HALF)
    api.wait_for("after", pixel="delivered", warehouse="withheld")


def test_two_owners_at_once_see_each_other_and_lose_nothing(owner: Seat, other: Seat, api: Api) -> None:
    for one in (owner, other):
        one.go("/privacy/consent/mapping")
    other.page.get_by_label("Pixel needs Analytics").check()
    other.press("Save the mapping")
    other.sees("The mapping is saved")

    owner.expected_error = "409"
    owner.page.get_by_label("Warehouse needs advertising").check()
    owner.press("Save the mapping")
    owner.sees("oscar@example.com put version")
    owner.sees("Pixel joins Analytics")
    expect(owner.page.get_by_label("Pixel needs Analytics")).to_be_checked()
    expect(owner.page.get_by_label("Warehouse needs advertising")).to_be_checked()
    assert mapping(api) == {"analytics": ["warehouse", "pixel"], "advertising": ["pixel"]}
    owner.press("Save the mapping")
    owner.sees("The mapping is saved")
    assert mapping(api) == {"analytics": ["warehouse", "pixel"], "advertising": ["warehouse", "pixel"]}


def test_a_category_that_was_deleted_meanwhile_does_not_come_back(owner: Seat, other: Seat, api: Api) -> None:
    owner.go("/privacy/consent/mapping")
    owner.page.get_by_label("Pixel needs Analytics").check()
    assert api.owner.delete("/categories/advertising").status_code == 200
    del other
    owner.expected_error = "409"
    owner.press("Save the mapping")
    owner.sees("The category advertising is removed")
    owner.press("Save the mapping")
    owner.sees("The mapping is saved")
    assert mapping(api) == {"analytics": ["warehouse", "pixel"]}


# -------------------------------------------------------------------------------------------- categories


def test_a_category_is_created_changed_and_deleted(owner: Seat, api: Api) -> None:
    owner.go("/privacy/consent")
    owner.press("Add a category")
    owner.page.get_by_label("Name").fill("Personalisation")
    owner.page.get_by_label("Id", exact=True).fill("personal")
    owner.page.get_by_label("Pixel").check()
    owner.press("Create the category")
    owner.sees("The category Personalisation is created.")
    assert mapping(api)["personal"] == ["pixel"]

    owner.page.get_by_role("link", name="Edit Personalisation").click()
    owner.page.get_by_label("Name").fill("Personal offers")
    owner.page.get_by_label("Warehouse").check()
    owner.press("Save")
    owner.sees("The category Personal offers is saved")
    assert api.data("/categories/personal") == {
        "id": "personal",
        "name": "Personal offers",
        "enabled": True,
        "destinations": ["warehouse", "pixel"],
    }

    owner.page.get_by_role("link", name="Edit Personal offers").click()
    owner.press("Delete")
    owner.page.get_by_label("Type the name").fill("Personal offers")
    owner.press("Delete Personal offers")
    owner.sees("Personal offers is deleted")
    assert "personal" not in mapping(api)
    actions = [one.happening.action for one in api.server.stores.trail.entries(limit=20)]
    assert "Consent Category Deleted" in actions


def test_an_id_that_is_taken_is_said_beside_its_field(owner: Seat, api: Api) -> None:
    owner.expected_error = "409|400"
    owner.go("/privacy/consent/category/new")
    owner.page.get_by_label("Name").fill("Mine")
    owner.page.get_by_label("Id", exact=True).fill("analytics")
    owner.press("Create the category")
    expect(owner.page.locator("#hint-id")).to_contain_text("there is a category `analytics` already")
    expect(owner.page.get_by_label("Name")).to_have_value("Mine")
    assert api.server.in_force.number == 1


def test_switching_off_shows_what_it_changes_and_asks_for_the_name(owner: Seat, api: Api) -> None:
    for number in range(3):
        api.track(f"both-{number}", preferences=BOTH)
    owner.go("/privacy/consent")
    owner.page.get_by_role("link", name="Disable Analytics").click()
    expect(owner.page.get_by_role("heading", level=1)).to_have_text("Disable Analytics?")
    rows(owner, "Impact by destination", "Warehouse 3 0")
    owner.sees("Your data is immediately impacted")
    press = owner.page.get_by_role("button", name="Disable Analytics")
    expect(press).to_be_disabled()
    name = owner.page.get_by_label("Type the name of the category")
    name.fill("analytics")
    expect(press).to_be_disabled()
    name.fill("Analytics")
    name.press("Enter")
    owner.sees("Analytics is disabled, from the next event on.")
    api.track("after", preferences=BOTH)
    assert api.wait_for("after", warehouse="withheld")["warehouse"]["reason"] == "category_disabled"

    owner.page.get_by_role("link", name="Enable Analytics").click()
    expect(owner.page.get_by_role("heading", level=1)).to_have_text("Enable Analytics?")
    rows(owner, "Impact by destination", "Warehouse 0 4")
    owner.press("Enable Analytics")
    owner.sees("Analytics is enabled")
    assert api.data("/categories/analytics")["enabled"]


def test_the_server_asks_for_the_name_too(owner: Seat, api: Api) -> None:
    for what in ("disable", "delete"):
        with browserless(owner, api) as client:
            path = f"/privacy/consent/category/{what}?id=analytics"
            token = csrf(client)
            answer = client.post(path, data={"version": "1", "typed": "analytics", "_csrf_token": token})
            assert answer.status_code == 400
            assert "type `Analytics`, exactly" in answer.text
    assert api.server.in_force.number == 1


# -------------------------------------------------------------------------------------------- rules


def test_a_preset_answers_all_rules_and_the_preview_says_what_that_changes(owner: Seat, api: Api) -> None:
    for number in range(2):
        api.track(f"without-{number}")
    owner.go("/privacy/consent/rules")
    owner.page.get_by_text("Nothing passes without consent").click()
    rows(owner, "Impact by destination", "Pixel 2 0", "Warehouse 2 0")
    expect(owner.page.get_by_role("radio", name="All of them must be granted.")).to_be_checked()
    owner.page.get_by_role("radio", name="Consent takes preference: the event").check()
    owner.press("Save the rules")
    owner.sees("The rules are saved")
    assert api.data("/rules") == {
        "preset": "strict",
        "overrides": {
            "severalCategories": None,
            "unmappedDestination": None,
            "disabledCategory": None,
            "integrationsObject": "yield",
            "noConsent": None,
        },
        "rules": {
            "severalCategories": "all",
            "unmappedDestination": "withhold",
            "disabledCategory": "withhold",
            "integrationsObject": "yield",
            "noConsent": "withhold",
        },
    }


def test_each_rule_is_explained_by_an_example_of_this_workspace(owner: Seat, api: Api) -> None:
    api.owner.put("/mapping", json={"mapping": {"analytics": ["warehouse"], "advertising": ["warehouse"]}})
    owner.go("/privacy/consent/rules")
    several = owner.page.locator("#example-several_categories")
    expect(several).to_contain_text("take Warehouse, which is in 2 categories, and an event that says")
    expect(several.get_by_role("listitem").nth(0)).to_have_text("any Delivered: Consented")
    expect(several.get_by_role("listitem").nth(1)).to_have_text("all Withheld: Category denied")
    expect(owner.page.locator("#example-unmapped_destination")).to_contain_text("Pixel")
    disabled = owner.page.locator("#example-disabled_category").get_by_role("listitem").nth(1)
    expect(disabled).to_have_text("ignore Delivered: Consented")
    owner.page.get_by_role("radio", name="All of them must be granted.").check()
    expect(owner.page.locator("#example-disabled_category").get_by_role("listitem").nth(0)).to_have_text(
        "withhold Withheld: Category switched off"
    )
    api.owner.put("/mapping", json={"mapping": {"advertising": ["pixel"]}})
    owner.go("/privacy/consent/rules")
    expect(several).to_contain_text("None of your destinations is in two categories.")


def test_two_owners_change_different_rules(owner: Seat, api: Api) -> None:
    owner.go("/privacy/consent/rules")
    api.owner.put("/rules", json={"preset": "segment-beta", "overrides": {"noConsent": "withhold"}})
    owner.expected_error = "409"
    owner.page.get_by_role("radio", name="All of them must be granted.").check()
    owner.press("Save the rules")
    owner.sees("olivia put version")
    owner.sees("The rule no consent is withhold instead of deliver")
    owner.press("Save the rules")
    owner.sees("The rules are saved")
    rules = api.data("/rules")["rules"]
    assert (rules["severalCategories"], rules["noConsent"]) == ("all", "withhold")


# -------------------------------------------------------------------------------------------- who, and what


def csrf(client: httpx.Client) -> str:
    client.get("/privacy/consent")
    return client.cookies["assent_form"]


def browserless(seat: Seat, api: Api) -> httpx.Client:
    """The session of a browser, to send what no page offers."""
    cookies = {one["name"]: one["value"] for one in seat.context.cookies()}
    return httpx.Client(base_url=api.url, cookies={"assent_session": cookies["assent_session"]})


FORMS = [
    "/privacy/consent/category/new",
    "/privacy/consent/category?id=analytics",
    "/privacy/consent/category/disable?id=analytics",
    "/privacy/consent/category/enable?id=analytics",
    "/privacy/consent/category/delete?id=analytics",
    "/privacy/consent/mapping",
    "/privacy/consent/rules",
    "/privacy/consent/setup/categories",
    "/privacy/consent/setup/destinations",
]


def test_a_member_sees_everything_and_can_change_nothing(member: Seat, api: Api) -> None:
    for path in [*FORMS[:2], *FORMS[5:], "/privacy/consent", "/privacy/consent/setup", "/privacy/consent/setup/review"]:
        member.go(path)
        main = member.page.locator("main")
        expect(main.locator("h1")).to_be_visible()
        expect(main.locator("button[type=submit], input:not([type=hidden]):enabled")).to_have_count(0)
    with browserless(member, api) as client:
        token = csrf(client)
        for path in FORMS:
            answer = client.post(path, data={"version": "1", "typed": "Analytics", "_csrf_token": token})
            assert answer.status_code == 403, path
            assert "only a Workspace Owner" in answer.text
    assert api.server.in_force.number == 1


def test_names_and_ids_are_text_wherever_they_are_shown(owner: Seat, api: Api) -> None:
    id_ = NASTY.replace(".", "")
    assert api.owner.post("/categories", json={"id": id_, "name": NASTY, "destinations": ["pixel"]}).status_code == 200
    api.track("nasty", preferences={id_: True, f"{NASTY}!": False})
    owner.page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    owner.go("/privacy/consent")
    owner.sees(NASTY)
    for path in ("mapping", "rules", "setup/categories", "setup/destinations", "setup/sources", "setup/review"):
        owner.go(f"/privacy/consent/{path}")
        owner.page.wait_for_load_state("networkidle")
        assert owner.page.locator("img[src=x]").count() == 0
    owner.go("/privacy/consent")
    owner.page.get_by_role("link", name=f"Edit {NASTY}").click()
    expect(owner.page.get_by_label("Id", exact=True)).to_have_value(id_)
    owner.page.get_by_label("Warehouse").check()
    owner.press("Save")
    owner.sees("is saved, and in force")
    assert mapping(api)[id_] == ["warehouse", "pixel"]
    owner.page.get_by_role("link", name=f"Disable {NASTY}").click()
    owner.page.get_by_label("Type the name").fill(NASTY)
    owner.page.get_by_role("button", name=f"Disable {NASTY}").click()
    owner.sees("is disabled, from the next event on")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_readable_for_all(seat: Callable[..., Seat], owner: Seat, api: Api, scheme: str) -> None:
    api.track("both", preferences=BOTH)
    api.track("without")
    api.owner.patch("/categories/advertising", json={"enabled": False})
    state: Any = owner.context.storage_state()
    pages = ["", "/mapping", "/rules", "/category/new", "/category?id=analytics", "/category/disable?id=analytics"]
    for width in (1440, 375):
        reader = seat(viewport={"width": width, "height": 800}, color_scheme=scheme, storage_state=state)
        for path in [*pages, "/category/enable?id=advertising"]:
            reader.go(f"/privacy/consent{path}")
            if reader.page.locator("#impact").count():
                expect(reader.page.locator("#impact")).not_to_contain_text("Counting")
            assert reader.violations() == [], path
            assert not reader.is_too_wide(), path
        reader.go("/privacy/consent/mapping")
        reader.press("Show both truth tables")
        assert reader.violations() == []
