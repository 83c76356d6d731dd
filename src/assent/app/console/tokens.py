"""Settings, tokens: what may use the management API."""

import asyncio
from typing import Annotated, Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter
from litestar.response import Redirect

from assent.app.console.access import PageRequest, origin
from assent.app.console.forms import Form, read_form
from assent.app.console.pages import done, page
from assent.app.services.people import check_role, create_token
from assent.app.wiring import Server, now
from assent.domain.errors import AssentError, InvalidInput
from assent.store.tokens import NewToken


@get("/settings/tokens", sync_to_thread=True)
def show_tokens(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return _tokens(request, server, Form({}))


@post("/settings/tokens")
async def take_token(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    """The answer shows the token, because nobody can see it later."""
    form = await read_form(request)

    def take() -> Response[Any]:
        try:
            made = create_token(
                server.stores, form.text("name"), check_role(form.text("role")), author=request.user.email, at=now()
            )
        except InvalidInput as error:
            return _tokens(request, server, form, error=error)
        return _tokens(request, server, Form({}), made=made)

    return await asyncio.to_thread(take)


@post("/settings/tokens/{token_id:str}/revoke", sync_to_thread=True)
def revoke_token(
    request: PageRequest,
    server: NamedDependency[Server],
    token_id: Annotated[str, PathParameter(name="token_id")],
) -> Redirect:
    revoked = server.stores.tokens.revoke(token_id, at=now(), author=request.user.email)
    return done(request, server, "/settings/tokens", f"The token {revoked.name} is revoked: its next call is refused.")


def _tokens(
    request: PageRequest, server: Server, form: Form, *, error: AssentError | None = None, made: NewToken | None = None
) -> Response[Any]:
    return page(
        request,
        server,
        "settings/tokens.html",
        status=error.status if error is not None else 200,
        tokens=server.stores.tokens.all(),
        form=form,
        error=error,
        made=made,
        origin=origin(request),
    )


TOKEN_PAGES: Final = [show_tokens, take_token, revoke_token]
