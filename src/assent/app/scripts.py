"""The scripts that pages load from here: analytics.js with its parts, as published, and `assent.js`."""

import hashlib
import re
from collections.abc import Container
from functools import cache
from pathlib import Path
from typing import Final

from litestar.types import HTTPScope, Send

from assent.app.answers import answer, error_body

_ANALYTICS: Final = re.compile(r"(?:/cdn)?/analytics\.js/v1/(?P<key>[^/]+)/analytics(?:\.min)?\.js").fullmatch
_CHUNK: Final = re.compile(r"(?:/cdn)?/analytics-next/bundles/(?P<name>[A-Za-z0-9._-]+\.js)").fullmatch
_OURS: Final = re.compile(r"(?:/cdn)?/(?P<name>assent\.js(?:\.map)?)").fullmatch
_STATIC: Final = Path(__file__).parent / "static"
_PUBLISHED: Final = _STATIC / "vendor" / "analytics-next"

_AN_HOUR: Final = b"public, max-age=3600"
_FOR_EVER: Final = b"public, max-age=31536000, immutable"
_SCRIPT: Final = (b"content-type", b"text/javascript; charset=utf-8")
_MAP: Final = (b"content-type", b"application/json")
_NOT_MODIFIED: Final = 304


def is_script(path: str) -> bool:
    """Whether `path` is for this part of the server."""
    return bool(_ANALYTICS(path) or _CHUNK(path) or _OURS(path))


async def serve_script(scope: HTTPScope, send: Send, write_keys: Container[str]) -> None:
    """Answer a GET of one of the scripts; analytics.js is only there for the write key of a source."""
    path = scope["path"]
    if analytics := _ANALYTICS(path):
        if analytics["key"] in write_keys:
            await _answer_file(scope, send, _PUBLISHED / "standalone.js", _AN_HOUR)
        else:
            await answer(send, 404, error_body("not_found", "no source has this write key"))
    elif ours := _OURS(path):
        await _answer_file(scope, send, _STATIC / ours["name"], _AN_HOUR)
    elif (chunk := _CHUNK(path)) and (_PUBLISHED / chunk["name"]).is_file():
        # Its name has the hash of what is in it.
        await _answer_file(scope, send, _PUBLISHED / chunk["name"], _FOR_EVER)
    else:
        await answer(send, 404, error_body("not_found", f"the library has no file `{path.rpartition('/')[2]}`"))


async def _answer_file(scope: HTTPScope, send: Send, file: Path, freshness: bytes) -> None:
    body, tag = _read(file)
    headers = [_MAP if file.suffix == ".map" else _SCRIPT, (b"cache-control", freshness), (b"etag", tag)]
    known = next((value for name, value in scope["headers"] if name == b"if-none-match"), b"")
    if tag in known:
        await answer(send, _NOT_MODIFIED, b"", headers)
    else:
        await answer(send, 200, body, headers)


@cache
def _read(file: Path) -> tuple[bytes, bytes]:
    """What is in it, and its entity tag."""
    body = file.read_bytes()
    return body, b'"%s"' % hashlib.sha256(body).hexdigest()[:16].encode()
