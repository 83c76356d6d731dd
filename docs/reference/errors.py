"""The tree of errors, as the library raises them and the server answers them."""

import inspect
from collections.abc import Iterator

from assent.domain import errors
from assent.domain.errors import AssentError, DeliveryError
from reference.markdown import block, code, page, table

_INTRODUCTION = """\
Everything that Assent reports is one of these. A message says what was wrong, with the wrong value in backticks, and
what to do. The library raises them. The tracking API answers `{"code": ..., "message": ...}`, the management API
`{"errors": [{"type", "message", "field"}]}`. A command prints the message on standard error."""


def markdown() -> str:
    tree = "\n".join(line for line in inspect.getdoc(errors).splitlines() if line.startswith("    "))
    rows = ((code(one.__name__), _status(one), _first_line(one)) for one in _all(AssentError))
    return page("Errors", _INTRODUCTION, block(inspect.cleandoc(tree)), table(("Error", "HTTP", "Means"), rows))


def _all(error: type[AssentError]) -> Iterator[type[AssentError]]:
    yield error
    for one in error.__subclasses__():
        if one.__module__ == errors.__name__:
            yield from _all(one)


def _status(error: type[AssentError]) -> str:
    return "" if issubclass(error, DeliveryError) else str(error.status)


def _first_line(error: type[AssentError]) -> str:
    return (inspect.getdoc(error) or "").partition("\n")[0]
