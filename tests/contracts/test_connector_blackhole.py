"""The blackhole connector."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from connector_rig import Rig, closing, some

from assent.destinations.blackhole import Blackhole, BlackholeSettings


@asynccontextmanager
async def rig(folder: Path, **settings: Any) -> AsyncIterator[Rig]:
    connector = Blackhole(BlackholeSettings(**settings))
    async with closing(connector):
        yield Rig(connector, number=lambda: connector.taken)


@pytest.mark.asyncio
async def test_a_delay_slows_each_batch() -> None:
    connector = Blackhole(BlackholeSettings(delay=30))
    begun = perf_counter()
    assert await connector.send(some(3)) == [None] * 3
    assert perf_counter() - begun >= 0.029
