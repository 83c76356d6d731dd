"""`assent serve`: one process with gateway, settings for browser libraries, management API and delivery."""

import logging
from pathlib import Path

import uvicorn
import uvloop

from assent.app.api import create_api
from assent.app.asgi import Application
from assent.app.config import Config
from assent.app.wiring import Server, now
from assent.app.workspace_file import load
from assent.app.workspaces import apply

_GRACE_SECONDS = 10


def serve(config: Config, workspace: Path | None, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight.

    A workspace file that differs from the version in force is applied first. Raises InvalidWorkspace, and Conflict when
    another server runs on the same data directory.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    uvloop.run(_serve(config, workspace, host, port))


async def _serve(config: Config, workspace: Path | None, host: str, port: int) -> None:
    wanted = load(workspace) if workspace is not None else None
    server = Server(config)
    if wanted is not None:
        apply(server.stores, wanted, author="serve", comment=f"from {workspace}", at=now())
    options = uvicorn.Config(
        Application(server, create_api(server)),
        host=host,
        port=port,
        http="httptools",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    logging.getLogger("assent").info("listening on http://%s:%s, data in %s", host, port, config.data)
    await uvicorn.Server(options).serve()
