"""What connectors say about a workspace document: whether they exist, their integrations, their settings."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from assent.destinations.registry import CONNECTORS, connector_class, read_settings
from assent.domain.errors import InvalidWorkspace
from assent.engine.shape import Mistake, Path, guess, shown


def integration_of(connector: str) -> str:
    """The public name of a connector; none for a destination without one."""
    return connector_class(connector).integration if connector else ""


def connector_mistakes(document: Any) -> Iterator[Mistake]:
    """Unknown connectors of a workspace document (parsed JSON), and settings that theirs cannot take.

    Needs no environment: a setting that takes its value from there (`$NAME`) is not looked into. No message repeats
    the value of a setting.
    """
    destinations = document.get("destinations") if isinstance(document, dict) else None
    for index, destination in enumerate(destinations if isinstance(destinations, list) else []):
        connector = destination.get("connector") if isinstance(destination, dict) else None
        if isinstance(connector, str) and connector:
            yield from _destination_mistakes(("destinations", index), connector, destination.get("settings", {}))


def _destination_mistakes(path: Path, connector: str, settings: Any) -> Iterator[Mistake]:
    if connector not in CONNECTORS:
        wrong = shown((), connector)
        yield Mistake((*path, "connector"), f"{wrong} is no connector{guess(connector, 'connectors', [*CONNECTORS])}")
    elif isinstance(settings, dict):
        wrong_keys = list(_key_mistakes(path, connector, settings))
        yield from wrong_keys or _value_mistakes(path, connector, settings)


def _key_mistakes(path: Path, connector: str, settings: dict[str, Any]) -> Iterator[Mistake]:
    fields = msgspec.structs.fields(connector_class(connector).settings_type)
    allowed = [field.encode_name for field in fields]
    for key in settings:
        if key not in allowed:
            advice = guess(key, f"settings of `{connector}`", allowed)
            yield Mistake((*path, "settings", key), f"{shown((), key)} is no setting{advice}")
    for field in fields:
        if field.required and field.encode_name not in settings:
            yield Mistake((*path, "settings"), f"`{connector}` needs the setting `{field.encode_name}`")


def _value_mistakes(path: Path, connector: str, settings: dict[str, Any]) -> Iterator[Mistake]:
    """The first wrong value among those that are written out; the others come last, where they hide none."""
    written_first = sorted(settings, key=lambda key: _takes_variable(settings[key]))
    try:
        read_settings(connector, {key: _literally(settings[key]) for key in written_first}, {})
    except InvalidWorkspace as error:
        field = error.field or "settings"
        key = re.split(r"[.\[]", field.removeprefix("settings."))[0]
        if not _takes_variable(settings.get(key)):
            yield Mistake((*path, "settings", key), error.message.removeprefix(f"`{field}`: "))


def _takes_variable(value: Any) -> bool:
    return bool(value != _literally(value))


def _literally(value: Any) -> Any:
    """The value with `$NAME` as a text of its own."""
    if isinstance(value, Mapping):
        return {key: _literally(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_literally(one) for one in value]
    return f"${value}" if isinstance(value, str) and re.fullmatch(r"\$[A-Za-z_][A-Za-z0-9_]*", value) else value
