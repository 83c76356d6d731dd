"""The page that shows the OpenAPI document; it asks no other host for anything."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

from litestar import MediaType, Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.params import PathParameter

_STATIC: Final = Path(__file__).parent.parent / "static"
_PAGE: Final = _STATIC / "api-docs"
_SWAGGER_UI: Final = _STATIC / "vendor" / "swagger-ui"
_FILES: Final = {
    "page.css": (_PAGE / "page.css", "text/css"),
    "page.js": (_PAGE / "page.js", "text/javascript"),
    "swagger-ui.css": (_SWAGGER_UI / "swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": (_SWAGGER_UI / "swagger-ui-bundle.js", "text/javascript"),
}

SAFETY: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""What browsers are told of everything under `/api/docs`."""


class DocsPage(OpenAPIRenderPlugin):
    """Serves the page, its scripts and its styles."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)

    def render(self, _request: Request[Any, Any, Any], _openapi_schema: dict[str, Any]) -> bytes:
        return _read(_PAGE / "page.html")

    def receive_router(self, router: Router) -> None:
        router.register(_file)


@get("/files/{name:str}", sync_to_thread=False, include_in_schema=False)
def _file(name: Annotated[str, PathParameter()]) -> Response[bytes]:
    if name not in _FILES:
        raise NotFoundException
    path, media_type = _FILES[name]
    return Response(_read(path), media_type=media_type, headers={"Cache-Control": "public, max-age=3600"})


def refuse_others(response: Response[Any]) -> Response[Any]:
    """Litestar answers what is not there with a page of its own; this API has one form for that."""
    if response.status_code == NotFoundException.status_code:
        raise NotFoundException
    return response


@cache
def _read(path: Path) -> bytes:
    return path.read_bytes()
