"""Every HTTP route: the tracking API, what browser libraries fetch, health, and the management API."""

from typing import Any, Final

from assent.app.gateway import TRACKING_PATHS
from reference.markdown import code, codes, page, table
from reference.server import answers

_TRACKING = """\
## Tracking API

Segment's. The write key is the user name of HTTP Basic, or `writeKey` in the body, or both; two that differ are
refused. The body is JSON whatever its content type says, and may be gzip. **200 means on disk.** An error is JSON with
`code` and `message`. Any origin may call it: `OPTIONS` is answered on every path under `/v1/`."""

_STATUSES: Final = (
    ("200", "Everything is on disk. What could not become an event is a [discard](discards.md)."),
    ("400", "The body is no JSON, nested too deeply, cut off, or too large: an event 32 KB, a batch 500 KB, unzipped."),
    ("401", "No write key, an unknown one, or two that differ."),
    ("405", "Not a POST."),
    ("503", "The log cannot be written, as when the disk is full: nothing was stored. Try again after `Retry-After`."),
)
_OTHERS: Final = (
    (
        "POST",
        "/v1/m",
        "What libraries in browsers report of themselves: answered 200 and dropped, but for that a page had no consent "
        "tool in time, which is counted.",
    ),
    (
        "GET",
        "/v1/pixel/{type}",
        "A beacon in a mail: `data` is the event as base64 of its JSON. An image is the answer, unless the log cannot "
        "be written.",
    ),
)
_LIBRARIES: Final = (
    (
        "GET",
        "/v1/projects/{writeKey}/settings",
        "The settings of a source for analytics.js and the mobile libraries, with the categories of each integration. "
        "404 for an unknown key.",
    ),
    (
        "GET",
        "/analytics.js/v1/{writeKey}/analytics.min.js",
        "The browser library itself, as the published snippet asks. 404 for an unknown key.",
    ),
    ("GET", "/analytics-next/bundles/{file}", "The parts of the library that it loads on demand."),
    ("GET", "/assent.js", "The [web library](../guide/web-library.md), which finds the consent tool of a page."),
)
_HEALTH: Final = (
    ("GET", "/healthz", "200 while the process answers."),
    ("GET", "/readyz", "200 once it takes events, 503 while it starts or stops."),
    ("GET", "/metrics", "The [metrics](metrics.md), in Prometheus' text format."),
)


def markdown() -> str:
    return page(
        "HTTP",
        "Everything is on one port. Where it runs, and what to put in front of it: [Operating](../guide/operating.md).",
        _TRACKING,
        table(("Status", "When"), _STATUSES),
        _routes((*_tracking_routes(), *_OTHERS)),
        "## For browser and mobile libraries\n\nEach path is also there under `/cdn`.",
        _routes(_LIBRARIES),
        "## Health",
        _routes(_HEALTH),
        *_api(answers().openapi),
    )


def _tracking_routes() -> list[tuple[str, str, str]]:
    return [
        (
            "POST",
            path,
            f"One {event_type} event." if event_type else 'A batch: `{"batch": [...]}`, at most 2,500 events.',
        )
        for path, event_type in TRACKING_PATHS.items()
    ]


def _routes(rows: Any) -> str:
    return table(("Method", "Path", "Is for"), ((method, code(path), text) for method, path, text in rows))


def _api(document: dict[str, Any]) -> list[str]:
    """The management API, from its OpenAPI document."""
    introduction = """\
## Management API

`Authorization: Bearer <token>` with a token of `assent token create`. A running server shows this in full, with every
schema, at `/api/docs`. Answers are `{"data": {...}}`, errors `{"errors": [{"type", "message", "field"}]}`."""
    entries = [
        _operation(path, method, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]
    return [introduction, *entries]


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    parts = [f"### `{method.upper()} {path}`", operation.get("description") or operation.get("summary", "")]
    if parameters := operation.get("parameters"):
        rows = ((code(one["name"]), one["in"], _description(one)) for one in parameters)
        parts.append(table(("Parameter", "In", "Means"), rows))
    parts.append(f"Answers {codes(operation['responses'])}.")
    return "\n\n".join(parts)


def _description(parameter: dict[str, Any]) -> str:
    return parameter.get("description") or parameter.get("schema", {}).get("description", "")
