"""Whether a JSON document has the shape of a type: every place where it has not, and what is allowed there."""

import difflib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec import inspect

Path: TypeAlias = tuple[str | int, ...]

_LISTED: Final = 20
_SHOWN_CHARACTERS: Final = 60
_NEVER_SHOWN: Final = frozenset({"settings", "write_key"})


class Mistake(NamedTuple):
    """Something wrong in a document: where, and what is allowed there."""

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.path else self.message

    @property
    def field(self) -> str:
        """The path as people write it: `consent.categories[0].id`."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(steps).removeprefix(".")


def misfits(document: Any, wanted: type[msgspec.Struct]) -> Iterator[Mistake]:
    """Every place where `document` has not the shape of `wanted`; what is typed `Any` may be anything."""
    return _misfits((), document, inspect.type_info(wanted))


def shown(path: Path, value: Any) -> str:
    """A wrong value for a message: in backticks, short, and without what could be a secret or upset a terminal."""
    if _NEVER_SHOWN.intersection(path):
        return "the value"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    printable = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return f"`{printable if len(printable) <= _SHOWN_CHARACTERS else printable[:_SHOWN_CHARACTERS] + '…'}`"


def guess(wrong: str, what: str, allowed: Sequence[str]) -> str:
    """The end of a message: what was probably meant, and what is allowed."""
    if not allowed:
        return f"; there are no {what}"
    close = difflib.get_close_matches(wrong.lower(), [one.lower() for one in allowed], n=1)
    meant = next((one for one in allowed if one.lower() in close), None)
    surplus = len(allowed) - _LISTED
    listed = ", ".join(allowed[:_LISTED]) + (f" and {surplus} more" if surplus > 0 else "")
    return (f"; did you mean `{meant}`?" if meant else ";") + f" the {what} are {listed}"


def _misfits(path: Path, value: Any, wanted: inspect.Type) -> Iterator[Mistake]:
    if isinstance(wanted, inspect.UnionType):
        if value is not None:
            yield from _misfits(path, value, next(one for one in wanted.types if not _is_none(one)))
    elif check := _CHECKS.get(type(wanted)):
        if value is None:
            yield Mistake(path, "has no value; give it one, or leave the key out" if path else "is empty")
        else:
            yield from check(path, value, wanted)


def _is_none(wanted: inspect.Type) -> bool:
    return isinstance(wanted, inspect.NoneType)


def _struct_misfits(path: Path, value: Any, wanted: inspect.StructType) -> Iterator[Mistake]:
    names = [field.encode_name for field in wanted.fields]
    if not isinstance(value, dict):
        yield Mistake(path, f"must be a mapping; the keys are {', '.join(names)}")
        return
    for key in value:
        if key not in names:
            yield Mistake((*path, key), f"{shown((), key)} is no key here{guess(str(key), 'keys', names)}")
    for field in wanted.fields:
        if field.encode_name in value:
            yield from _misfits((*path, field.encode_name), value[field.encode_name], field.type)
        elif field.required:
            yield Mistake(path, f"the key `{field.encode_name}` is missing")


def _list_misfits(path: Path, value: Any, wanted: inspect.VarTupleType) -> Iterator[Mistake]:
    if not isinstance(value, list):
        yield Mistake(path, "must be a list")
        return
    for index, item in enumerate(value):
        yield from _misfits((*path, index), item, wanted.item_type)


def _mapping_misfits(path: Path, value: Any, _: inspect.DictType) -> Iterator[Mistake]:
    if not isinstance(value, dict):
        yield Mistake(path, "must be a mapping of keys to values")


def _text_misfits(path: Path, value: Any, _: inspect.StrType) -> Iterator[Mistake]:
    if isinstance(value, list | dict):
        yield Mistake(path, f"must be text, not a {'list' if isinstance(value, list) else 'mapping'}")
    elif not isinstance(value, str):
        kind = "true or false" if isinstance(value, bool) else "a number"
        yield Mistake(path, f"{shown(path, value)} is {kind}, and text is wanted; write it in quotes")


def _boolean_misfits(path: Path, value: Any, _: inspect.BoolType) -> Iterator[Mistake]:
    if not isinstance(value, bool):
        yield Mistake(path, f"{shown(path, value)} is not allowed; write true or false, without quotes")


def _choice_misfits(path: Path, value: Any, wanted: inspect.LiteralType) -> Iterator[Mistake]:
    if value not in wanted.values:
        allowed = [str(one) for one in wanted.values]
        wrong = shown(path, value)
        yield Mistake(path, f"{wrong} is not allowed{guess(wrong.strip('`'), 'choices', allowed)}")


_CHECKS: Final[dict[type[inspect.Type], Callable[[Path, Any, Any], Iterator[Mistake]]]] = {
    inspect.StructType: _struct_misfits,
    inspect.VarTupleType: _list_misfits,
    inspect.DictType: _mapping_misfits,
    inspect.StrType: _text_misfits,
    inspect.BoolType: _boolean_misfits,
    inspect.LiteralType: _choice_misfits,
}
