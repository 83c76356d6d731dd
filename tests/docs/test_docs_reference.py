"""The reference has a place for everything that the code has: no setting, reason or route without its words."""

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest
import typer
from site_pages import Site

import assent
from assent.app.cli import app
from assent.app.gateway import TRACKING_PATHS
from assent.destinations.registry import CONNECTORS, connector_class
from assent.domain import errors
from assent.domain.decision import REASONS
from assent.domain.record import DiscardCode
from assent.domain.workspace import PRESETS, Category, Consent, Destination, Rules, Source, Workspace
from harness import Server, running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace = {"sources": [{"id": "web", "write_key": "web-key"}], "destinations": [{"id": "files"}]}
    with running_server(workspace, tmp_path_factory.mktemp("server")) as server:
        yield server


def test_every_reason_has_its_heading_under_its_verdict(site: Site) -> None:
    headings = site.page("reference/reasons").headings
    for verdict, observed, section in (
        ("deliver", False, "Delivered, because"),
        ("withhold", False, "Withheld, because"),
        ("deliver", True, "Delivered while observing, because"),
    ):
        after = headings[headings.index(section) + 1 :]
        here = after[: next((at for at, one in enumerate(after) if one.endswith("because")), len(after))]
        assert here == [str(one.reason) for one in REASONS if (one.verdict, one.observed) == (verdict, observed)]


def test_every_reason_has_its_remedy(site: Site) -> None:
    text = _words((site.directory / "reference/reasons/index.html").read_text())
    for one in REASONS:
        assert _words(one.what_happened.replace("`", "")) in text
        assert _words(one.remedy.replace("`", "")) in text


def test_every_rule_and_preset_and_value(site: Site) -> None:
    page = site.page("reference/rules")
    text = (site.directory / "reference/rules/index.html").read_text()
    assert page.headings[1:] == list(Rules.__struct_fields__)
    assert set(PRESETS) <= set(page.cells)
    assert all(value in text for name in Rules.__struct_fields__ for value in get_args(Rules.__annotations__[name]))


@pytest.mark.parametrize("noun", [Workspace, Consent, Category, Source, Destination])
def test_every_key_of_a_workspace_file(noun: Any, site: Site) -> None:
    assert set(noun.__struct_fields__) <= set(site.page("reference/workspace").cells)


def test_every_connector_with_every_setting(site: Site) -> None:
    page = site.page("reference/connectors")
    for name in CONNECTORS:
        connector = connector_class(name)
        assert connector.title in page.headings
        for field in msgspec.structs.fields(connector.settings_type):
            assert {field.encode_name, f"{field.encode_name} (secret)"} & set(page.cells), f"{name}: {field.name}"


def test_every_command_with_every_option(site: Site) -> None:
    page = site.page("reference/commands")
    named = " ".join(page.cells)
    for name, command in _commands(typer.main.get_command(app), "assent"):
        assert name in page.headings
        options = [one for parameter in command.params for one in parameter.opts if one.startswith("-")]
        assert all(re.search(rf"{option}\b", named) for option in options), name


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for word, one in command.commands.items():
        yield from _commands(one, f"{name} {word}")


def test_every_discard_code(site: Site) -> None:
    assert {str(one) for one in DiscardCode} <= set(site.page("reference/discards").cells)


def test_every_error(site: Site) -> None:
    kinds = {
        name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, errors.AssentError)
    }
    assert kinds <= set(site.page("reference/errors").cells)


def test_every_public_name_of_the_library(site: Site) -> None:
    assert site.page("reference/library").headings[1:] == [f"assent.{name}" for name in assent.__all__]


def test_every_metric(site: Site, server: Server) -> None:
    names = re.findall(r"^# TYPE (\S+)", server.get("/metrics")[1].decode(), re.MULTILINE)
    assert len(names) > 8
    assert set(names) <= set(site.page("reference/metrics").cells)


def test_every_route_and_no_other(site: Site, server: Server) -> None:
    page = site.page("reference/http")
    assert set(TRACKING_PATHS) <= set(page.cells)
    status, document = server.get("/api/docs/openapi.json")
    assert status == 200
    operations = {
        f"{method.upper()} {path}" for path, methods in json.loads(document)["paths"].items() for method in methods
    }
    assert operations == {one for one in page.headings if re.match("[A-Z]+ /", one)}
    for method, path in zip(page.cells, page.cells[1:], strict=False):
        if method == "GET" and path.startswith("/"):
            assert server.get(_filled_in(path))[0] == 200, path
        elif method == "POST" and path.startswith("/"):
            assert server.post(path, {})[0] in (200, 401), path


def _filled_in(path: str) -> str:
    values = {"{writeKey}": "web-key", "{type}": "track", "{file}": _A_BUNDLE}
    for name, value in values.items():
        path = path.replace(name, value)
    return path


def _words(text: str) -> str:
    return " ".join(re.sub("<[^>]+>", "", text).replace("&#39;", "'").split())


_A_BUNDLE = "ajs-destination.bundle.40628baed746e9904edc.js"
