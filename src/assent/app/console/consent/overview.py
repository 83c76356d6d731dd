"""Consent at a glance: categories with their shares, what deserves attention, and the rules."""

import asyncio
from typing import Any, Final

from litestar import Response, get
from litestar.di import NamedDependency

from assent.app.console.access import PageRequest
from assent.app.console.pages import page
from assent.app.services.consent import DAYS, shares
from assent.app.services.warnings import find_consent_warnings
from assent.app.wiring import Server
from assent.engine.standing import standing


@get("/privacy/consent")
async def show_consent(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    workspace = server.in_force.version.workspace
    if not workspace.categories:
        return await asyncio.to_thread(page, request, server, "consent/welcome.html")
    week = await shares(server)
    warnings = await find_consent_warnings(server, week)
    return await asyncio.to_thread(
        lambda: page(
            request,
            server,
            "consent/overview.html",
            shares=week,
            answered=server.stores.ledger.shares(),
            days=DAYS,
            warnings=warnings,
            standings=[standing(workspace, one) for one in workspace.destinations],
            names={one.id: one.title for one in workspace.destinations},
        )
    )


OVERVIEW_PAGES: Final = [show_consent]
