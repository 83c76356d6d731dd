"""Scripts, styles and pictures of the console; each address names its content, so browsers keep it."""

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter

from assent.app.console.access import OPEN_TO_ALL

_STATIC: Final = Path(__file__).parent.parent / "static"
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOLDERS: Final = ("console", "vendor/tabler", "vendor/htmx", "vendor/htmx-sse", "vendor/echarts")
_FILES: Final = {
    path.relative_to(_STATIC).as_posix(): path
    for folder in _FOLDERS
    for path in (_STATIC / folder).iterdir()
    if path.suffix in _MEDIA_TYPES
}


def static(name: str) -> str:
    """The address of a file, such as `console/console.css`."""
    return f"/static/{name}?v={_digest(name)}"


@get("/static/{name:path}", opt={OPEN_TO_ALL: True}, sync_to_thread=True)
def serve_static(name: Annotated[str, PathParameter()], request: Request[Any, Any, Any]) -> Response[bytes]:
    known = _FILES.get(name.lstrip("/"))
    if known is None:
        raise NotFoundException
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    media_type = _MEDIA_TYPES[known.suffix]
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(_zipped(known), media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(_read(known), media_type=media_type, headers=headers)


@cache
def _digest(name: str) -> str:
    return hashlib.sha256(_read(_FILES[name])).hexdigest()[:12]


@cache
def _read(path: Path) -> bytes:
    return path.read_bytes()


@cache
def _zipped(path: Path) -> bytes:
    return gzip.compress(_read(path), mtime=0)
