"""Query parameters: what is misspelt must not pass for what was meant."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.typing import FieldDefinition

from assent.domain.errors import InvalidInput


def check_parameters(request: Request[Any, Any, Any]) -> None:
    """Raises InvalidInput for a query parameter that the route does not have (`userid` would else find everybody), one
    that is given twice, and a `null` where only text can be."""
    known = _known(request.route_handler)
    for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
        definition = known.get(name)
        if definition is None:
            allowed = f"; there are {', '.join(known)}" if known else ""
            raise InvalidInput(f"`{name[:50]}` is no parameter here{allowed}", field=name[:50])
        if times > 1 and not _takes(definition, list):
            raise InvalidInput(f"`{name}` is given {times} times: give it once", field=name)
        if request.query_params[name] == "null" and not _takes(definition, str):
            raise InvalidInput(f"`{name}` cannot be null: leave it out", field=name)


@cache
def _known(route: HTTPRouteHandler) -> Mapping[str, FieldDefinition]:
    """The parameters of a route by the names that callers know them by."""
    fields = route.parsed_fn_signature.parameters.values()
    return {
        field.kwarg_definition.name: field
        for field in fields
        if isinstance(field.kwarg_definition, QueryParameter) and field.kwarg_definition.name
    }


def _takes(definition: FieldDefinition, kind: type) -> bool:
    return any(one.is_subclass_of(kind) for one in (definition, *definition.inner_types))
