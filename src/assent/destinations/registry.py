"""Which connectors there are, and how the settings of a workspace file become theirs."""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import msgspec

from assent.destinations.connector import Connector, Settings, secret_names
from assent.domain.errors import InvalidWorkspace

# Imported by name, and only when asked for: who only decides needs no HTTP client.
CONNECTORS: Final[Mapping[str, str]] = {
    "blackhole": "assent.destinations.blackhole:Blackhole",
    "file": "assent.destinations.file:File",
    "segment": "assent.destinations.segment:Segment",
    "webhook": "assent.destinations.webhook:Webhook",
}

_VARIABLE: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_MSGSPEC_PATH: Final = re.compile(r"(?P<what>.*) - at (?:`key` in )?`\$(?P<path>[^`]*)`", re.DOTALL)


def connector_class(name: str) -> type[Connector]:
    """The connector of that name; raises InvalidWorkspace for an unknown one."""
    if name not in CONNECTORS:
        raise InvalidWorkspace(f"`{name}` is no connector: use one of {_listed(CONNECTORS)}", field="connector")
    module, _, class_name = CONNECTORS[name].partition(":")
    found: type[Connector] = getattr(import_module(module), class_name)
    return found


def secret_paths(name: str) -> frozenset[str]:
    """The top-level settings of that connector whose values are never shown."""
    return secret_names(connector_class(name).settings_type)


def read_settings(name: str, settings: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """The settings of that connector, checked; a text that is wholly `$NAME` is the environment's, `$$` is a dollar.

    Raises InvalidWorkspace, its field such as `settings.url`. INVARIANT: it never holds a value, which may be secret.
    """
    settings_type = connector_class(name).settings_type
    _check_keys(name, settings_type, settings)
    try:
        return msgspec.convert(_resolve(settings, environment, "settings"), settings_type)
    except msgspec.ValidationError as error:
        raise _mistake(settings_type, str(error)) from None


def _check_keys(name: str, settings_type: type[Settings], settings: Mapping[str, Any]) -> None:
    fields = msgspec.structs.fields(settings_type)
    allowed = [field.encode_name for field in fields]
    for key in settings:
        if key not in allowed:
            problem = f"`{key}` is no setting of `{name}`: use {_listed(allowed)}"
            raise InvalidWorkspace(problem, field=f"settings.{key}")
    for field in fields:
        if field.required and field.encode_name not in settings:
            problem = f"`{name}` needs the setting `{field.encode_name}`"
            raise InvalidWorkspace(problem, field=f"settings.{field.encode_name}")


def _resolve(value: Any, environment: Mapping[str, str], path: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _resolve(one, environment, f"{path}.{key}") for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_resolve(one, environment, f"{path}[{index}]") for index, one in enumerate(value)]
    if not isinstance(value, str):
        return value
    if value.startswith("$$"):
        return value[1:]
    variable = _VARIABLE.fullmatch(value)
    if variable is None:
        return value
    if variable[1] not in environment:
        problem = f"the environment has no `{variable[1]}`, which `{path}` takes: set it, or write `$$` for a dollar"
        raise InvalidWorkspace(problem, field=path)
    return environment[variable[1]]


def _mistake(settings_type: type[Settings], said: str) -> InvalidWorkspace:
    """What msgspec said, without the values and regular expressions that some of its texts hold."""
    found = _MSGSPEC_PATH.fullmatch(said)
    what, path = (found["what"], found["path"]) if found else (said, "")
    path = "settings" + path.replace("[...]", "")
    if "matching regex" in what:
        what = "not in the form it needs"
    elif what.startswith("Invalid enum value"):
        what = "not an allowed value"
    problem = f"`{path}`: {what[:1].lower()}{what[1:]}{_advice(settings_type, path)}"
    return InvalidWorkspace(problem, field=path)


def _advice(settings_type: type[Settings], path: str) -> str:
    """What the setting's own documentation says about it."""
    setting = path.removeprefix("settings.").split(".")[0].split("[")[0]
    _, definitions = msgspec.json.schema_components([settings_type])
    documented = definitions[settings_type.__name__]["properties"].get(setting, {})
    return f". {documented['description']}" if "description" in documented else ""


def _listed(names: Mapping[str, Any] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
