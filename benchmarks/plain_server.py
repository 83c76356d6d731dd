"""What one would write first, to compare with: `python -m benchmarks.plain_server KIND PORT DIRECTORY`.

`unread` answers without a look at the request: what uvicorn costs. `litestar` decodes JSON, judges consent in a loop
and commits one SQLite row a request.
"""

import sqlite3
import sys
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar, get, post

_START: Any = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"17")]}
_BODY: Any = {"type": "http.response.body", "body": b'{"success": true}'}


async def unread(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        return
    await receive()
    await send(_START)
    await send(_BODY)


def litestar(directory: Path) -> Litestar:
    db = sqlite3.connect(directory / "events.db", isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, body TEXT, destinations TEXT)")

    @post("/v1/track", status_code=200, sync_to_thread=False)
    def track(data: dict[str, Any]) -> dict[str, bool]:
        preferences = data.get("context", {}).get("consent", {}).get("categoryPreferences", {})
        granted = ",".join(one for one, value in preferences.items() if value is True)
        db.execute("INSERT INTO events (body, destinations) VALUES (?, ?)", (str(data), granted))
        return {"success": True}

    @get("/readyz", sync_to_thread=False)
    def ready() -> str:
        return "ready"

    return Litestar([track, ready])


if __name__ == "__main__":
    kind, port, directory = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    app: Any = unread if kind == "unread" else litestar(directory)
    uvicorn.run(app, port=port, http="httptools", loop="uvloop", access_log=False, log_level="error")
