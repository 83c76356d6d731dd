"""Running the demo: receivers, gateway and visitors together, shown until it ends."""

import asyncio
import secrets
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias

import aiohttp
import msgspec
from rich.live import Live

from assent.app.cli.terminal import plain_console
from assent.app.demo.figures import read_figures
from assent.app.demo.gateway import running_gateway
from assent.app.demo.receivers import Receivers
from assent.app.demo.screen import Moment, Scene, page, table
from assent.app.demo.shop import NAME, OWNER, shop
from assent.app.demo.traffic import Traffic
from assent.app.services.sign_in import hash_password
from assent.app.wiring import Stores, now, open_stores
from assent.app.workspace_file import dump
from assent.domain.errors import AssentError, Conflict
from assent.domain.workspace import Workspace

Show: TypeAlias = Callable[[Moment], None]

_GLANCE_SECONDS: Final = 0.25
_PRINT_SECONDS: Final = 5.0
_RATE_SECONDS: Final = 5.0
_PASSWORD_BYTES: Final = 9


class Demo(msgspec.Struct, frozen=True):
    """What one run was asked for. It ends after `seconds` (None: when it is told to); `live` is on a terminal."""

    data: Path
    port: int
    seconds: float | None
    seed: int
    live: bool


def run(demo: Demo) -> None:
    """Run until the time is over, or SIGINT, SIGTERM or SIGHUP; then finish what is in flight."""
    asyncio.run(_run(demo))


async def _run(demo: Demo) -> None:
    stopping = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(one, stopping.set)
    async with Receivers() as receivers:
        workspace = shop(receivers.urls, demo.data)
        password, token = _prepare(demo.data, workspace)
        async with running_gateway(demo.data, demo.data / "workspace.yaml", demo.port) as url:
            traffic = Traffic(url, demo.seed)
            flow = asyncio.create_task(traffic.flow())
            try:
                with _shown(Scene(workspace, url, password, token), demo.live) as show:
                    await _watch(demo, url, traffic, show, stopping)
            finally:
                flow.cancel()
                await asyncio.wait([flow])
                receivers.relent()


def _prepare(data: Path, workspace: Workspace) -> tuple[str, str]:
    """Write the workspace file; an owner's password and an owner's token, both new.

    Raises Conflict for a directory with another workspace.
    """
    stores = open_stores(data)
    try:
        current = stores.current()
        if current.number and current.workspace.workspace != NAME:
            raise Conflict(f"`{data}` holds a workspace, which the demo would replace: give it a directory of its own")
        (data / "workspace.yaml").write_text(dump(workspace))
        return _password_of_owner(stores), stores.tokens.create("demo", "owner", at=now(), author="assent demo").text
    finally:
        stores.engine.dispose()


def _password_of_owner(stores: Stores) -> str:
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    known = stores.users.with_email(OWNER)
    if known is None:
        stores.users.add(OWNER, "Demo Owner", "owner", hash_password(password), at=now())
    else:
        stores.users.set_password(known.id, hash_password(password), at=now(), author="assent demo")
    return password


@contextmanager
def _shown(scene: Scene, live: bool) -> Iterator[Show]:
    """Show moments on one page of the terminal, or as tables one after the other."""
    if live:
        with Live(auto_refresh=False) as screen:
            yield lambda moment: screen.update(page(scene, moment), refresh=True)
    else:
        console = plain_console()
        console.print(f"Open {scene.url}/ and sign in as {OWNER} with the password {scene.password}")
        console.print(f"API token {scene.token} (owner)\n")
        yield lambda moment: console.print(table(scene, moment))


async def _watch(demo: Demo, url: str, traffic: Traffic, show: Show, stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    pause = _GLANCE_SECONDS if demo.live else _PRINT_SECONDS
    accepted: deque[tuple[float, int]] = deque([(0.0, 0)], maxlen=int(_RATE_SECONDS / pause) + 1)
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        while True:
            passed = loop.time() - began
            left = demo.seconds - passed if demo.seconds is not None else pause
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), max(0.0, min(left, pause)))
            figures = read_figures(await _metrics(session, url, demo.data))
            passed = loop.time() - began
            accepted.append((passed, figures.accepted))
            show(Moment(figures, traffic.answers, passed, _rate(accepted)))
            if stopping.is_set() or (demo.seconds is not None and passed >= demo.seconds):
                return


async def _metrics(session: aiohttp.ClientSession, url: str, data: Path) -> str:
    try:
        async with session.get(f"{url}/metrics") as response:
            return await response.text()
    except aiohttp.ClientError as error:
        raise AssentError(f"the gateway does not answer any more: {error}; see `{data / 'serve.log'}`") from None


def _rate(accepted: deque[tuple[float, int]]) -> float:
    (began, before), (ended, after) = accepted[0], accepted[-1]
    return (after - before) / (ended - began) if ended > began else 0.0
