"""The settings of browser and mobile libraries (WIRE.md, "Settings"), line by line, and the library beside them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import assent.app.settings
from assent.app.settings import library_settings
from assent.domain.decision import Verdict
from assent.domain.workspace import PRESETS, Category, Consent, Destination, PresetName, RuleOverrides, Workspace
from assent.engine.decide import decide
from assent.engine.policy import Policy
from harness import Server, running_server
from harness.http_client import Answer, HttpClient

KEY = "web-key"
WORKSPACE = {
    "consent": {
        "preset": "segment-beta",
        "categories": [
            {"id": "C0004", "destinations": ["ads", "off"]},
            {"id": "C0002", "destinations": ["ads", "stats", "stats-eu"], "signals": ["cookiebot:statistics"]},
            {"id": "C0009", "destinations": ["off"]},
            {"id": "empty", "enabled": False},
        ],
    },
    "sources": [{"id": "web", "write_key": KEY}, {"id": "odd", "write_key": "a.b_c~d-1"}],
    "destinations": [
        {"id": "ads", "integration": "Facebook Pixel"},
        {"id": "stats", "integration": "Amplitude"},
        {"id": "stats-eu", "integration": "Amplitude"},
        {"id": "off", "integration": "Mixpanel", "enabled": False},
        {"id": "slack", "integration": "Slack"},
    ],
}
VENDORED = Path(assent.app.settings.__file__).parent / "static" / "vendor" / "analytics-next"
CHUNKS = sorted(one.name for one in VENDORED.glob("*.bundle.*.js"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(WORKSPACE, tmp_path_factory.mktemp("settings")) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[HttpClient]:
    client = HttpClient(server.port)
    yield client
    client.close()


def assert_readable_anywhere(answer: Answer) -> None:
    assert answer.headers["access-control-allow-origin"] == "*"


# --- over HTTP


@pytest.mark.parametrize("prefix", ["", "/cdn"])
def test_the_settings_of_a_source(client: HttpClient, server: Server, prefix: str) -> None:
    answer = client.get(f"{prefix}/v1/projects/{KEY}/settings")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert_readable_anywhere(answer)
    settings = answer.json
    segment = settings["integrations"].pop("Segment.io")
    assert segment == {
        "apiKey": KEY,
        "apiHost": f"127.0.0.1:{server.port}/v1",
        "protocol": "http",
        "deliveryStrategy": {},
    }
    assert settings == {
        "integrations": {
            "Facebook Pixel": {"consentSettings": {"categories": ["C0004", "C0002"]}},
            "Amplitude": {"consentSettings": {"categories": ["C0002"]}},
            "Slack": {"consentSettings": {"categories": []}},
        },
        "consentSettings": {"allCategories": ["C0004", "C0002"], "hasUnmappedDestinations": False},
        "assent": {
            "severalCategories": "any",
            "categories": [
                {"id": "C0004"},
                {"id": "C0002", "signals": ["cookiebot:statistics"]},
                {"id": "C0009"},
                {"id": "empty", "closed": True},
            ],
        },
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "metrics": {"sampleRate": 0},
    }


def test_the_host_that_a_library_is_pointed_at_is_the_one_that_it_asked(client: HttpClient) -> None:
    answer = client.get(f"/v1/projects/{KEY}/settings", {"Host": "events.example:8443"})
    assert answer.json["integrations"]["Segment.io"]["apiHost"] == "events.example:8443/v1"


def test_each_source_has_its_settings(client: HttpClient) -> None:
    answer = client.get("/v1/projects/a.b_c~d-1/settings")
    assert answer.json["integrations"]["Segment.io"]["apiKey"] == "a.b_c~d-1"
    assert client.get(f"/v1/projects/{KEY}/settings?timestamp=1").status == 200


@pytest.mark.parametrize("key", ["unknown", "WEB-KEY", "web-key%20", "%00", "..", "web-key/x"])
def test_an_unknown_key_has_none_and_a_browser_may_know(client: HttpClient, key: str) -> None:
    answer = client.get(f"/v1/projects/{key}/settings", {"Origin": "https://shop.example"})
    assert answer.status == 404
    assert set(answer.json) == {"code", "message"}
    assert_readable_anywhere(answer)


def test_other_methods_change_nothing(client: HttpClient) -> None:
    assert client.send("HEAD", f"/v1/projects/{KEY}/settings").body == b""
    assert client.send("POST", f"/v1/projects/{KEY}/settings", b"{}").status in (404, 405)


@pytest.mark.parametrize("prefix", ["", "/cdn"])
@pytest.mark.parametrize("name", ["analytics.min.js", "analytics.js"])
def test_the_library_is_served_where_the_snippet_looks_for_it(client: HttpClient, prefix: str, name: str) -> None:
    answer = client.get(f"{prefix}/analytics.js/v1/{KEY}/{name}")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert_readable_anywhere(answer)
    assert answer.body == (VENDORED / "standalone.js").read_bytes()


def test_the_library_is_only_there_for_the_key_of_a_source(client: HttpClient) -> None:
    answer = client.get("/analytics.js/v1/of-somebody-else/analytics.min.js")
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert_readable_anywhere(answer)


@pytest.mark.parametrize(
    ("path", "freshness"),
    [
        (f"/analytics.js/v1/{KEY}/analytics.min.js", "public, max-age=3600"),
        (f"/analytics-next/bundles/{CHUNKS[0]}", "public, max-age=31536000, immutable"),
        ("/assent.js", "public, max-age=3600"),
        ("/cdn/assent.js", "public, max-age=3600"),
        ("/assent.js.map", "public, max-age=3600"),
    ],
)
def test_a_browser_keeps_a_script_and_asks_only_whether_it_changed(
    client: HttpClient, path: str, freshness: str
) -> None:
    first = client.get(path)
    assert (first.status, first.headers["cache-control"]) == (200, freshness)
    again = client.get(path, {"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert client.get(path, {"If-None-Match": '"another"'}).status == 200


@pytest.mark.parametrize("prefix", ["", "/cdn"])
def test_every_chunk_that_the_library_may_load_is_served(client: HttpClient, prefix: str) -> None:
    assert len(CHUNKS) >= 4
    for name in CHUNKS:
        answer = client.get(f"{prefix}/analytics-next/bundles/{name}")
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.body == (VENDORED / name).read_bytes()


def test_the_chunks_are_those_that_this_version_of_the_library_asks_for() -> None:
    library = (VENDORED / "standalone.js").read_text()
    [(names, hashes)] = re.findall(r'\{([^{}]*)\}\[t\]\|\|t\)\+"\.bundle\."\+\{([^{}]*)\}\[t\]\+"\.js"', library)
    by_number = dict(re.findall(r'(\d+):"([^"]+)"', names))
    asked = {f"{by_number.get(number)}.bundle.{one}.js" for number, one in re.findall(r'(\d+):"([^"]+)"', hashes)}
    assert set(CHUNKS) <= asked


@pytest.mark.parametrize(
    "name", ["nowhere.js", "standalone.js.map", "LICENSE", "../settings.js", "%2e%2e%2fsettings.py", "..%2f..%2fx.js"]
)
def test_there_are_no_other_files(client: HttpClient, name: str) -> None:
    for prefix in ("", "/cdn"):
        answer = client.get(f"{prefix}/analytics-next/bundles/{name}")
        assert answer.status == 404
        assert_readable_anywhere(answer)


# --- of any workspace


def settings_of(workspace: Workspace) -> dict[str, Any]:
    return library_settings(workspace, Policy(workspace), KEY, "host/v1", "https")


def a_workspace(consent: Consent, *destinations: str, disabled: tuple[str, ...] = ()) -> Workspace:
    return Workspace(
        consent=consent,
        destinations=tuple(
            Destination(one, integration=one.title(), enabled=one not in disabled) for one in destinations
        ),
    )


def test_without_a_category_nothing_is_said_of_consent() -> None:
    settings = settings_of(a_workspace(Consent(), "ads"))
    assert "consentSettings" not in settings
    assert settings["integrations"]["Segment.io"]["protocol"] == "https"


def test_all_categories_is_a_list_even_when_no_enabled_destination_is_in_one() -> None:
    consent = Consent(categories=(Category("C1", destinations=("off",)), Category("C2")))
    assert settings_of(a_workspace(consent, "off", disabled=("off",)))["consentSettings"]["allCategories"] == []


def test_a_category_of_a_destination_without_integration_counts() -> None:
    """One that only a server sends to must keep the library loaded too."""
    consent = Consent(categories=(Category("C1", destinations=("cloud",)),))
    workspace = Workspace(consent=consent, destinations=(Destination("cloud"),))
    settings = settings_of(workspace)
    assert settings["consentSettings"]["allCategories"] == ["C1"]
    assert list(settings["integrations"]) == ["Segment.io"]


@pytest.mark.parametrize(("preset", "expected"), [("segment-beta", ["on", "off"]), ("segment-ga", ["on"])])
def test_a_category_that_is_switched_off_counts_where_it_counts_for_decisions(
    preset: PresetName, expected: list[str]
) -> None:
    categories = (Category("on", destinations=("ads",)), Category("off", enabled=False, destinations=("ads",)))
    settings = settings_of(a_workspace(Consent(preset, categories=categories), "ads"))
    assert settings["consentSettings"]["allCategories"] == expected
    assert settings["integrations"]["Ads"]["consentSettings"]["categories"] == expected


MAPPED = (Category("C1", destinations=("ads",)),)
ONLY_SWITCHED_OFF = (Category("C1", destinations=("ads",)), Category("C2", enabled=False, destinations=("extra",)))


@pytest.mark.parametrize(
    ("preset", "categories", "destinations", "disabled", "expected"),
    [
        ("segment-beta", MAPPED, ("ads",), (), False),
        ("segment-beta", MAPPED, ("ads", "extra"), (), False),
        ("segment-ga", MAPPED, ("ads",), (), False),
        ("segment-ga", MAPPED, ("ads", "extra"), (), True),
        ("segment-ga", MAPPED, ("ads", "extra"), ("extra",), False),
        ("strict", MAPPED, ("ads", "extra"), (), False),
        ("segment-beta", ONLY_SWITCHED_OFF, ("ads", "extra"), (), False),
        ("segment-ga", ONLY_SWITCHED_OFF, ("ads", "extra"), (), True),
        ("strict", ONLY_SWITCHED_OFF, ("ads", "extra"), (), False),
    ],
)
def test_has_unmapped_destinations(
    preset: PresetName,
    categories: tuple[Category, ...],
    destinations: tuple[str, ...],
    disabled: tuple[str, ...],
    expected: bool,
) -> None:
    workspace = a_workspace(Consent(preset, categories=categories), *destinations, disabled=disabled)
    assert settings_of(workspace)["consentSettings"]["hasUnmappedDestinations"] is expected


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("unmapped", ["deliver", "withhold"])
@pytest.mark.parametrize("switched_off", ["ignore", "withhold"])
def test_has_unmapped_destinations_says_what_decide_says(preset: PresetName, unmapped: Any, switched_off: Any) -> None:
    """Whether some enabled destination could receive an event in which every category is refused."""
    overrides = RuleOverrides(unmapped_destination=unmapped, disabled_category=switched_off)
    for categories in (MAPPED, ONLY_SWITCHED_OFF):
        workspace = a_workspace(Consent(preset, overrides, categories), "ads", "extra")
        refused = {"context": {"consent": {"categoryPreferences": {one.id: False for one in categories}}}}
        decisions = [decide(workspace.rules, categories, one, refused) for one in workspace.destinations]
        expected = any(one.verdict is Verdict.DELIVER for one in decisions)
        assert settings_of(workspace)["consentSettings"]["hasUnmappedDestinations"] is expected
