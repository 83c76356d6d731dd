"""The gateway: Segment's tracking API, on raw ASGI. HTTP 200 means on disk."""

import base64
import binascii
import time
import uuid
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

from litestar.types import HTTPScope, Receive, Send

from assent.app.answers import EXPOSE, JSON, ORIGIN, answer, error_body
from assent.app.metrics import Metrics
from assent.app.page_reports import REPORT_BYTES, PageReports, key_of_page_without_tool
from assent.domain.errors import AssentError, BodyTooLarge, InvalidInput, LogUnavailable, Unauthorized
from assent.domain.record import EVENT_TYPES
from assent.domain.workspace import Source
from assent.engine.accept import BATCH_BYTES, EVENT_BYTES, Accepted, Arrival, Batch, OneEvent
from assent.engine.suppression import Suppressions
from assent.log.interface import Log
from assent.signals.translate import Translate, Translator

_SUCCESS: Final = b'{"success": true}'
_GIF: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_RETRY_AFTER_SECONDS: Final = b"5"
_PLAIN_BASE64: Final = str.maketrans("-_ ", "+/+")
"""Base64 for URLs, and a plus sign that was not escaped and reads as a blank."""
_KEYS_REMEMBERED: Final = 1_000
_LEFT_UNREAD_BYTES: Final = 8 << 20

_OK_START: Any = {
    "type": "http.response.start",
    "status": 200,
    "headers": [JSON, ORIGIN, EXPOSE, (b"content-length", b"%d" % len(_SUCCESS))],
}
_OK_BODY: Any = {"type": "http.response.body", "body": _SUCCESS}

TRACKING_PATHS: Final[dict[str, str]] = {
    **{f"/v1/{one}": one for one in EVENT_TYPES},
    **{f"/v1/{one[0]}": one for one in EVENT_TYPES},
    **dict.fromkeys(("/v1/batch", "/v1/import", "/v1/b"), ""),
}
"""The type of event that each path takes; empty for the paths that take batches."""

_PIXEL: Final = "/v1/pixel/"
_METRICS: Final = "/v1/m"


class _Headers(NamedTuple):
    """The request headers that are looked at."""

    authorization: bytes | None
    encoding: bytes | None
    length: bytes | None
    origin: bytes | None


