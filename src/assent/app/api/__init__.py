"""The management API, under /api/v1, and its documentation, under /api/docs."""

from typing import Final

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, License, SecurityScheme, Tag
from litestar.types import ASGIApp, Receive, Scope, Send

from assent.app.api.access import OPEN_TO_ALL, BearerTokens
from assent.app.api.backfills import (
    cancel_backfill,
    get_backfill,
    list_backfills,
    pause_backfill,
    preview_backfill,
    resume_backfill,
    start_backfill,
)
from assent.app.api.decisions import decide_event, explain_event
from assent.app.api.delivery import count_delivery, list_discards
from assent.app.api.destinations import list_destinations
from assent.app.api.docs_page import SAFETY, DocsPage, refuse_others
from assent.app.api.document import OpenApiJson, StructSchemas
from assent.app.api.drafts import (
    apply_draft,
    create_draft,
    delete_draft,
    get_draft,
    list_drafts,
    put_draft,
    try_draft,
)
from assent.app.api.errors import HANDLERS
from assent.app.api.events import list_events
from assent.app.api.holds import hold, list_held, release, send_failed_again
from assent.app.api.options import allowing
from assent.app.api.parameters import check_parameters
from assent.app.api.reasons import list_reasons
from assent.app.api.trials import try_workspace
from assent.app.api.workspace import (
    export_workspace,
    get_version,
    get_version_changes,
    get_workspace,
    list_versions,
    plan_workspace,
    put_workspace,
    restore_version,
)
from assent.app.services.explain_event import Explainer
from assent.app.wiring import Server

_BODY_BYTES: Final = 512 * 1024
_EVENTS: Final = "/api/v1/events/"

_ROUTES: Final = [
    Router(
        "/",
        route_handlers=[
            get_workspace,
            put_workspace,
            plan_workspace,
            try_workspace,
            export_workspace,
            list_versions,
            get_version,
            get_version_changes,
            restore_version,
        ],
        tags=["Workspace"],
    ),
    Router(
        "/",
        route_handlers=[
            allowing("/drafts", "GET", "POST"),
            allowing("/drafts/{draft:str}", "DELETE", "GET", "PUT"),
            list_drafts,
            create_draft,
            get_draft,
            put_draft,
            delete_draft,
            try_draft,
            apply_draft,
        ],
        tags=["Drafts"],
    ),
    Router("/", route_handlers=[hold, release, list_held], tags=["Holds"]),
    Router(
        "/",
        route_handlers=[
            allowing("/backfills", "GET", "POST"),
            list_backfills,
            get_backfill,
            preview_backfill,
            start_backfill,
            pause_backfill,
            resume_backfill,
            cancel_backfill,
            send_failed_again,
        ],
        tags=["Backfills"],
    ),
    Router("/", route_handlers=[decide_event, explain_event, list_reasons], tags=["Decisions"]),
    Router("/", route_handlers=[list_events, list_discards], tags=["Events"]),
    Router("/", route_handlers=[count_delivery, list_destinations], tags=["Delivery"]),
]
_DESCRIPTION: Final = """\
Everything that a running Assent knows and does, for scripts and for other tools.

A call needs a token, `Authorization: Bearer ...`, which `assent token create` makes: an **owner** changes the
workspace, a **member** reads. Answers are `{"data": ...}`; what went wrong is `{"errors": [{"type", "message",
"field"}]}`, whatever it was. Lists are paged: send back `pagination.next` as `pagination.cursor`, until it is null.
Keys are in camelCase, but for the workspace itself, which has the keys of the workspace file. Times are in UTC.
"""


def create_api(server: Server) -> ASGIApp:
    """The ASGI application of the management API."""
    explainer = Explainer(server.log, server.stores.accounts, server.stores.versions, lambda: server.in_force)
    schemas = StructSchemas()
    app = Litestar(
        path="/api",
        route_handlers=[Router("/v1", route_handlers=_ROUTES, before_request=check_parameters)],
        dependencies={
            "server": Provide(lambda: server, sync_to_thread=False),
            "explainer": Provide(lambda: explainer, sync_to_thread=False),
        },
        middleware=[DefineMiddleware(BearerTokens, tokens=server.stores.tokens)],
        exception_handlers=HANDLERS,
        openapi_config=_documentation(schemas),
        plugins=[schemas],
        request_max_body_size=_BODY_BYTES,
        logging_config=None,
        debug=False,
    )
    return _with_encoded_ids(app)


def _documentation(schemas: StructSchemas) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Assent",
        version="1",
        summary="The management API of a consent gateway for customer events.",
        description=_DESCRIPTION,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        use_handler_docstrings=True,
        openapi_router=Router(
            "/docs",
            route_handlers=[],
            include_in_schema=False,
            after_request=refuse_others,
            response_headers=SAFETY,
            opt={OPEN_TO_ALL: True},
        ),
        render_plugins=[DocsPage(), OpenApiJson(schemas)],
        security=[{"token": []}],
        components=Components(
            security_schemes={
                "token": SecurityScheme(
                    type="http", scheme="bearer", description="A token that `assent token create` made."
                )
            }
        ),
        tags=[
            Tag("Workspace", "What is configured, all its versions, and how it is changed."),
            Tag("Drafts", "Several edits, tried and put into force together."),
            Tag("Holds", "Keeping what would be delivered, and letting it go."),
            Tag("Backfills", "Sending what was withheld by a mistake, and what failed."),
            Tag("Decisions", "Why an event goes to a destination, or does not."),
            Tag("Events", "What came in, and what never became an event."),
            Tag("Delivery", "What became of it, in numbers, and how destinations are doing."),
        ],
    )


def _with_encoded_ids(app: ASGIApp) -> ASGIApp:
    """Message ids hold any character, slashes too: for them a path stays as it was sent, and the route decodes it."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(_EVENTS) and scope["raw_path"]:
            scope["path"] = scope["raw_path"].decode("latin-1")
        await app(scope, receive, send)

    return call
