"""Two hundred thousand events: the list stays live and bounded, and every page about events is fast."""

import asyncio
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Locator, expect

from assent.app.wiring import now, open_log, open_stores
from assent.testing import a_record
from harness import wait_until
from harness.api import GRANTED, NO_ADVERTISING, Api, running_api
from harness.seat import Seat

MANY: Final = 200_000
A_COMMIT: Final = 10_000
FAST_SECONDS: Final = 0.2


@pytest.fixture
def api(tmp_path: Path, workspace: dict[str, Any]) -> Iterator[Api]:
    """A server that finds all these events in its log, none of them read yet."""
    with ThreadPoolExecutor(1) as aside:  # beside the loop that Playwright runs in this thread
        aside.submit(lambda: asyncio.run(fill(tmp_path / "data"))).result()
    stores = open_stores(tmp_path / "data")
    for one in workspace["destinations"]:
        stores.accounts.open(one["id"], 0)
    stores.engine.dispose()
    with running_api(tmp_path, workspace) as api:
        yield api


async def fill(data: Path) -> None:
    log = open_log(data)
    for first in range(0, MANY, A_COMMIT):
        await log.append([an_event(number) for number in range(first, first + A_COMMIT)], [])
    await log.close()


def an_event(number: int) -> Any:
    return a_record(
        f"many-{number}",
        source="website",
        at=now(),
        event=("Seen", "Bought")[number % 1000 == 0],
        userId=f"u-{number % 1000}",
        context={"consent": {"categoryPreferences": (GRANTED, NO_ADVERTISING)[number % 2]}},
    )


def are_all_read(api: Api) -> bool:
    return all(one.position == api.server.log.head for one in api.server.stores.accounts.cursors())


def rows(seat: Seat) -> Locator:
    return seat.page.locator("#rows tr")


def live(seat: Seat) -> Locator:
    return seat.page.locator("[data-live-said]")


def seconds_of(api: Api, seat: Seat, path: str) -> float:
    """How long the server takes for a page, the best of three."""
    cookies = {one["name"]: one["value"] for one in seat.context.cookies()}
    with httpx.Client(base_url=api.url, cookies={"assent_session": cookies["assent_session"]}) as client:
        taken = []
        for _ in range(3):
            started = time.perf_counter()
            assert client.get(path).status_code == 200
            taken.append(time.perf_counter() - started)
    return min(taken)


def test_with_many_events_every_page_is_fast(owner: Seat, api: Api) -> None:
    wait_until(lambda: are_all_read(api), "every destination has read them all", seconds=120)
    owner.go("/events")
    expect(rows(owner)).to_have_count(500)
    owner.press("Older events")
    expect(rows(owner)).to_have_count(500)
    expect(live(owner)).to_have_count(0)
    owner.press("To the newest")
    expect(live(owner)).to_have_text("Live")

    send_many_more = [
        {"type": "track", "messageId": f"more-{one}", "event": "More", "userId": "u"} for one in range(900)
    ]
    api.send("batch", {"batch": send_many_more})
    owner.sees(re.compile("more came in than are shown"))
    expect(rows(owner)).to_have_count(500)

    for path in (
        "/events",
        "/events?event=Bought",
        "/events?text=bought",
        "/events?reason=category_denied&destination=pixel",
        "/events?reason=sent_client_side",
        f"/events/many-{MANY // 2}",
        "/what-if",
    ):
        taken = seconds_of(api, owner, path)
        print(f"{path}: {taken * 1000:.0f} ms")
        assert taken < 5 * FAST_SECONDS, f"{path} takes {taken:.3f} s"