class Gateway:
    """The ASGI application under `/v1`, but for the settings of browser libraries.

    `sources` gives the sources of the version in force by write key, `translators` by source what reads the consent of
    those that state it in another way. Nothing is stored of those in `suppressions`.
    """

    def __init__(
        self,
        log: Log,
        sources: Callable[[], Mapping[str, Source]],
        translators: Callable[[], Mapping[str, Translator]],
        suppressions: Suppressions,
        metrics: Metrics,
        page_reports: PageReports,
    ) -> None:
        self._log = log
        self._sources = sources
        self._translators = translators
        self._suppressions = suppressions
        self._metrics = metrics
        self._page_reports = page_reports
        self._keys: dict[bytes, str] = {}

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        if method == "POST" and path in TRACKING_PATHS:
            await self.track(scope, receive, send)
        elif method == "OPTIONS":
            await answer(send, 200, b"", _PREFLIGHT)
        elif method == "GET" and path.startswith(_PIXEL):
            await self._pixel(scope, send, path.removeprefix(_PIXEL))
        elif method == "POST" and path == _METRICS:
            await self._take_report(scope, receive, send)
        elif path in TRACKING_PATHS or path == _METRICS:
            await answer(send, 405, error_body("method_not_allowed", f"`{method}` is not for here: use POST"))
        else:
            await answer(send, 404, error_body("not_found", f"there is nothing at `{path}`"))

    async def track(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer a POST to one of `TRACKING_PATHS`."""
        event_type = TRACKING_PATHS[scope["path"]]
        try:
            headers = _read_headers(scope)
            body = await _read_body(receive, headers, EVENT_BYTES if event_type else BATCH_BYTES)
            started = time.perf_counter()
            request = OneEvent(body, event_type) if event_type else Batch(body)
            source = self._source(headers.authorization, request.write_key)
            client = scope["client"] if headers.origin is not None else None
            await self._log.append(*self._accept(request, source, scope, client[0] if client else None))
        except BodyTooLarge as error:
            self._metrics.requests[400] += 1
            await _refuse_unread(receive, send, error)
        except AssentError as error:
            self._metrics.requests[error.status] += 1
            await _answer_error(send, error)
        else:
            self._metrics.requests[200] += 1
            self._metrics.request_seconds.observe(time.perf_counter() - started)
            await send(_OK_START)
            await send(_OK_BODY)

    def _accept(self, request: Batch | OneEvent, source: Source, scope: HTTPScope, ip: str | None) -> Accepted:
        suppressions = self._suppressions or None
        translate: Translate | None = None
        if source.consent_from:
            translator = self._translators()[source.id]
            # Of several headers one is enough, and only exactly `1` counts.
            translate = translator.with_gpc if (b"sec-gpc", b"1") in scope["headers"] else translator
        at = time.time_ns() // 1_000_000
        arrival = Arrival(source.id, source.enabled, at, _new_id, ip, translate, suppressions)
        return request.accept(arrival)

    def _source(self, authorization: bytes | None, in_body: str | None) -> Source:
        in_header = self._key_of(authorization) if authorization is not None else None
        if in_header and in_body and in_header != in_body:
            raise Unauthorized("the write key in the Authorization header is not the one in the body")
        key = in_header or in_body
        if not key:
            raise Unauthorized("there is no write key: send it as HTTP Basic user name or as `writeKey` in the body")
        source = self._sources().get(key)
        if source is None:
            raise Unauthorized("no source has this write key")
        return source

    def _key_of(self, authorization: bytes) -> str | None:
        key = self._keys.get(authorization)
        if key is None:
            key = _basic_user(authorization)
            if len(self._keys) >= _KEYS_REMEMBERED:
                self._keys.clear()
            self._keys[authorization] = key
        return key or None

    async def _take_report(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """The library in a browser reports about itself: whatever it is, it is answered 200."""
        with suppress(AssentError):
            body = await _read_body(receive, _read_headers(scope), REPORT_BYTES)
            source = self._sources().get(key_of_page_without_tool(body) or "")
            if source is not None and source.enabled:
                self._page_reports.count(source.id, time.time_ns() // 1_000_000)
        await answer(send, 200, _SUCCESS)

    async def _pixel(self, scope: HTTPScope, send: Send, event_type: str) -> None:
        """An e-mail beacon: whatever is wrong with it, an image is the answer, unless the log cannot be written."""
        try:
            if event_type in EVENT_TYPES:
                data = parse_qs(scope["query_string"].decode("latin-1")).get("data", [""])[0]
                request = OneEvent(_decode_base64(data), event_type)
                client = scope["client"]
                source = self._source(None, request.write_key)
                await self._log.append(*self._accept(request, source, scope, client[0] if client else None))
        except LogUnavailable as error:
            await _answer_error(send, error)
            return
        except AssentError as error:
            self._metrics.discarded["", f"pixel_{type(error).__name__.lower()}"] += 1
        await answer(send, 200, _GIF, [(b"content-type", b"image/gif"), (b"cache-control", b"no-store")])


_PREFLIGHT: Final = [
    (b"access-control-allow-methods", b"POST, GET, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, x-retry-count"),
    (b"access-control-max-age", b"86400"),
]


def _new_id() -> str:
    return str(uuid.uuid4())


def _read_headers(scope: HTTPScope) -> _Headers:
    authorization = encoding = length = origin = None
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = value
        elif name == b"authorization":
            authorization = value
        elif name == b"content-encoding":
            encoding = value
        elif name == b"origin":
            origin = value
    return _Headers(authorization, encoding, length, origin)


async def _read_body(receive: Receive, headers: _Headers, limit: int) -> bytes:
    """The whole body, decompressed. Raises BodyTooLarge as soon as it is over `limit` bytes, without reading on."""
    encoding = (headers.encoding or b"identity").strip().lower()
    if encoding not in (b"identity", b"gzip", b""):
        raise InvalidInput(f"the content encoding `{encoding.decode('latin-1')[:50]}` is not known: use gzip or none")
    if headers.length is not None and (length := int(headers.length.lstrip(b"0") or b"0")) > limit:
        raise BodyTooLarge(f"the body may have at most {limit} bytes, this one has {length}")
    body = b""
    more = True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidInput("the client went away before the whole body was here")
        body += message["body"]
        if len(body) > limit:
            raise BodyTooLarge(f"the body may have at most {limit} bytes")
        more = message.get("more_body", False)
    return _unzip(body, limit) if encoding == b"gzip" else body


def _unzip(data: bytes, limit: int) -> bytes:
    unzip = zlib.decompressobj(31)
    try:
        body = unzip.decompress(data, limit + 1)
    except zlib.error as error:
        raise InvalidInput(f"the body is not gzip data: {error}") from None
    if len(body) > limit:
        raise BodyTooLarge(f"the body may have at most {limit} bytes when it is decompressed")
    if not unzip.eof:
        raise InvalidInput("the body is cut off: it is not whole gzip data")
    if unzip.unused_data:
        raise InvalidInput("something follows the gzip data of the body: send one gzip member")
    return body


def _basic_user(authorization: bytes) -> str:
    scheme, _, credentials = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _decode_base64(data: str) -> bytes:
    try:
        return base64.b64decode(data.translate(_PLAIN_BASE64).rstrip("=") + "=" * (-len(data.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        raise InvalidInput("`data` is not base64") from None


async def _answer_error(send: Send, error: AssentError) -> None:
    headers = [JSON]
    if isinstance(error, LogUnavailable):
        headers.append((b"retry-after", _RETRY_AFTER_SECONDS))
    await answer(send, error.status, error_body(_code(error), error.message), headers)


async def _refuse_unread(receive: Receive, send: Send, error: BodyTooLarge) -> None:
    """Answer before the body is all here, then let the rest of it run past unread.

    Closing at once would reset the connection, and the client would not see the answer but try again for ever.
    """
    body = error_body(_code(error), error.message)
    headers = [ORIGIN, JSON, (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
    start: Any = {"type": "http.response.start", "status": error.status, "headers": headers}
    await send(start)
    whole: Any = {"type": "http.response.body", "body": body, "more_body": True}
    await send(whole)
    passed = 0
    more = True
    while more and passed < _LEFT_UNREAD_BYTES:
        message: Any = await receive()
        passed += len(message.get("body", b""))
        more = message.get("more_body", False)
    end: Any = {"type": "http.response.body", "body": b""}
    await send(end)


def _code(error: AssentError) -> str:
    name = type(error).__name__
    return name[0].lower() + "".join(f"_{one.lower()}" if one.isupper() else one for one in name[1:])
