"""What can be done at an address: the answer to OPTIONS."""

from typing import Any

from litestar import Request, Response
from litestar.routes import HTTPRoute


def answer_options(request: Request[Any, Any, Any]) -> Response[None] | None:
    """All methods of a path. Litestar's own answer knows only the first that was registered."""
    if request.method != "OPTIONS":
        return None
    template = request.scope["path_template"]
    here = [one for one in request.app.routes if isinstance(one, HTTPRoute) and one.path_format == template]
    methods = {method for route in here for method in route.methods}
    return Response(None, status_code=204, headers={"Allow": ", ".join(sorted(methods))})
