"""Running a server: its socket, its log lines, and how it begins and ends."""

import errno
import gc
import logging
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Final

import uvicorn
import uvloop

from assent.app.api import create_api
from assent.app.asgi import Application
from assent.app.cli.complaints import complain
from assent.app.config import Config
from assent.app.console import create_console
from assent.app.services.sign_in import welcome_link
from assent.app.services.workspaces import apply
from assent.app.wiring import Server, now
from assent.app.workspace_file import load
from assent.domain.workspace import Workspace

log = logging.getLogger("assent")

_GRACE_SECONDS: Final = 10
_BACKLOG: Final = 2048


class Http(uvicorn.Server):
    """uvicorn, which says where it listens once it does, and tells the server that it stops before it waits for answers
    that are under way: some would never end."""

    def __init__(self, config: uvicorn.Config, server: Server, announcement: str) -> None:
        super().__init__(config)
        self._server = server
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            log.info(self._announcement)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._server.stopping.set()
        await super().shutdown(sockets)


def run(config: Config, workspace: Path | None, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight.

    A workspace file that differs from the version in force is applied first. Raises InvalidWorkspace; Conflict when
    another server runs on the same data directory; OSError when the port or the directory cannot be had.
    """
    _log_to_stderr()
    for one in (signal.SIGTERM, signal.SIGINT):
        # uvicorn takes over while it serves, and at the end raises once more the signal that stopped it.
        signal.signal(one, lambda *_: sys.exit(0))
    wanted = load(workspace) if workspace is not None else None
    with _listen(host, port) as listener:
        uvloop.run(_serve(config, wanted, f"from {workspace}", listener))


def _log_to_stderr() -> None:
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )
    for chatty in ("alembic", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (")[0]
        advice = "; choose another with --port" if error.errno == errno.EADDRINUSE else ""
        raise OSError(error.errno, f"cannot listen on port {port} of `{host}`: {reason}{advice}") from None


async def _serve(config: Config, wanted: Workspace | None, comment: str, listener: socket.socket) -> None:
    server = Server(config)
    if wanted is not None:
        apply(server.stores, wanted, author="serve", comment=comment, at=now())
    options = uvicorn.Config(
        Application(server, create_api(server), create_console(server)),
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    if server.in_force.version.workspace.observe or (wanted is not None and wanted.observe):
        log.warning("OBSERVING: consent is decided and counted, but NOT enforced; `assent observe off` ends it")
    _collect_seldom()
    http = Http(options, server, f"listening on {_url(listener)}, data in {config.data}")
    _print_welcome(server, _url(listener))
    await http.serve([listener])
    if not http.started:
        complain("the server could not be started: the log lines above say why")


def _print_welcome(server: Server, url: str) -> None:
    """On standard output, not in the log: whoever has this link owns the workspace."""
    path = welcome_link(server.stores, at=now())
    if path is not None:
        print(f"Nobody owns this workspace yet. Open {url}{path} to become its owner; the link works once.", flush=True)


def _collect_seldom() -> None:
    """Leave what was built at the start out of garbage collection, and collect less often: records hold no cycles."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
