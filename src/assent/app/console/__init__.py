"""The console: the pages that people use, served under `/`."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from litestar import Litestar, Router
from litestar.config.csrf import CSRFConfig
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.routes import BaseRoute
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from assent.app.console.access import SignedIn, owners_edit
from assent.app.console.account import ACCOUNT_PAGES
from assent.app.console.audit import AUDIT_PAGES
from assent.app.console.backfills import BACKFILL_PAGES
from assent.app.console.company import COMPANY_PAGES
from assent.app.console.consent import CONSENT_PAGES
from assent.app.console.delivery import DELIVERY_PAGES
from assent.app.console.destinations import DESTINATION_PAGES
from assent.app.console.door import DOOR_PAGES
from assent.app.console.drafts import DRAFT_PAGES
from assent.app.console.errors import HANDLERS
from assent.app.console.event_page import EVENT_PAGE
from assent.app.console.event_stream import EVENT_STREAM
from assent.app.console.events import EVENT_PAGES
from assent.app.console.failed import FAILED_PAGES
from assent.app.console.holds import HOLD_PAGES
from assent.app.console.home import HOME_PAGES
from assent.app.console.observing import OBSERVE_PAGES
from assent.app.console.people import PEOPLE_PAGES
from assent.app.console.persons import PERSON_PAGES
from assent.app.console.previews import Previews
from assent.app.console.regulations import REGULATION_PAGES
from assent.app.console.retention import RETENTION_PAGES
from assent.app.console.safety import with_safety
from assent.app.console.sources import SOURCE_PAGES
from assent.app.console.static import serve_static
from assent.app.console.tokens import TOKEN_PAGES
from assent.app.console.versions import VERSION_PAGES
from assent.app.console.what_if import WHAT_IF_PAGES
from assent.app.console.workspace_file import FILE_PAGES
from assent.app.encoded_ids import with_encoded_ids
from assent.app.services.company_sign_in import Provider
from assent.app.services.event_search import Searcher
from assent.app.services.explain_event import Explainer
from assent.app.services.fates import Fates
from assent.app.wiring import Server

PAGES: Final = [
    serve_static,
    *HOME_PAGES,
    *CONSENT_PAGES,
    *DOOR_PAGES,
    *ACCOUNT_PAGES,
    *SOURCE_PAGES,
    *DESTINATION_PAGES,
    *DELIVERY_PAGES,
    *COMPANY_PAGES,
    *AUDIT_PAGES,
    *PEOPLE_PAGES,
    *TOKEN_PAGES,
    *RETENTION_PAGES,
    *FILE_PAGES,
    *EVENT_PAGES,
    *EVENT_PAGE,
    *EVENT_STREAM,
    *WHAT_IF_PAGES,
    *DRAFT_PAGES,
    *VERSION_PAGES,
    *HOLD_PAGES,
    *OBSERVE_PAGES,
    *BACKFILL_PAGES,
    *FAILED_PAGES,
    *PERSON_PAGES,
    *REGULATION_PAGES,
]
_BODY_BYTES: Final = 1024 * 1024


class Console:
    """The ASGI application of the console, and the routes that it has."""

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self.routes = routes
        self._roots = frozenset(one.path.split("/", 2)[1] for one in routes)

    def answers(self, scope: HTTPScope) -> bool:
        """Whether this is for the console: for one of its pages, or from a browser that looks for a page."""
        root = scope["path"].split("/", 2)[1]
        return scope["path"] == "/" or (root != "" and root in self._roots) or _looks_for_page(scope)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _looks_for_page(scope: HTTPScope) -> bool:
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def create_console(server: Server) -> Console:
    """The console of a server."""
    fates = Fates(server.stores.accounts, server.stores.versions, lambda: server.in_force, server.stores.ledger)
    explainer, searcher = Explainer(server.log, fates), Searcher(server.log, fates)
    previews = Previews(server.stores, server.log)
    provider = Provider(server.config.oidc) if server.config.oidc is not None else None
    app = Litestar(
        # In a router, because Litestar changes handlers that it is given directly, and each server has its own console.
        route_handlers=[Router("/", route_handlers=PAGES)],
        dependencies={
            "server": Provide(lambda: server, sync_to_thread=False),
            "explainer": Provide(lambda: explainer, sync_to_thread=False),
            "fates": Provide(lambda: fates, sync_to_thread=False),
            "searcher": Provide(lambda: searcher, sync_to_thread=False),
            "previews": Provide(lambda: previews, sync_to_thread=False),
            "provider": Provide(lambda: provider, sync_to_thread=False),
        },
        middleware=[DefineMiddleware(SignedIn, sessions=server.stores.sessions)],
        guards=[owners_edit],
        csrf_config=CSRFConfig(
            secret=hmac.digest(server.stores.secrets.key, b"forms of the console", hashlib.sha256).hex(),
            cookie_name="assent_form",
            cookie_samesite="lax",
            cookie_httponly=True,
        ),
        exception_handlers=HANDLERS,
        openapi_config=None,
        request_max_body_size=_BODY_BYTES,
        logging_config=None,
        debug=False,
    )
    return Console(with_encoded_ids(with_safety(app), below=("/events/", "/people/")), app.routes)
