"""What the workspace in force would make of the last day's events, and the picture of it: for API and console."""

import asyncio

import msgspec

from assent.app.services.consent import last_day
from assent.app.services.delivery_flow import Flow, drawn
from assent.app.wiring import Server
from assent.domain.workspace import Version
from assent.engine.outlook import Outlook, outlook


class Review(msgspec.Struct, frozen=True):
    """The last 24 hours' events under one version: by destination and reason, and the way they would take."""

    version: Version
    outlook: Outlook
    flow: Flow


async def review(server: Server) -> Review:
    """Every event is decided anew by the version in force; nothing fails, because nothing is sent."""
    in_force = server.in_force
    counts = await last_day(server)

    def decide() -> Review:
        found = outlook(in_force.policy, counts)
        flow = drawn(in_force.version.workspace, found.links, {}, in_force.number, anew=True)
        return Review(in_force.version, found, flow)

    return await asyncio.to_thread(decide)
