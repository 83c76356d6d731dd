"""The management API, under /api/v1, and its documentation, under /api/docs."""

from typing import Any, Final

from litestar import Litestar, Request, Response, Router
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, License, SecurityScheme, Tag
from litestar.types import ASGIApp

from assent.app.api.access import OPEN_TO_ALL, BearerTokens
from assent.app.api.audit_trail import list_audit_trail
from assent.app.api.backfills import (
    cancel_backfill,
    get_backfill,
    list_backfills,
    pause_backfill,
    preview_backfill,
    resume_backfill,
    start_backfill,
)
from assent.app.api.categories import (
    change_category,
    create_category,
    delete_category,
    get_category,
    list_categories,
)
from assent.app.api.category_scan import scan_categories
from assent.app.api.connectors import list_connectors
from assent.app.api.consent import (
    get_mapping,
    get_rules,
    list_warnings,
    put_mapping,
    put_rules,
)
from assent.app.api.decisions import decide_event, explain_event
from assent.app.api.delivery import count_delivery, list_discards
from assent.app.api.delivery_overview import DELIVERY_OVERVIEW
from assent.app.api.destination_changes import (
    get_destination,
    patch_destination,
    post_destination,
    remove_destination,
    test_destination,
)
from assent.app.api.destinations import list_destinations
from assent.app.api.docs_page import SAFETY, DocsPage, refuse_others
from assent.app.api.document import OpenApiJson, StructSchemas
from assent.app.api.drafts import (
    apply_draft,
    create_draft,
    delete_draft,
    get_draft,
    get_shadow,
    list_drafts,
    put_draft,
    set_shadow,
    try_draft,
)
from assent.app.api.errors import HANDLERS
from assent.app.api.events import list_events
from assent.app.api.holds import hold, list_held, release, send_failed_again
from assent.app.api.ledger import (
    export_receipts,
    get_profile_consent,
    get_receipt,
    list_receipts,
    record_consent,
    record_consents,
)
from assent.app.api.methods import answer_options
from assent.app.api.observing import get_observing, set_observing
from assent.app.api.parameters import check_parameters
from assent.app.api.people import (
    change_role,
    create_invitation,
    create_password_link,
    list_invitations,
    list_users,
    remove_user,
    withdraw_invitation,
)
from assent.app.api.profiles import export_profile
from assent.app.api.reasons import list_reasons
from assent.app.api.regulations import REGULATIONS
from assent.app.api.review import get_review
from assent.app.api.sources import (
    get_source,
    list_sources,
    patch_source,
    post_source,
    remove_source,
    rotate_source,
)
from assent.app.api.tokens import list_tokens, make_token, revoke_token
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
from assent.app.encoded_ids import with_encoded_ids
from assent.app.services.event_search import Searcher
from assent.app.services.explain_event import Explainer
from assent.app.services.fates import Fates
from assent.app.wiring import Server

_BODY_BYTES: Final = 512 * 1024
_OF_ANY_ID: Final = ("/api/v1/events/", "/api/v1/categories/", "/api/v1/profiles/")

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
            list_drafts,
            create_draft,
            get_draft,
            get_shadow,
            put_draft,
            delete_draft,
            set_shadow,
            try_draft,
            apply_draft,
        ],
        tags=["Drafts"],
    ),
    Router("/", route_handlers=[hold, release, list_held], tags=["Holds"]),
    Router("/", route_handlers=[get_observing, set_observing], tags=["Observe"]),
    Router(
        "/",
        route_handlers=[
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
    Router(
        "/",
        route_handlers=[
            list_categories,
            create_category,
            get_category,
            change_category,
            delete_category,
            scan_categories,
            get_mapping,
            put_mapping,
            get_rules,
            put_rules,
            list_warnings,
            get_review,
        ],
        tags=["Consent"],
    ),
    Router(
        "/",
        route_handlers=[
            get_profile_consent,
            record_consent,
            record_consents,
            list_receipts,
            export_receipts,
            get_receipt,
        ],
        tags=["Ledger"],
    ),
    Router("/", route_handlers=[decide_event, explain_event, list_reasons], tags=["Decisions"]),
    Router("/", route_handlers=[list_events, list_discards], tags=["Events"]),
    Router("/", route_handlers=[count_delivery, *DELIVERY_OVERVIEW, list_destinations], tags=["Delivery"]),
    Router(
        "/",
        route_handlers=[
            list_sources,
            get_source,
            post_source,
            patch_source,
            rotate_source,
            remove_source,
            list_connectors,
            get_destination,
            post_destination,
            patch_destination,
            remove_destination,
            test_destination,
        ],
        tags=["Connections"],
    ),
    Router("/", route_handlers=[*REGULATIONS, export_profile], tags=["Rights"]),
    Router(
        "/",
        route_handlers=[
            list_users,
            change_role,
            remove_user,
            create_password_link,
            list_invitations,
            create_invitation,
            withdraw_invitation,
            list_tokens,
            make_token,
            revoke_token,
            list_audit_trail,
        ],
        tags=["People"],
    ),
]
_DESCRIPTION: Final = """\
Everything that a running Assent knows and does, for scripts and for other tools.

A call needs a token, `Authorization: Bearer ...`, which `assent token create` or the console makes: an **owner**
changes everything, a **member** reads. Answers are `{"data": ...}`; what went wrong is `{"errors": [{"type", "message",
"field"}]}`, whatever it was. Lists are paged: send back `pagination.next` as `pagination.cursor`, until it is null.
Keys are in camelCase, but for the workspace itself, which has the keys of the workspace file. Times are in UTC.
"""


def create_api(server: Server) -> ASGIApp:
    """The ASGI application of the management API."""
    fates = Fates(server.stores.accounts, server.stores.versions, lambda: server.in_force, server.stores.ledger)
    explainer, searcher = Explainer(server.log, fates), Searcher(server.log, fates)
    schemas = StructSchemas()
    app = Litestar(
        path="/api",
        route_handlers=[Router("/v1", route_handlers=_ROUTES, before_request=_before_request)],
        dependencies={
            "server": Provide(lambda: server, sync_to_thread=False),
            "explainer": Provide(lambda: explainer, sync_to_thread=False),
            "fates": Provide(lambda: fates, sync_to_thread=False),
            "searcher": Provide(lambda: searcher, sync_to_thread=False),
        },
        middleware=[DefineMiddleware(BearerTokens, tokens=server.stores.tokens)],
        exception_handlers=HANDLERS,
        openapi_config=_documentation(schemas),
        plugins=[schemas],
        request_max_body_size=_BODY_BYTES,
        logging_config=None,
        debug=False,
    )
    return with_encoded_ids(app, below=_OF_ANY_ID)


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
            Tag("Observe", "Deciding on consent and counting, without enforcing it."),
            Tag("Holds", "Keeping what would be delivered, and letting it go."),
            Tag("Backfills", "Sending what was withheld by a mistake, and what failed."),
            Tag("Consent", "Categories, which destinations need them, the rules, and what deserves a warning."),
            Tag("Ledger", "What people consented to, when, and how it was learnt."),
            Tag("Decisions", "Why an event goes to a destination, or does not."),
            Tag("Events", "What came in, and what never became an event."),
            Tag("Connections", "Sources, destinations and the connectors that send to them."),
            Tag("Delivery", "What became of it, in numbers, and how destinations are doing."),
            Tag("Rights", "What a person may ask for: no more events, deletion, and everything that is known."),
            Tag("People", "Who and what may use this server, and the trail of all that was changed."),
        ],
    )


def _before_request(request: Request[Any, Any, Any]) -> Response[None] | None:
    check_parameters(request)
    return answer_options(request)
