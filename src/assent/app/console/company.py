"""The door that a company's own provider opens: to it, and back from it."""

import asyncio
import base64
import hashlib
import hmac
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from litestar import Request, Response, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import QueryParameter
from litestar.response import Redirect

from assent.app.console.access import OPEN_TO_ALL, is_https, origin
from assent.app.console.door import enter_with, sign_in_page
from assent.app.services.company_sign_in import Journey, Provider, enter
from assent.app.wiring import Server, now
from assent.domain.errors import AssentError, Unauthorized

_COOKIE: Final = "assent_company"
_PATH: Final = "/sign-in/company"
_JOURNEY_SECONDS: Final = 600

_Anybody: TypeAlias = Request[Any, Any, Any]
_Next: TypeAlias = Annotated[str, QueryParameter(name="next")]


@get("/sign-in/company", opt={OPEN_TO_ALL: True})
async def go_to_company(
    request: _Anybody, server: NamedDependency[Server], provider: NamedDependency[Provider | None], next_: _Next = "/"
) -> Response[Any]:
    """A link, not a form: the policy of our pages lets forms go nowhere else."""
    if provider is None:
        raise NotFoundException
    redirect_uri = f"{origin(request)}{_PATH}/back"
    try:
        url, journey = await provider.begin(redirect_uri=redirect_uri, next_=next_, at=now())
    except AssentError as error:
        return await asyncio.to_thread(sign_in_page, request, server, error=error, next_=next_)
    leaving = Redirect(url, status_code=303)
    sealed = _seal(server).encrypt(msgspec.json.encode(journey)).decode()
    leaving.set_cookie(_cookie(request, sealed, _JOURNEY_SECONDS))
    return leaving


@get("/sign-in/company/back", opt={OPEN_TO_ALL: True})
async def come_from_company(
    request: _Anybody,
    server: NamedDependency[Server],
    provider: NamedDependency[Provider | None],
    code: Annotated[str, QueryParameter(name="code")] = "",
    given_state: Annotated[str, QueryParameter(name="state")] = "",
    error: Annotated[str, QueryParameter(name="error")] = "",
    issuer: Annotated[str | None, QueryParameter(name="iss")] = None,
) -> Response[Any]:
    if provider is None or server.config.oidc is None:
        raise NotFoundException
    members = server.config.oidc.members
    try:
        journey = _journey(request, server, given_state)
        if issuer is not None and issuer != server.config.oidc.issuer:
            raise Unauthorized("the sign-in could not be trusted: another provider answered; begin it again")
        if error or not code:
            raise Unauthorized(f"{provider.name} did not sign you in ({error[:100] or 'no code'}): begin it again")
        person = await provider.finish(journey, code, at=now())
        text = await asyncio.to_thread(enter, server.stores, person, members, at=now())
        answer: Response[Any] = enter_with(request, text, journey.next)
    except AssentError as wrong:
        answer = await asyncio.to_thread(sign_in_page, request, server, error=wrong, next_="/")
    answer.set_cookie(_cookie(request, "", 0))
    return answer


def _journey(request: _Anybody, server: Server, state: str) -> Journey:
    """The journey that this browser began, and nobody else for it. Raises Unauthorized."""
    sealed = request.cookies.get(_COOKIE, "")
    try:
        journey = msgspec.json.decode(_seal(server).decrypt(sealed, ttl=_JOURNEY_SECONDS), type=Journey)
    except (InvalidToken, msgspec.MsgspecError):
        raise Unauthorized("this sign-in was not begun here, or over ten minutes ago: begin it again") from None
    if not hmac.compare_digest(journey.state.encode(), state.encode()):
        raise Unauthorized("this is the answer to another sign-in: begin it again")
    return journey


def _seal(server: Server) -> Fernet:
    key = hmac.digest(server.stores.secrets.key, b"journeys to the company's provider", hashlib.sha256)
    return Fernet(base64.urlsafe_b64encode(key))


def _cookie(request: _Anybody, text: str, seconds: int) -> Cookie:
    """Lax, because it must come along when the provider sends the browser back."""
    return Cookie(
        key=_COOKIE, value=text, path=_PATH, httponly=True, samesite="lax", secure=is_https(request), max_age=seconds
    )


COMPANY_PAGES: Final = [go_to_company, come_from_company]
