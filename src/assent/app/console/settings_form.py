"""The form of a connector's settings, made from their type: its fields, what is in them, and what was typed."""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import inspect

from assent.app.console.forms import Form
from assent.destinations.connector import Settings, secret_names
from assent.domain.errors import InvalidInput

Kind: TypeAlias = Literal["text", "whole", "number", "switch", "choice", "lines", "rows"]

PREFIX: Final = "settings."
_is_variable = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*").fullmatch


class Setting(NamedTuple):
    """One field: `choices` are the values of a `choice` by the text that stands for them in the form."""

    name: str
    kind: Kind
    title: str
    description: str
    example: str
    is_required: bool
    is_secret: bool
    default: Any
    choices: Mapping[str, Any] = {}
    bounds: str = ""

    @property
    def key(self) -> str:
        """What the field is called in the form and in errors."""
        return f"{PREFIX}{self.name}"

    @property
    def standard(self) -> str:
        """The value that it has when it is left empty, as text."""
        return _text(self.default) if isinstance(self.default, str | int | float | Enum) else ""


class Row(NamedTuple):
    """One entry of a mapping. `saved` says where the value is from that is not shown."""

    name: str
    value: str
    saved: str = ""


class Filled(NamedTuple):
    """A field with what is in it; of a secret only `saved`: its `$NAME`, or `saved` for one that is sealed."""

    setting: Setting
    value: str = ""
    is_on: bool = False
    saved: str = ""
    rows: Sequence[Row] = ()


# -------------------------------------------------------------------------------------------- the fields


@cache
def settings_of(settings_type: type[Settings]) -> Sequence[Setting]:
    """The fields of a settings type, required ones first. Raises TypeError for a kind that no form has."""
    described = inspect.type_info(settings_type)
    if not isinstance(described, inspect.StructType):
        raise TypeError(f"{settings_type} is no struct")
    secret = secret_names(settings_type)
    fields = [_setting(one, one.encode_name in secret) for one in described.fields]
    return sorted(fields, key=lambda one: not one.is_required)


def _setting(field: inspect.Field, is_secret: bool) -> Setting:
    schema, plain = _unwrapped(field.type)
    kind, choices = _kind(plain)
    example = next(iter(schema.get("examples", ())), "")
    return Setting(
        name=field.encode_name,
        kind=kind,
        title=schema.get("title") or field.encode_name.replace("_", " ").capitalize(),
        description=schema.get("description", ""),
        example=_text(example) if isinstance(example, str | int | float) else "",
        is_required=field.required,
        is_secret=is_secret,
        default=None if field.default is msgspec.NODEFAULT else field.default,
        choices=choices,
        bounds=_bounds(plain),
    )


def _unwrapped(described: inspect.Type) -> tuple[dict[str, Any], inspect.Type]:
    """What is said about a type, the outermost first, and the type itself without None."""
    schema: dict[str, Any] = {}
    while True:
        if isinstance(described, inspect.Metadata):
            schema = {**(described.extra_json_schema or {}), **schema}
            described = described.type
        elif isinstance(described, inspect.UnionType):
            [described] = [one for one in described.types if not isinstance(one, inspect.NoneType)]
            if isinstance(described, inspect.BoolType):  # three answers: yes, no and none
                return schema, inspect.LiteralType((True, False))
        else:
            return schema, described


def _kind(plain: inspect.Type) -> tuple[Kind, Mapping[str, Any]]:
    match plain:
        case inspect.StrType():
            return "text", {}
        case inspect.IntType():
            return "whole", {}
        case inspect.FloatType():
            return "number", {}
        case inspect.BoolType():
            return "switch", {}
        case inspect.LiteralType():
            return "choice", {_text(one): one for one in plain.values}
        case inspect.EnumType():
            return "choice", {_text(one): one.value for one in plain.cls}
        case inspect.ListType() | inspect.VarTupleType() if isinstance(_unwrapped(plain.item_type)[1], inspect.StrType):
            return "lines", {}
        case inspect.DictType() if isinstance(_unwrapped(plain.value_type)[1], inspect.StrType):
            return "rows", {}
    raise TypeError(f"no form has a field for {plain}")


def _bounds(plain: inspect.Type) -> str:
    """What numbers are allowed, in words."""
    if not isinstance(plain, inspect.IntType | inspect.FloatType):
        return ""
    words = (("at least", plain.ge), ("more than", plain.gt), ("at most", plain.le), ("less than", plain.lt))
    return ", ".join(f"{word} {bound:,g}" for word, bound in words if bound is not None).capitalize()


# -------------------------------------------------------------------------------------------- what is in them


def filled_in(settings: Sequence[Setting], saved: Mapping[str, Any]) -> list[Filled]:
    """The form of settings that a version holds."""
    return [_filled(one, saved.get(one.name), saved.get(one.name)) for one in settings]


