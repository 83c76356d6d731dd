"""Signing in through a company's own provider, by OpenID Connect: authorization code flow with PKCE."""

import ssl
from asyncio import to_thread
from functools import cache
from secrets import token_urlsafe
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from assent.app.config import Oidc
from assent.app.services.sign_in import check_email
from assent.app.wiring import Stores
from assent.domain.errors import AssentError, Conflict, Forbidden, InvalidInput, Unauthorized

_TIMEOUT_SECONDS: Final = 5
_LEEWAY_SECONDS: Final = 60
_DISCOVERED_FOR_MS: Final = 600_000
_ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Those with a key of the provider's own: a token must not be signed with what we share, or not at all."""

_LATER: Final = "sign in with a password, or try again later"

_Read = TypeVar("_Read")


class ProviderDown(AssentError):
    """The provider cannot be asked, or says what nobody can use."""

    status = 503


class Journey(msgspec.Struct, frozen=True):
    """What is to be remembered of somebody who was sent to the provider, until they come back."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    next: str


class Person(msgspec.Struct, frozen=True):
    """Who signed in at the provider: an address that it has verified, and what it calls them."""

    email: str
    name: str


class _Discovered(msgspec.Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Tokens(msgspec.Struct, frozen=True):
    """The answer of the token endpoint."""

    id_token: str
    access_token: str = ""


class Provider:
    """One company's provider. The access token is shown to its userinfo endpoint and to nobody else."""

    def __init__(self, config: Oidc) -> None:
        self.name = config.name
        self._config = config
        self._discovered: tuple[int, _Discovered] | None = None

    async def begin(self, *, redirect_uri: str, next_: str, at: int) -> tuple[str, Journey]:
        """Where to send somebody, and what to remember of it. Raises ProviderDown."""
        async with await _client() as client:
            discovered = await self._discover(client, at)
        journey = Journey(token_urlsafe(32), token_urlsafe(32), token_urlsafe(48), redirect_uri, next_)
        url: str = prepare_grant_uri(
            discovered.authorization_endpoint,
            client_id=self._config.client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope="openid email profile",
            state=journey.state,
            nonce=journey.nonce,
            code_challenge=create_s256_code_challenge(journey.verifier),
            code_challenge_method="S256",
        )
        return url, journey

    async def finish(self, journey: Journey, code: str, *, at: int) -> Person:
        """Who came back with a code. Raises ProviderDown; Unauthorized for what was not made for this journey;
        Forbidden for an address that the provider has not verified."""
        async with await _client() as client:
            discovered = await self._discover(client, at)
            tokens = await self._redeem(client, discovered, journey, code)
            keys = await self._get(client, discovered.jwks_uri, "its keys", dict[str, Any])
            claims = await to_thread(self._checked, tokens, keys, journey, at)
            if "email" not in claims and discovered.userinfo_endpoint:
                claims |= await self._userinfo(client, discovered.userinfo_endpoint, tokens, claims["sub"])
        return _person(claims)

    async def _discover(self, client: httpx.AsyncClient, at: int) -> _Discovered:
        if self._discovered is not None and 0 <= at - self._discovered[0] < _DISCOVERED_FOR_MS:
            return self._discovered[1]
        url = f"{self._config.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await self._get(client, url, "what it says of itself", _Discovered)
        if found.issuer != self._config.issuer:
            raise self._down(f"it calls itself `{found.issuer[:200]}`, not `{self._config.issuer}`")
        for one in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint or ""):
            if one and urlsplit(one).scheme != "https" and urlsplit(self._config.issuer).scheme == "https":
                raise self._down(f"`{one[:200]}` is not https")
        self._discovered = at, found
        return found

    async def _redeem(self, client: httpx.AsyncClient, discovered: _Discovered, journey: Journey, code: str) -> _Tokens:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": journey.redirect_uri,
            "code_verifier": journey.verifier,
        }
        who = self._config.client_id, self._config.client_secret
        authentication: httpx.Auth | None = None
        if "client_secret_basic" in discovered.token_endpoint_auth_methods_supported:
            authentication = httpx.BasicAuth(quote(who[0], safe=""), quote(who[1], safe=""))
        else:
            form |= {"client_id": who[0], "client_secret": who[1]}
        try:
            request = client.build_request("POST", discovered.token_endpoint, data=form)
            answer = await client.send(request, auth=authentication)
        except httpx.HTTPError as error:
            raise self._down(f"its token endpoint cannot be reached: {type(error).__name__}") from None
        if 400 <= answer.status_code < 500:
            raise _refused(f"the code was not taken ({_error_in(answer)})")
        return self._read(answer, "a token", _Tokens)

    def _checked(self, tokens: _Tokens, keys: dict[str, Any], journey: Journey, at: int) -> dict[str, Any]:
        """The claims of an ID token that holds (OpenID Connect Core 1.0, section 3.1.3.7). Raises Unauthorized."""
        options = {
            "iss": {"essential": True, "value": self._config.issuer},
            "aud": {"essential": True, "value": self._config.client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
            "nonce": {"essential": True, "value": journey.nonce},
        }
        known = {"nonce": journey.nonce, "client_id": self._config.client_id, "access_token": tokens.access_token}
        try:
            token = jwt.decode(
                tokens.id_token, KeySet.import_key_set({"keys": keys.get("keys", [])}), algorithms=_ALGORITHMS
            )
            claims = CodeIDToken(token.claims, token.header, options, known)
            claims.validate(now=at // 1000, leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _refused(f"its ID token does not hold: {error}") from None
        return dict(claims)

    async def _userinfo(self, client: httpx.AsyncClient, url: str, tokens: _Tokens, subject: str) -> dict[str, Any]:
        """What the provider says of a person where the ID token leaves out their address."""
        headers = {"Authorization": f"Bearer {tokens.access_token}"}
        found = await self._get(client, url, "who that is", dict[str, Any], headers)
        if found.get("sub") != subject:
            raise _refused("its userinfo is about somebody else")
        return found

    async def _get(
        self, client: httpx.AsyncClient, url: str, what: str, kind: type[_Read], headers: dict[str, str] | None = None
    ) -> _Read:
        try:
            answer = await client.get(url, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._down(f"it cannot be asked for {what}: {type(error).__name__}") from None
        return self._read(answer, what, kind)

    def _read(self, answer: httpx.Response, what: str, kind: type[_Read]) -> _Read:
        if answer.status_code != 200:
            raise self._down(f"asked for {what}, it answers {answer.status_code}")
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self._down(f"asked for {what}, it answers what cannot be read: {error}") from None

    def _down(self, why: str) -> ProviderDown:
        return ProviderDown(f"signing in with {self.name} does not work at the moment: {why}; {_LATER}")


def enter(stores: Stores, person: Person, members: tuple[str, ...], *, at: int) -> str:
    """The text of a session for somebody whom the provider knows. People of the domains in `members` become members by
    themselves. Raises Forbidden for everybody else who is no user."""
    user = stores.users.with_email(person.email)
    if user is None:
        if person.email.rpartition("@")[2] not in members:
            raise Forbidden(f"nobody invited `{person.email}` to this workspace: ask a Workspace Owner for a link")
        try:
            user = stores.users.add(person.email, person.name, "member", None, at=at)
        except Conflict:  # they came in by another way just now
            return enter(stores, person, members, at=at)
    return stores.sessions.open(user.id, at=at)


def _person(claims: dict[str, Any]) -> Person:
    try:
        email = check_email(str(claims.get("email", "")))
    except InvalidInput:
        raise Forbidden("the provider does not say your e-mail address: let it release `email` to Assent") from None
    # Only true counts. A provider that does not say so may let people write any address into their profile.
    if claims.get("email_verified") is not True:
        raise Forbidden(f"the provider has not verified that `{email}` is yours (`email_verified` is not true)")
    name = "".join(filter(str.isprintable, str(claims.get("name") or ""))).strip()[:100]
    return Person(email, name or email.partition("@")[0])


def _refused(why: str) -> Unauthorized:
    return Unauthorized(f"the sign-in could not be trusted: {why}; begin it again")


def _error_in(answer: httpx.Response) -> str:
    try:
        found = msgspec.json.decode(answer.content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return str(answer.status_code)
    return str(found.get("error", answer.status_code))[:100]


async def _client() -> httpx.AsyncClient:
    """Follows no redirect: what is sent goes where the provider said, and nowhere else."""
    context = await to_thread(_tls)
    return httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=False, verify=context, trust_env=False)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
