"""The category finder: what a consent tool wrote, and which categories that would be."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from assent.app.api.bodies import Body, Data, failures
from assent.app.api.times import Time, time_text
from assent.app.services.category_scan import FoundId, ScannedTool, scan
from assent.app.wiring import Server
from assent.signals.reading import Answer


class ScanBody(Body, frozen=True, forbid_unknown_fields=True):
    """What to look through. It is not kept."""

    text: Annotated[
        str,
        msgspec.Meta(
            description="Cookies, the value of one, a TC or GPP string, or JSON that the tool gives in the browser.",
            examples=["OptanonConsent=consentId=5b1d&groups=C0001%3A1%2CC0004%3A0"],
        ),
    ]
    tool: Annotated[str, msgspec.Meta(description="The tool that it is probably of.", examples=["onetrust"])] = ""


class SuggestedCategory(Body, frozen=True):
    """A category to create, for `POST /categories`."""

    id: str
    name: str
    signals: Sequence[str]


class ScannedId(Body, frozen=True):
    """An id that the tool uses. `category` is the one that it is already, null where there is none."""

    id: str
    name: str
    answer: Answer
    category: str | None
    suggested: SuggestedCategory


class Scanned(Body, frozen=True):
    """What one consent tool wrote. `explicit` says whether somebody acted; null where that is not told."""

    tool: str
    title: str
    explicit: bool | None
    at: Time | None
    ids: Sequence[ScannedId]


class ScanResult(Body, frozen=True):
    """Every consent tool that was recognised."""

    tools: Sequence[Scanned]


@post(
    "/category-scan",
    status_code=200,
    summary="Find categories in what a consent tool wrote",
    operation_id="scanCategories",
    responses=failures(400, 413),
)
async def scan_categories(data: JSONBody[ScanBody], server: NamedDependency[Server]) -> Data[ScanResult]:
    """The tools that a text is of, their ids and names, and the categories to create for them. Nothing is changed."""
    workspace = server.in_force.version.workspace
    found = await asyncio.to_thread(scan, data.text, workspace, data.tool)
    return Data(ScanResult([_scanned(one) for one in found]))


def _scanned(one: ScannedTool) -> Scanned:
    at = time_text(one.at) if one.at is not None else None
    return Scanned(one.tool, one.title, one.explicit, at, [_id(each) for each in one.ids])


def _id(one: FoundId) -> ScannedId:
    suggested = SuggestedCategory(one.suggested.id, one.suggested.name, one.suggested.signals)
    return ScannedId(one.id, one.name, one.answer, one.category or None, suggested)
