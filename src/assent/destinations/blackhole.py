"""The blackhole connector: takes everything and keeps nothing, for trials."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec

from assent.destinations.connector import Connector, Outcome, Outgoing, Settings
from assent.domain.regulation import SubjectId


class BlackholeSettings(Settings, frozen=True):
    """How slow a blackhole is."""

    delay: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            le=60_000,
            title="Delay",
            description="How many milliseconds each batch takes, to see what a slow destination does.",
            examples=[200],
        ),
    ] = 0


class Blackhole(Connector):
    """A receiver that takes every event and forgets it; `taken` counts them."""

    name: ClassVar = "blackhole"
    integration: ClassVar = "Blackhole"
    title: ClassVar = "Blackhole"
    description: ClassVar = "Takes every event and keeps none: for trials, where only the decisions matter."
    icon: ClassVar = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"'
        ' stroke-linecap="round"><circle cx="12" cy="12" r="3" fill="currentColor"/><path d="M12 5a7 7 0 0 1 7 7"/>'
        '<path d="M12 19a7 7 0 0 1-7-7"/><path d="M2 12a10 10 0 0 1 5-8.700M22 12a10 10 0 0 1-5 8.700"/></svg>'
    )
    settings_type: ClassVar = BlackholeSettings
    forgets: ClassVar = True

    batch_size = 1000
    concurrency = 1

    def __init__(self, settings: BlackholeSettings) -> None:
        self._delay = settings.delay / 1000
        self.taken = 0

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        await asyncio.sleep(self._delay)
        self.taken += len(batch)
        return [None] * len(batch)

    async def forget(self, people: Sequence[SubjectId], regulation: str) -> None:
        """There is nothing of anybody here."""

    async def close(self) -> None:
        """Nothing is open."""
