"""Sending what the visitors do to the gateway, over real HTTP and in Segment's format."""

import asyncio
import base64
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec

from assent.app.demo.visitor import Answer
from assent.app.demo.visits import Step, calls


class Traffic:
    """The stream of visitors; `answers` counts what they did with the banner, `lost` requests without a 200."""

    def __init__(self, url: str, seed: int) -> None:
        self.answers: Counter[Answer] = Counter()
        self.lost = 0
        self._url = url
        self._seed = seed

    async def flow(self) -> None:
        """Send until cancelled; then what has been begun is still sent."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with aiohttp.ClientSession() as session:
            sending: set[asyncio.Task[None]] = set()
            try:
                for at, step in calls(self._seed):
                    await asyncio.sleep(max(0.0, began + at - loop.time()))
                    task = asyncio.create_task(self._send(session, step))
                    sending.add(task)
                    task.add_done_callback(sending.discard)
            finally:
                await asyncio.gather(*sending)

    async def _send(self, session: aiohttp.ClientSession, step: Step) -> None:
        if step.answer is not None:
            self.answers[step.answer] += 1
        user = base64.b64encode(f"{step.write_key}:".encode()).decode()
        headers = {"Authorization": f"Basic {user}", "Content-Type": "text/plain"}
        try:
            async with session.post(f"{self._url}{step.path}", data=_body(step), headers=headers) as response:
                self.lost += response.status != 200
        except (aiohttp.ClientError, TimeoutError):
            self.lost += 1


def _body(step: Step) -> bytes:
    """The body of a request: one event by itself, or a batch; the clock is the client's."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    events: list[dict[str, Any]] = [{**event, "timestamp": now} for event in step.events]
    root: dict[str, Any] = {"batch": events} if step.path in ("/v1/batch", "/v1/b") else events[0]
    return msgspec.json.encode({**root, "sentAt": now, "writeKey": step.write_key})
