"""The management API, under /api/v1."""

from litestar import Litestar

from assent.app.wiring import Server


def create_api(server: Server) -> Litestar:
    """The ASGI application of the management API."""
    return Litestar(route_handlers=[], path="/api", debug=False)
