"""The public names of `import assent`."""

import inspect
import re
from enum import Enum
from typing import Any, Final

import assent
from reference.markdown import block, page

# What only those who work on Assent have: where the design says so.
_SOURCES: Final = re.compile(r" \([A-Z]+\.md, [^)]+\)")

_INTRODUCTION = """\
These names are the library. How to use them: [Decide inside your own code](../guide/library.md)."""


def markdown() -> str:
    return page("Library", _INTRODUCTION, *(_entry(name, getattr(assent, name)) for name in assent.__all__))


def _entry(name: str, what: Any) -> str:
    parts = [f"## `assent.{name}` {{ #{name} }}", _said_of(what)]
    if inspect.isfunction(what):
        parts.insert(1, _signature(name, what))
    elif issubclass(what, Enum):
        parts.append(", ".join(f"`{one.name}`" for one in what) + ".")
    elif fields := getattr(what, "__struct_fields__", ()):
        parts.append("Fields: " + ", ".join(f"`{one}`" for one in fields) + ".")
    parts += [_method(name, one) for one in _methods(what)]
    return "\n\n".join(parts)


def _methods(what: Any) -> list[Any]:
    """The documented public methods that a class adds itself."""
    if not inspect.isclass(what) or issubclass(what, Enum | Exception):
        return []
    own = (getattr(what, one) for one in vars(what) if not one.startswith("_"))
    return [one for one in own if inspect.isroutine(one) and one.__doc__ and one.__module__.startswith("assent")]


def _method(owner: str, method: Any) -> str:
    return f"{_signature(f'{owner}.{method.__name__}', method)}\n\n{_said_of(method)}"


def _signature(name: str, function: Any) -> str:
    """How it is called; types by their last name, as they are imported."""
    signature = re.sub(r"\b(?:\w+\.)+(?=\w)", "", str(inspect.signature(function)))
    return block(name + signature.replace("(self, ", "("), "python")


def _said_of(what: Any) -> str:
    return _SOURCES.sub("", inspect.cleandoc(what.__doc__ or ""))
