"""The door: signing in, signing out, and becoming a user."""

import asyncio
from typing import Annotated, Any, Final, TypeAlias

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from litestar.response import Redirect

from assent.app.console.access import FOR_MEMBERS, OPEN_TO_ALL, PageRequest, session_cookie
from assent.app.console.forms import Form, read_form
from assent.app.console.pages import door, go
from assent.app.services.sign_in import PASSWORD_CHARACTERS, join, sign_in
from assent.app.wiring import Server, now
from assent.domain.errors import AssentError, Conflict, InvalidInput, TooManyTries, Unauthorized

_Anybody: TypeAlias = Request[Any, Any, Any]

_Next: TypeAlias = Annotated[str, QueryParameter(name="next")]
_Link: TypeAlias = Annotated[str, PathParameter(name="link")]


@get("/sign-in", opt={OPEN_TO_ALL: True}, sync_to_thread=True)
def show_sign_in(request: _Anybody, server: NamedDependency[Server], next_: _Next = "/") -> Response[Any]:
    if not server.stores.users.have_owner():
        return door(request, "no_owner.html")
    return sign_in_page(request, server, next_=next_)


@post("/sign-in", opt={OPEN_TO_ALL: True})
async def take_sign_in(request: _Anybody, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    email, next_ = form.text("email"), form.text("next")

    def enter() -> Response[Any]:
        try:
            text = sign_in(server.stores, email, form.raw("password"), at=now())
        except (Unauthorized, TooManyTries) as error:
            return sign_in_page(request, server, next_=next_, email=email, error=error)
        return enter_with(request, text, next_)

    return await asyncio.to_thread(enter)


@post("/sign-out", opt={FOR_MEMBERS: True}, sync_to_thread=True)
def sign_out(request: PageRequest, server: NamedDependency[Server]) -> Redirect:
    server.stores.sessions.close(request.auth.text)
    leaving = go("/sign-in")
    leaving.set_cookie(session_cookie(request, ""))
    return leaving


@get("/join/{link:str}", opt={OPEN_TO_ALL: True}, sync_to_thread=True)
def show_invitation(request: _Anybody, server: NamedDependency[Server], link: _Link) -> Response[Any]:
    """Following a link twice, or after it has ended, answers 404."""
    return _invited(request, server, link, Form({}), None)


@post("/join/{link:str}", opt={OPEN_TO_ALL: True})
async def take_invitation(request: _Anybody, server: NamedDependency[Server], link: _Link) -> Response[Any]:
    form = await read_form(request)

    def become() -> Response[Any]:
        try:
            if form.raw("password") != form.raw("again"):
                raise InvalidInput("the two passwords differ", field="again")
            text = join(
                server.stores,
                link,
                email=form.text("email"),
                name=form.text("name"),
                password=form.raw("password"),
                at=now(),
            )
        except (InvalidInput, Conflict) as error:
            return _invited(request, server, link, form, error)
        return enter_with(request, text, "/")

    return await asyncio.to_thread(become)


def _invited(request: _Anybody, server: Server, link: str, form: Form, error: AssentError | None) -> Response[Any]:
    invitation = server.stores.invitations.find(link, at=now())
    return door(
        request,
        "join.html",
        status=error.status if error is not None else 200,
        invitation=invitation,
        form=form,
        error=error,
        characters=PASSWORD_CHARACTERS,
    )


def sign_in_page(
    request: _Anybody, server: Server, *, next_: str, email: str = "", error: AssentError | None = None
) -> Response[Any]:
    """The page to sign in at, with what went wrong."""
    oidc = server.config.oidc
    return door(
        request,
        "sign_in.html",
        status=error.status if error is not None else 200,
        next=next_,
        email=email,
        error=error,
        company=oidc.name if oidc is not None else None,
    )


def enter_with(request: _Anybody, text: str, next_: str) -> Redirect:
    """In, with a session, and on to the page that was wanted."""
    entering = go(next_ if _is_ours(next_) else "/")
    entering.set_cookie(session_cookie(request, text))
    return entering


def _is_ours(path: str) -> bool:
    """Whether this is a path here: nobody may send people elsewhere through our sign-in."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path


DOOR_PAGES: Final = [show_sign_in, take_sign_in, sign_out, show_invitation, take_invitation]
