"""A webhook that only counts: `python -m benchmarks.receiver PORT`; `GET /` answers how many events came, and when."""

import sys
import time
from typing import Any

import uvicorn

_count = 0
_first = _last = 0.0


async def app(scope: Any, receive: Any, send: Any) -> None:
    global _count, _first, _last
    if scope["type"] == "lifespan":
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["method"] == "POST":
        _last = time.monotonic()
        _first = _first or _last
        _count += body.count(b'"messageId"')
    answer = f"{_count} {_last - _first}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), http="httptools", loop="uvloop", access_log=False, log_level="error")
