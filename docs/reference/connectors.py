"""Every connector and its settings, from their settings types."""

from typing import Any

import msgspec

from assent.destinations.connector import secret_names
from assent.destinations.registry import CONNECTORS, connector_class
from reference.markdown import code, codes, page, table

_INTRODUCTION = """\
A connector is the code that sends to one kind of destination. A destination names its connector with `connector`, and
gives it `settings`. The *integration* is the connector's public name: the key of an event's `integrations` object,
unless the destination sets its own.

A setting marked *secret* is sealed before it is stored, and never appears in exports, plans, logs or errors. Any text
setting can be `$NAME`, which takes the environment's variable when events are delivered."""


def markdown() -> str:
    summary = table(
        ("Connector", "Integration", "Is"),
        (
            (f"[`{name}`](#{name})", connector_class(name).integration, _first_line(connector_class(name).__doc__))
            for name in CONNECTORS
        ),
    )
    return page("Connectors", _INTRODUCTION, summary, *map(_entry, CONNECTORS))


def _entry(name: str) -> str:
    connector = connector_class(name)
    heading = f"## {connector.title} {{ #{name} }}"
    facts = f"`connector: {name}`, integration `{connector.integration}`."
    return "\n\n".join((heading, facts, connector.description, _settings(name)))


def _settings(name: str) -> str:
    settings_type = connector_class(name).settings_type
    _, definitions = msgspec.json.schema_components([settings_type])
    properties = definitions[settings_type.__name__]["properties"]
    secret = secret_names(settings_type)
    required = {one.encode_name for one in msgspec.structs.fields(settings_type) if one.required}
    rows = [
        (
            f"`{key}`" + (" *(secret)*" if key in secret else ""),
            _type(schema),
            "required" if key in required else _default(schema),
            _means(schema),
        )
        for key, schema in properties.items()
    ]
    return table(("Setting", "Type", "Default", "Means"), rows)


def _type(schema: dict[str, Any]) -> str:
    kind = schema.get("type") or next(one["type"] for one in schema["anyOf"] if one.get("type") != "null")
    name = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "mapping"}.get(
        kind, kind
    )
    bounds = [
        f"{words} {schema[key]:,}"
        for key, words in (("minimum", "from"), ("exclusiveMinimum", "over"), ("maximum", "to"))
        if key in schema
    ]
    return " ".join([name, *bounds])


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "" if default in (None, {}) else code(msgspec.json.encode(default).decode())


def _means(schema: dict[str, Any]) -> str:
    examples = [msgspec.json.encode(one).decode() for one in schema.get("examples", [])]
    return schema["description"] + (f" For example {codes(examples)}." if examples else "")


def _first_line(docstring: str | None) -> str:
    return (docstring or "").strip().partition("\n")[0]
