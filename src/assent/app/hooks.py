"""`POST /hooks/consent`: consent that another system tells of by itself, signed with a secret that both know.

`POST /hooks/consent/onetrust` takes what OneTrust sends. It cannot sign, and sends a fixed token in a header instead.
"""

import asyncio
import hashlib
import hmac
import re
from typing import Any, Final

import msgspec
from litestar.types import HTTPScope, Receive, Send

from assent.app.answers import JSON, answer, error_body
from assent.app.api.ledger import ChoiceBody, ChoicesBody
from assent.app.services import ledger, onetrust
from assent.app.wiring import Server, now
from assent.domain.errors import AssentError, BodyTooLarge, InvalidInput, Unauthorized
from assent.domain.receipt import Method, Receipt

GENERIC: Final = "/hooks/consent"
ONETRUST: Final = "/hooks/consent/onetrust"
PATHS: Final = frozenset({GENERIC, ONETRUST})
SIGNATURE: Final = "x-assent-signature"
"""The header that holds `t=<seconds since 1970>,v1=<hex>`: HMAC-SHA256 of the time, a dot and the body."""

_BODY_BYTES: Final = 512 * 1024
_TOLERANCE_SECONDS: Final = 300
"""How old a signature may be, so that nobody who has seen a request can send it again later."""

_read_signature = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})").fullmatch
_decode_one = msgspec.json.Decoder(ChoiceBody).decode
_decode_many = msgspec.json.Decoder(ChoicesBody).decode


async def take_consent(scope: HTTPScope, receive: Receive, send: Send, server: Server) -> None:
    """Answer a request to one of `PATHS`."""
    if scope["method"] != "POST":
        await answer(send, 405, error_body("method_not_allowed", f"`{scope['method']}` is not for here: use POST"))
        return
    record = _record_onetrust if scope["path"] == ONETRUST else _record
    try:
        body = await _read(receive)
        key = _checked(scope, server, body)
        receipts = await asyncio.to_thread(record, server, body, key)
    except AssentError as error:
        name = {401: "unauthorized", 400: "invalid_input"}.get(error.status, "unavailable")
        await answer(send, error.status, error_body(name, error.message))
    else:
        await answer(send, 200, msgspec.json.encode({"receipts": [one.id for one in receipts]}), [JSON])


def _checked(scope: HTTPScope, server: Server, body: bytes) -> str:
    """The idempotency key of a request that comes from who it should; empty where a token let it in."""
    given = _header(scope, "authorization")
    if scope["path"] == ONETRUST and given:
        check_token(server.config.onetrust_token, given)
        return ""
    return "hook " + check_signature(server.config.hook_secret, _header(scope, SIGNATURE), body, at=now() // 1000)


def check_token(token: str | None, given: str) -> None:
    """Raises Unauthorized unless the header `Authorization` has the token."""
    if token is None:
        raise Unauthorized("this server takes no token here: start it with ASSENT_ONETRUST_TOKEN in its environment")
    if not hmac.compare_digest(f"Bearer {token}".encode(), given.encode()):
        raise Unauthorized("the token is not right: send `Authorization: Bearer` and what ASSENT_ONETRUST_TOKEN says")


def check_signature(secret: str | None, header: str, body: bytes, *, at: int) -> str:
    """The signature of a request that came `at` (seconds since 1970). Raises Unauthorized for one that is not right."""
    if secret is None:
        raise Unauthorized("this server takes no webhooks: start it with ASSENT_HOOK_SECRET in its environment")
    found = _read_signature(header)
    if found is None:
        raise Unauthorized(f"there is no signature: send `{SIGNATURE}: t=<seconds>,v1=<HMAC-SHA256>`")
    if not hmac.compare_digest(sign(secret, int(found[1]), body), found[2]):
        raise Unauthorized("the signature does not fit: it is made of the time, a dot and the body as it is sent")
    if abs(at - int(found[1])) > _TOLERANCE_SECONDS:
        raise Unauthorized("the signature is more than five minutes old, or not yet: look at the clocks")
    return found[2]


def sign(secret: str, at: int, body: bytes) -> str:
    """The signature of a body at a time, in seconds since 1970."""
    return hmac.new(secret.encode(), b"%d.%b" % (at, body), hashlib.sha256).hexdigest()


def _record(server: Server, body: bytes, key: str) -> list[Receipt]:
    """Write what it says, once for each key."""
    at = now()
    statements = [ledger.statement(one.choice(), source=one.source, at=at, method=Method.API) for one in _choices(body)]
    return ledger.record(server.stores, statements, key=key, at=at)


def _record_onetrust(server: Server, body: bytes, key: str) -> list[Receipt]:
    """Write what OneTrust says, and one of its events once, however often it is sent."""
    at = now()
    document = _json(body)
    choice = onetrust.choice_of(document, server.in_force.version.workspace.categories)
    if choice is None:
        return []
    if onetrust.is_event(document):
        key = f"onetrust {hashlib.sha256(body).hexdigest()}"
    said = ledger.statement(choice, source=onetrust.SOURCE, at=at, method=Method.API)
    return ledger.record(server.stores, [said], key=key, at=at)


def _choices(body: bytes) -> list[ChoiceBody]:
    parsed = _json(body)
    try:
        return _decode_many(body).choices if isinstance(parsed, dict) and "choices" in parsed else [_decode_one(body)]
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _unusable(error) from None


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _unusable(error) from None


def _unusable(error: Exception) -> InvalidInput:
    return InvalidInput(f"the body cannot be used: {error}")


def _header(scope: HTTPScope, wanted: str) -> str:
    name = wanted.encode()
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidInput("the client went away before the whole body was here")
        body += message.get("body", b"")
        if len(body) > _BODY_BYTES:
            raise BodyTooLarge(f"the body may have at most {_BODY_BYTES} bytes")
        more = message.get("more_body", False)
    return body
