"""The page of whoever is signed in: their own password."""

import asyncio
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency

from assent.app.console.access import FOR_MEMBERS, PageRequest, session_cookie
from assent.app.console.forms import read_form
from assent.app.console.pages import go, page
from assent.app.services.sign_in import PASSWORD_CHARACTERS, change_password
from assent.app.wiring import Server, now
from assent.domain.errors import AssentError, InvalidInput, TooManyTries


@get("/account", sync_to_thread=True)
def show_account(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return _account(request, server, None)


@post("/account/password", opt={FOR_MEMBERS: True})
async def take_password(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)

    def change() -> Response[Any]:
        stores = server.stores
        try:
            if form.raw("password") != form.raw("again"):
                raise InvalidInput("the two passwords differ", field="again")
            text = change_password(stores, request.user, form.raw("old_password"), form.raw("password"), at=now())
        except (InvalidInput, TooManyTries) as error:
            return _account(request, server, error)
        stores.sessions.leave_notice(text, "Your password is changed. You are signed out everywhere else.")
        changed = go("/account")
        changed.set_cookie(session_cookie(request, text))
        return changed

    return await asyncio.to_thread(change)


def _account(request: PageRequest, server: Server, error: AssentError | None) -> Response[Any]:
    return page(
        request,
        server,
        "account.html",
        status=error.status if error is not None else 200,
        error=error,
        characters=PASSWORD_CHARACTERS,
        has_password=server.stores.users.password(request.user.id) is not None,
    )


ACCOUNT_PAGES: Final = [show_account, take_password]
