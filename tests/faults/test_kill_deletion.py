"""Kill -9 of the server while it deletes somebody: it goes on where it was, and in the end nothing is left."""

import asyncio
import time
from pathlib import Path

from assent.app.services.regulations import Asked, regulate
from assent.app.wiring import now, open_log, open_log_snapshot, open_stores
from assent.domain.record import Record
from assent.domain.regulation import RegulationStatus, RegulationType, SubjectType
from assent.testing import a_record
from faults.fault_rig import SOURCES
from harness import Server, assert_accounts_balance, wait_until

ANN = "ann-4f81c7"
EVENTS = 30_000
KILLS = 3


def person(number: int) -> str:
    return ANN if number % 7 == 0 else f"person {number % 50}"


async def fill(data: Path) -> None:
    log = open_log(data)
    at = now()
    for start in range(0, EVENTS, 1_000):
        some = range(start, start + 1_000)
        records = [a_record(f"m-{one}", at=at, userId=person(one), properties={"n": one}) for one in some]
        await log.append(records, [])
    await log.close()


def kept(data: Path) -> list[Record]:
    log = open_log_snapshot(data)
    try:
        return [one for at in range(0, log.head, 500) for one in log.read(at, 500)]
    finally:
        log.close()


def test_a_deletion_goes_on_after_it_was_killed(tmp_path: Path) -> None:
    server = Server({"sources": SOURCES, "destinations": [{"id": "ads"}]}, tmp_path)
    server.data.mkdir(parents=True)
    asyncio.run(fill(server.data))
    before = kept(server.data)
    stores = open_stores(server.data)
    try:
        asked = Asked(RegulationType.DELETE_INTERNAL, SubjectType.USER_ID, (ANN,))
        made = regulate(stores, asked, author="test", at=now())
        interrupted = 0
        for kill in range(KILLS):
            server.start()
            time.sleep(0.15 * kill)  # at another point each time
            server.kill()
            interrupted += 0 < stores.regulations.get(made.id).position < EVENTS
        server.start()
        wait_until(lambda: stores.regulations.get(made.id).finished_at is not None, "it is over")
        done = stores.regulations.get(made.id)
        assert done.status is RegulationStatus.FINISHED
        assert interrupted, "no kill came while it looked through the log"
        server.stop()
    finally:
        stores.engine.dispose()
        server.kill()
        server.print_output()
    after = kept(server.data)
    assert [one.is_erased for one in after] == [person(number) == ANN for number in range(EVENTS)]
    others = [(one, other) for one, other in zip(before, after, strict=True) if not other.is_erased]
    assert all(one == other for one, other in others)
    assert [one.routing_key for one in before] == [one.routing_key for one in after]
    assert not [path.name for path in server.data.rglob("*") if path.is_file() and ANN.encode() in path.read_bytes()]
    assert_accounts_balance(server)
