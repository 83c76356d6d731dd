"""The delivery overview: what came in, what became of it, and why."""

import asyncio
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from assent.app.console.access import PageRequest
from assent.app.console.charts import KINDS, chart_json, sankey
from assent.app.console.pages import page, part
from assent.app.services.delivery_flow import delivery_flow
from assent.app.services.delivery_overview import (
    DIMENSIONS,
    WINDOWS,
    Bar,
    Dimension,
    Overview,
    breakdown,
    breakdown_csv,
    overview,
    wanted,
)
from assent.app.services.delivery_samples import MOST_SCANNED, Outcome, Wish, discard_samples, samples
from assent.app.services.fates import Fates
from assent.app.services.standings import standings
from assent.app.wiring import Server
from assent.domain.decision import Reason, Verdict, explain
from assent.domain.discards import DISCARDS
from assent.domain.errors import InvalidInput
from assent.domain.record import DiscardCode
from assent.domain.workspace import Workspace

_TITLES: Final[dict[Dimension, str]] = {
    "reason": "Reason",
    "destination": "Destination",
    "source": "Source",
    "event": "Event",
}

_Text: TypeAlias = Annotated[str, QueryParameter()]


@get("/delivery")
async def show_delivery(
    request: PageRequest,
    server: NamedDependency[Server],
    window: _Text = "24h",
    by: _Text = "reason",
    source: _Text = "",
    destination: _Text = "",
) -> Response[Any]:
    asked = wanted(window, source, destination)
    found = await overview(server, asked, _dimension(by))
    standing = await standings(server, asked.destination)
    return await asyncio.to_thread(
        page,
        request,
        server,
        "delivery/overview.html",
        found=found,
        standings=standing,
        windows=list(WINDOWS.values()),
        dimensions=_TITLES,
        shares=_shares(found),
        series_json=chart_json(_series(found.series)),
    )


@get("/delivery/flow")
async def show_flow(
    request: PageRequest,
    server: NamedDependency[Server],
    window: _Text = "24h",
    source: _Text = "",
    destination: _Text = "",
) -> Response[Any]:
    asked, keep = wanted(window, source, destination), server.config.keep
    flow = await delivery_flow(server, asked)
    return await asyncio.to_thread(
        part,
        request,
        "delivery/flow.html",
        flow=flow,
        flow_json=chart_json(sankey(flow)),
        titles={one.id: one.title for one in flow.nodes},
        kept_days=keep.days if keep.total_seconds() < asked.window.minutes * 60 else None,
        workspace_has_destinations=bool(server.in_force.version.workspace.destinations),
    )


@get("/delivery/samples")
async def show_samples(
    request: PageRequest,
    server: NamedDependency[Server],
    fates: NamedDependency[Fates],
    outcome: _Text = "withheld",
    reason: _Text = "",
    source: _Text = "",
    destination: _Text = "",
    window: _Text = "24h",
) -> Response[Any]:
    wish = _wish(outcome, reason, source, destination)
    found = await samples(server, fates, wish)
    verdict = Verdict.WITHHOLD if wish.outcome == "withheld" else Verdict.DELIVER
    why = f": {explain(verdict, wish.reason).title}" if wish.reason is not None else ""
    return await asyncio.to_thread(
        page,
        request,
        server,
        "delivery/samples.html",
        heading=f"Newest of {wish.outcome}{why}",
        outcome=wish.outcome,
        samples=found,
        discards=[],
        **_around_samples(server, window),
    )


@get("/delivery/discards")
async def show_discards(
    request: PageRequest,
    server: NamedDependency[Server],
    code: _Text,
    source: _Text = "",
    window: _Text = "24h",
) -> Response[Any]:
    if code not in set(DiscardCode):
        raise InvalidInput(f"there is no discard code `{code[:60]}`", field="code")
    found = await discard_samples(server, DiscardCode(code), source or None)
    return await asyncio.to_thread(
        page,
        request,
        server,
        "delivery/samples.html",
        heading=f"Newest of discarded: {DISCARDS[DiscardCode(code)].title}",
        outcome="discarded",
        samples=[],
        discards=found,
        **_around_samples(server, window),
    )


@get("/delivery.csv")
async def send_csv(
    server: NamedDependency[Server],
    window: _Text = "24h",
    by: _Text = "reason",
    source: _Text = "",
    destination: _Text = "",
) -> Response[str]:
    rows = await breakdown(server, wanted(window, source, destination), _dimension(by))
    headers = {"Content-Disposition": f'attachment; filename="delivery-{window}-by-{by}.csv"'}
    return Response(breakdown_csv(rows, _dimension(by)), media_type="text/csv", headers=headers)


# ---------------------------------------------------------------------------------------- what was asked for


def _dimension(by: str) -> Dimension:
    for one in DIMENSIONS:
        if one == by:
            return one
    raise InvalidInput(f"`{by[:20]}` is nothing to break down by: use {', '.join(DIMENSIONS)}", field="by")


def _wish(outcome: str, reason: str, source: str, destination: str) -> Wish:
    try:
        return Wish(
            msgspec.convert(outcome, Outcome), Reason(reason) if reason else None, source or None, destination or None
        )
    except (msgspec.ValidationError, ValueError):
        raise InvalidInput("there is no such reason or outcome") from None


# ---------------------------------------------------------------------------------------- what is shown


class _Names:
    """The titles of sources and destinations, removed ones by their ids."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def source(self, id_: str) -> str:
        found = self._workspace.source(id_)
        return found.title if found is not None else id_

    def destination(self, id_: str) -> str:
        found = self._workspace.destination(id_)
        return found.title if found is not None else id_


def _around_samples(server: Server, window: str) -> dict[str, Any]:
    return {
        "titles": _Names(server.in_force.version.workspace),
        "explain": explain,
        "most_scanned": MOST_SCANNED,
        "back": f"/delivery?{urlencode({'window': window})}",
    }


def _shares(found: Overview) -> dict[str, float]:
    """How long the bar of each step is, of a hundred: of all that was received, then of all that was decided."""
    events = {one.name: one.events for one in found.steps}
    received = events["received"]
    settled = sum(count for name, count in events.items() if name not in ("received", "failed_on_ingest"))
    wholes = {"received": received, "failed_on_ingest": received}
    return {name: round(100 * count / (wholes.get(name, settled) or 1), 2) for name, count in events.items()}


def _series(bars: list[Bar]) -> dict[str, Any]:
    return {
        "at": [one.at for one in bars],
        "bars": [
            {"title": name.capitalize(), "kind": kind, "values": [getattr(one, name) for one in bars]}
            for name, kind in KINDS.items()
        ],
    }


DELIVERY_PAGES: Final = [show_delivery, show_flow, show_samples, show_discards, send_csv]
