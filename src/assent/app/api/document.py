"""The OpenAPI document of the management API, exact to what is encoded and decoded."""

from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Example,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

_REFERENCE: Final = "#/components/schemas/{name}"

EVENT_EXAMPLE: Final = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u-17",
    "messageId": "a-1",
    "context": {"consent": {"categoryPreferences": {"analytics": True, "advertising": False}}},
}
_WORKSPACE_EXAMPLE: Final = {
    "workspace": "Shop",
    "consent": {"categories": [{"id": "analytics", "name": "Analytics", "destinations": ["warehouse"]}]},
    "sources": [{"id": "website", "write_key": "web-key"}],
    "destinations": [
        {
            "id": "warehouse",
            "connector": "webhook",
            "settings": {"url": "https://warehouse.example/events", "secret": "$WAREHOUSE_SECRET"},
        }
    ],
}


class _Written(Schema):
    """A schema that is already as it should be written."""

    def __init__(self, written: dict[str, Any]) -> None:
        super().__init__()
        self._written = written

    def to_schema(self) -> dict[str, Any]:
        return self._written


class StructSchemas(OpenAPISchemaPlugin):
    """Describes structs as msgspec encodes and decodes them; Litestar's own description leaves half of that out.

    `components` are those that the routes described so far need.
    """

    def __init__(self) -> None:
        self.components: dict[str, Any] = {}

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        return not field_definition.is_union and field_definition.is_subclass_of(msgspec.Struct)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: object) -> Schema:
        del schema_creator  # Litestar's own description of the fields
        (reference,), components = msgspec.json.schema_components(
            [field_definition.annotation], ref_template=_REFERENCE
        )
        for name, schema in components.items():
            described = {"description": cleandoc(schema["description"])} if "description" in schema else {}
            self.components[name] = {**schema, **described}
        return _Written(reference)


class OpenApiJson(JsonRenderPlugin):
    """Serves the document at `openapi.json`."""

    def __init__(self, schemas: StructSchemas) -> None:
        super().__init__(path="/openapi.json")
        self._schemas = schemas

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        components = {**openapi_schema["components"], "schemas": self._schemas.components}
        paths = {
            path: {method: _tidy(operation) for method, operation in item.items()}
            for path, item in openapi_schema["paths"].items()
        }
        return self.render_json(request, {**openapi_schema, "paths": paths, "components": components})


def _tidy(operation: dict[str, Any]) -> dict[str, Any]:
    """Says of a good answer what it is, and of parameters what Python's None hides."""
    responses = operation["responses"]
    return {
        **operation,
        "parameters": [_without_null(one) for one in operation.get("parameters", ())],
        "responses": {**responses, "200": {**responses["200"], "description": f"{operation['summary']}."}},
    }


def _without_null(parameter: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out, it cannot be null."""
    schema = dict(parameter["schema"])
    options = [one for one in schema.pop("oneOf", ()) if one != {"type": "null"}]
    if None in schema.get("enum", ()):
        schema |= {"type": "string", "enum": [one for one in schema["enum"] if one is not None]}
    return {**parameter, "schema": {**(options[0] if options else {}), **schema}}


_WORKSPACE: Final = _Written({"$ref": _REFERENCE.format(name="Workspace")})


@dataclass
class WorkspaceBody(Operation):
    """An operation whose body is the workspace document, as JSON or YAML."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            required=True,
            content={
                "application/json": OpenAPIMediaType(
                    schema=_WORKSPACE, examples={"shop": Example(value=_WORKSPACE_EXAMPLE)}
                ),
                "application/yaml": OpenAPIMediaType(
                    schema=_WORKSPACE, examples={"shop": Example(value=_WORKSPACE_EXAMPLE)}
                ),
            },
        )


@dataclass
class WorkspaceAnswer(Operation):
    """An operation that answers with the workspace document as YAML."""

    def __post_init__(self) -> None:
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse):
            answer.content = {"application/yaml": OpenAPIMediaType(schema=_WORKSPACE)}


@dataclass
class ReceiptsFile(Operation):
    """An operation that answers with a file of receipts, as CSV or as JSON lines."""

    def __post_init__(self) -> None:
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse):
            text = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
            answer.content = {"text/csv": text, "application/jsonl": text}


@dataclass
class EventBody(Operation):
    """An operation whose body is one event."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            required=True,
            description="One event in Segment's format.",
            content={
                "application/json": OpenAPIMediaType(
                    schema=Schema(type=OpenAPIType.OBJECT),
                    examples={"refused advertising": Example(value=EVENT_EXAMPLE)},
                )
            },
        )
