"""The catalogue: which connectors there are, and what settings each takes."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any

import msgspec
from litestar import get

from assent.app.api.bodies import Body, Data, failures
from assent.destinations.registry import CONNECTORS, connector_class


class ConnectorDetails(Body, frozen=True):
    """One kind of destination."""

    name: Annotated[str, msgspec.Meta(description="The `connector` of a destination.", examples=["webhook"])]
    title: str
    integration: Annotated[str, msgspec.Meta(description="Its key in the `integrations` object of an event.")]
    description: Annotated[str, msgspec.Meta(description="Markdown.")]
    icon: Annotated[str, msgspec.Meta(description="SVG.")]
    settings: Annotated[
        dict[str, Any], msgspec.Meta(description="A JSON schema of the settings. A secret is `writeOnly`.")
    ]


class ConnectorList(Body, frozen=True):
    """All connectors, by name."""

    connectors: Sequence[ConnectorDetails]


@get("/connectors", summary="The catalogue", operation_id="listConnectors", responses=failures(), sync_to_thread=True)
def list_connectors() -> Data[ConnectorList]:
    """Every kind of destination there is, with the settings that it takes."""
    return Data(ConnectorList([_details(one) for one in sorted(CONNECTORS)]))


@cache
def _details(name: str) -> ConnectorDetails:
    connector = connector_class(name)
    (_reference,), schemas = msgspec.json.schema_components([connector.settings_type])
    schema = schemas.pop(connector.settings_type.__name__)
    return ConnectorDetails(
        name,
        connector.title,
        connector.integration,
        connector.description,
        connector.icon,
        {**schema, **({"$defs": schemas} if schemas else {})},
    )
