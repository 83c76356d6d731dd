"""The demo's gateway: a real `assent serve`, in a process of its own."""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from assent.domain.errors import AssentError

_HOST: Final = "127.0.0.1"
_PATIENCE_SECONDS: Final = 30
_GOODBYE_SECONDS: Final = 30


def free_port(wanted: int) -> int:
    """The port that was wanted or, where somebody has it, another."""
    for port in (wanted, 0):
        try:
            with socket.create_server((_HOST, port)) as listener:
                return int(listener.getsockname()[1])
        except OSError:
            continue
    raise AssentError("there is no free port on 127.0.0.1")


@asynccontextmanager
async def running_gateway(data: Path, workspace: Path, port: int) -> AsyncIterator[str]:
    """Serve while inside; gives the URL. At the end the server finishes what is in flight.

    Its log lines go to `serve.log` in the data directory. Raises AssentError when it does not start.
    """
    url = f"http://{_HOST}:{port}"
    log = data / "serve.log"
    command = (sys.executable, "-m", "assent", "serve")
    options = ("--data", str(data), "--workspace", str(workspace), "--host", _HOST, "--port", str(port))
    with log.open("wb") as output:
        # In a group of its own: Ctrl-C is for the demo, which stops the visitors before the server.
        process = await asyncio.create_subprocess_exec(*command, *options, stderr=output, process_group=0)
    try:
        await _until_ready(process, url, log)
        yield url
    finally:
        await _stop(process)


async def _until_ready(process: Process, url: str, log: Path) -> None:
    """Wait for the line in which the server says where it listens: only that tells it from another on the same port."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while f"listening on {url}," not in await asyncio.to_thread(log.read_text):
            if process.returncode is not None:
                raise AssentError(f"the gateway did not start: {_last_line(log)}")
            await asyncio.sleep(0.1)


def _last_line(log: Path) -> str:
    return (log.read_text().strip().splitlines() or ["it says nothing"])[-1]


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _GOODBYE_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