def typed_again(settings: Sequence[Setting], form: Form, saved: Mapping[str, Any]) -> list[Filled]:
    """The form as it was sent, but for secrets, which no page shows."""
    return [_typed_again(one, form, saved.get(one.name)) for one in settings]


def _filled(setting: Setting, value: Any, saved: Any) -> Filled:
    if setting.kind == "rows":
        kept = saved if isinstance(saved, Mapping) else {}
        entries = value.items() if isinstance(value, Mapping) else ()
        return Filled(setting, rows=[_row(setting, name, text, kept.get(name)) for name, text in entries])
    if setting.is_secret:
        return Filled(setting, saved=_kept(saved))
    if setting.kind == "switch":
        return Filled(setting, is_on=bool(setting.default if value is None else value))
    if setting.kind == "lines":
        return Filled(setting, value="\n".join(value or ()))
    return Filled(setting, value="" if value is None else _text(value))


def _typed_again(setting: Setting, form: Form, saved: Any) -> Filled:
    if setting.kind == "rows":
        kept = saved if isinstance(saved, Mapping) else {}
        rows = [_row(setting, name, value, kept.get(name)) for name, value in _rows(setting, form) if name or value]
        return Filled(setting, rows=rows)
    if setting.is_secret:
        return Filled(setting, saved=_kept(saved))
    if setting.kind == "switch":
        return Filled(setting, is_on=form.has(setting.key))
    return Filled(setting, value=form.text(setting.key))


def _row(setting: Setting, name: str, value: Any, saved: Any) -> Row:
    return Row(name, "", _kept(saved)) if setting.is_secret else Row(name, _text(value))


def _kept(saved: Any) -> str:
    """How a secret that is saved may be named: a variable of the environment is none."""
    if not isinstance(saved, str) or not saved:
        return ""
    return saved if _is_variable(saved) else "saved"


def _text(value: Any) -> str:
    if isinstance(value, Enum):
        return _text(value.value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


# -------------------------------------------------------------------------------------------- what was typed


def read_settings_form(settings: Sequence[Setting], form: Form, saved: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a form asks for. A field left empty is left out; a secret left empty stays as it is saved.

    Raises InvalidInput for what is no number; all else is for the connector to check.
    """
    read = {one.name: _READERS[one.kind](one, form, saved.get(one.name)) for one in settings}
    return {name: value for name, value in read.items() if value is not None}


def _read_text(setting: Setting, form: Form, saved: Any) -> str | None:
    if not setting.is_secret:
        return form.text(setting.key) or None
    if form.has(f"{setting.key}.clear"):
        return None
    typed = form.raw(setting.key)
    return typed or (saved if isinstance(saved, str) else None)


def _read_whole(setting: Setting, form: Form, _: Any) -> int | None:
    text = form.text(setting.key)
    if text and not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise InvalidInput(f"`{text[:50]}` is no whole number", field=setting.key)
    return int(text) if text else None


def _read_number(setting: Setting, form: Form, _: Any) -> float | None:
    text = form.text(setting.key)
    if text and not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", text):
        raise InvalidInput(f"`{text[:50]}` is no number", field=setting.key)
    return (float(text) if "." in text else int(text)) if text else None


def _read_switch(setting: Setting, form: Form, saved: Any) -> bool | None:
    is_on = form.has(setting.key)
    return None if saved is None and is_on == setting.default else is_on


def _read_choice(setting: Setting, form: Form, _: Any) -> Any:
    text = form.text(setting.key)
    return setting.choices.get(text, text) if text else None


def _read_lines(setting: Setting, form: Form, _: Any) -> list[str] | None:
    return [one.strip() for one in form.text(setting.key).splitlines() if one.strip()] or None


def _read_rows(setting: Setting, form: Form, saved: Any) -> dict[str, str] | None:
    kept = saved if isinstance(saved, Mapping) else {}
    read: dict[str, str] = {}
    for name, value in _rows(setting, form):
        if not name and value:
            raise InvalidInput("a value is here without a name: name it, or clear it", field=setting.key)
        if name:
            read[name] = value or (kept.get(name, "") if setting.is_secret else "")
    return read or None


def _rows(setting: Setting, form: Form) -> list[tuple[str, str]]:
    names, values = form.texts(f"{setting.key}.name"), form.texts(f"{setting.key}.value")
    return [(name.strip(), value) for name, value in zip(names, values, strict=False)]


_READERS: Final[Mapping[Kind, Callable[[Setting, Form, Any], Any]]] = {
    "text": _read_text,
    "whole": _read_whole,
    "number": _read_number,
    "switch": _read_switch,
    "choice": _read_choice,
    "lines": _read_lines,
    "rows": _read_rows,
}
