"""Answers on raw ASGI: what the gateway and the settings have in common."""

from typing import Any, Final

import msgspec
from litestar.types import Send

ORIGIN: Final = (b"access-control-allow-origin", b"*")
JSON: Final = (b"content-type", b"application/json")
EXPOSE: Final = (b"access-control-expose-headers", b"Retry-After")


def error_body(code: str, message: str) -> bytes:
    """The body of an error; without both keys analytics-python does not see that the answer is final."""
    return msgspec.json.encode({"code": code, "message": message})


async def answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    """Send a whole answer, which any origin may read; JSON unless `headers` say otherwise."""
    everywhere = [ORIGIN, EXPOSE, (b"content-length", b"%d" % len(body))]
    start: Any = {"type": "http.response.start", "status": status, "headers": [*everywhere, *(headers or [JSON])]}
    await send(start)
    end: Any = {"type": "http.response.body", "body": body}
    await send(end)
