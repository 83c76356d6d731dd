"""A server's parts together: what is in force is followed, and what fails for a while is done later."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from assent.app.config import Config
from assent.app.wiring import Server, open_stores
from assent.domain.errors import Conflict
from assent.domain.workspace import Destination, Source, Workspace

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def a_server(directory: Path) -> AsyncIterator[Server]:
    server = Server(Config(data=directory))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def a_workspace(*destinations: str) -> Workspace:
    return Workspace(
        sources=(Source("web", "key"),),
        destinations=tuple(Destination(one, connector="blackhole") for one in destinations),
    )


async def until(condition: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + 20
    while not condition():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)


def delivers_to(server: Server) -> set[str]:
    return {one.destination for one in server.delivery.workers}


async def test_a_version_that_another_process_saves_comes_into_force(tmp_path: Path) -> None:
    async with a_server(tmp_path) as server:
        assert (server.in_force.number, server.sources, delivers_to(server)) == (0, {}, set())
        others = open_stores(tmp_path)
        others.versions.save(a_workspace("crm"), after=0, at=0, author="ann")
        await until(lambda: delivers_to(server) == {"crm"})
        assert server.in_force.number == 1
        assert list(server.sources) == ["key"]
        others.versions.save(a_workspace("ads"), after=1, at=0, author="ann")
        await until(lambda: delivers_to(server) == {"ads"})
        others.engine.dispose()


async def test_a_version_whose_workers_could_not_be_started_is_followed_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_server(tmp_path) as server:
        store = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
        store.execute("ALTER TABLE cursors RENAME TO gone")
        server.stores.versions.save(a_workspace("crm"), after=0, at=0, author="ann")
        await until(lambda: "cannot be read" in caplog.text)
        assert server.in_force.number == 1
        store.execute("ALTER TABLE gone RENAME TO cursors")
        store.close()
        await until(lambda: delivers_to(server) == {"crm"})


async def test_a_data_directory_has_one_server(tmp_path: Path) -> None:
    async with a_server(tmp_path):
        with pytest.raises(Conflict, match="another server is running"):
            Server(Config(data=tmp_path))
    async with a_server(tmp_path) as server:
        assert server.is_ready
    assert not server.is_ready
