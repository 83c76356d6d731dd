"""What scripts draw as charts, as JSON within a page."""

from typing import Any, Final

import msgspec
from markupsafe import Markup

from assent.app.services.delivery_flow import Flow
from assent.domain.outcome import State

KINDS: Final = {State.DELIVERED: "deliver", State.WITHHELD: "withhold", State.FAILED: "fail"}
"""What the colours of outcomes are called."""


def sankey(flow: Flow) -> dict[str, Any]:
    """The way that events take, as nodes and links."""
    return {
        "nodes": [one._asdict() for one in flow.nodes],
        "links": [
            {"from": one.start, "to": one.end, "kind": KINDS[one.outcome], "said": one.outcome, "value": one.events}
            for one in flow.streams
        ],
    }


def chart_json(value: Any) -> Markup:
    """JSON for a script of the page to read: nothing in it can end the element that it is in."""
    text = msgspec.json.encode(value).decode()
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - it holds no `<`
