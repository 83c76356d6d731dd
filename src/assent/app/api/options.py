"""What a path answers to OPTIONS, where it has several methods: Litestar names only the one that was there first."""

from litestar import Response, route
from litestar.handlers import HTTPRouteHandler


def allowing(path: str, *methods: str) -> HTTPRouteHandler:
    """The route that names these methods; to be registered before theirs."""
    allowed = ", ".join(sorted(["OPTIONS", *methods]))

    @route(path, http_method="OPTIONS", status_code=204, include_in_schema=False, sync_to_thread=False)
    def options() -> Response[None]:
        return Response(None, status_code=204, headers={"Allow": allowed})

    return options
