"""What browser and mobile libraries ask before they start: the settings of their source."""

import re
from typing import Any, Final

import msgspec
from litestar.types import HTTPScope, Receive, Send

from assent.app.answers import answer, error_body
from assent.delivery.in_force import InForce
from assent.domain.decision import Verdict
from assent.domain.workspace import Category, Workspace
from assent.engine.policy import Policy

_SETTINGS_PATH: Final = re.compile(r"(?:/cdn)?/v1/projects/(?P<key>[^/]+)/settings/?").fullmatch

_FRESH: Final = (b"cache-control", b"public, max-age=10")
_JSON: Final = (b"content-type", b"application/json")


def answers_at(path: str) -> bool:
    """Whether `path` is for this part of the server."""
    return bool(_SETTINGS_PATH(path))


async def serve_settings(scope: HTTPScope, _receive: Receive, send: Send, in_force: InForce) -> None:
    """The ASGI application of the settings."""
    if settings := _SETTINGS_PATH(scope["path"]):
        await _serve_source(scope, send, in_force, settings["key"])


async def _serve_source(scope: HTTPScope, send: Send, in_force: InForce, write_key: str) -> None:
    workspace = in_force.version.workspace
    source = next((one for one in workspace.sources if one.write_key == write_key), None)
    if source is None:
        await answer(send, 404, error_body("not_found", "no source has this write key"))
        return
    host = _header(scope, b"host")
    # A proxy in front that ends TLS says so; a page on https may not send to http.
    scheme = "https" if _header(scope, b"x-forwarded-proto") == "https" else scope["scheme"]
    settings = library_settings(workspace, in_force.policy, write_key, f"{host}/v1", scheme)
    await answer(send, 200, msgspec.json.encode(settings), [_JSON, _FRESH])


def _header(scope: HTTPScope, wanted: bytes) -> str:
    return next((value for name, value in scope["headers"] if name == wanted), b"").decode("latin-1")


def library_settings(
    workspace: Workspace, policy: Policy, write_key: str, api_host: str, scheme: str
) -> dict[str, Any]:
    """The settings of one source (WIRE.md, "Settings for browser and mobile libraries")."""
    settings: dict[str, Any] = {
        "integrations": {
            "Segment.io": {"apiKey": write_key, "apiHost": api_host, "protocol": scheme, "deliveryStrategy": {}},
            **_integrations(workspace),
        },
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        # Without it analytics.js reports how it is used from every visitor's browser to Segment.
        "metrics": {"sampleRate": 0},
    }
    if workspace.categories:
        settings["consentSettings"] = {
            "allCategories": _categories_of(workspace, [one.id for one in workspace.destinations if one.enabled]),
            "hasUnmappedDestinations": _some_need_no_consent(workspace, policy),
        }
        settings["assent"] = {
            "severalCategories": workspace.rules.several_categories,
            "categories": [_category(one) for one in workspace.categories],
        }
    return settings


def _category(category: Category) -> dict[str, Any]:
    """What assent.js has to know of a category: under which ids a consent tool may ask for it, and if it is off."""
    signals = {"signals": list(category.signals)} if category.signals else {}
    return {"id": category.id, **signals, **({} if category.enabled else {"closed": True})}


def _integrations(workspace: Workspace) -> dict[str, Any]:
    """Each integration of an enabled destination, with all categories that its destinations are in."""
    by_name: dict[str, list[str]] = {}
    for destination in workspace.destinations:
        if destination.enabled and destination.integration:
            by_name.setdefault(destination.integration, []).append(destination.id)
    return {
        name: {"consentSettings": {"categories": _categories_of(workspace, ids)}}
        for name, ids in by_name.items()
        if name != "Segment.io"
    }


def _categories_of(workspace: Workspace, destination_ids: list[str]) -> list[str]:
    """The ids of the categories that count for some of these destinations."""
    return [
        category.id
        for category in workspace.categories
        if (category.enabled or workspace.rules.disabled_category == "withhold")
        and not set(category.destinations).isdisjoint(destination_ids)
    ]


def _some_need_no_consent(workspace: Workspace, policy: Policy) -> bool:
    """Whether some destination would receive an event in which every category is refused."""
    everything_refused = {
        "context": {"consent": {"categoryPreferences": {one.id: False for one in workspace.categories}}}
    }
    decisions = policy.decide(everything_refused)
    return any(decision.verdict is Verdict.DELIVER for decision in decisions.values())
