"""The ledger's cursor: what becomes a receipt, exactly once, and what is no news."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assent.delivery.hearing import Hearing
from assent.delivery.ledger import LedgerReader
from assent.domain.receipt import Method, Preference, Receipt, Subject
from assent.domain.record import CONSENT_UPDATE_EVENT, Record
from assent.log.sqlite import SqliteLog
from assent.store.database import open_database
from assent.store.ledger import Ledger, ReadOn
from assent.testing import a_record

GRANTED, DENIED, UNKNOWN, _CONFLICT = Preference
NOON = 1_767_268_800_000


class Rig:
    """A log and the ledger that reads it."""

    def __init__(self, directory: Path) -> None:
        self.engine = open_database(f"sqlite:///{directory / 'state.db'}")
        self.ledger = Ledger(self.engine)
        self.log = SqliteLog(directory / "log.db")
        self.reader = LedgerReader(self.log, self.ledger)
        self._sent = 0

    async def hear(self, *events: dict[str, Any], at: int = NOON) -> list[Receipt]:
        """Have these come in at once; the receipts that they left, the oldest first."""
        records = [self._record(one, at) for one in events]
        before = self.ledger.state().number
        await self.log.append(records, [])
        async with asyncio.timeout(10):
            await self.reader.wait(self.log.head - 1)
        found = self.ledger.receipts(100)
        return [one for one in reversed(found) if one.number > before]

    def _record(self, event: dict[str, Any], at: int) -> Record:
        self._sent += 1
        return a_record(f"e{self._sent}", at=at, event_type=event.get("type", "track"), **event)

    async def restart(self) -> None:
        await self.reader.stop()
        self.reader = LedgerReader(self.log, self.ledger)
        self.reader.start()


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    rig.reader.start()
    yield rig
    await rig.reader.stop()
    await rig.log.close()
    rig.engine.dispose()


def saying(preferences: object, user: str | None = None, device: str | None = "b1", **more: Any) -> dict[str, Any]:
    ids = {"userId": user, "anonymousId": device}
    return {**ids, "context": {"consent": {"categoryPreferences": preferences}}, **more}


def update(preferences: object, user: str | None = None, device: str | None = "b1") -> dict[str, Any]:
    return saying(preferences, user, device, type="track", event=CONSENT_UPDATE_EVENT)


async def test_the_first_thing_somebody_says_is_on_record_with_its_evidence(rig: Rig) -> None:
    [receipt] = await rig.hear(saying({"ads": False, "odd": "yes"}))
    assert receipt.said.preferences == {"ads": DENIED, "odd": UNKNOWN}
    assert receipt.said.method is Method.EVENT
    assert receipt.said.subject == Subject(None, "b1")
    assert receipt.said.offset == 0
    assert msgspec.json.decode(receipt.said.evidence)["context"]["consent"]["categoryPreferences"]["odd"] == "yes"


async def test_what_is_said_again_is_no_news_but_an_update_always_is(rig: Rig) -> None:
    assert len(await rig.hear(*[saying({"ads": True})] * 3)) == 1
    assert await rig.hear(saying({"ads": True})) == []
    [receipt] = await rig.hear(update({"ads": True}))
    assert receipt.said.method is Method.UPDATE
    assert receipt.said.complete
    await rig.restart()
    assert await rig.hear(saying({"ads": True})) == []
    assert len(await rig.hear(saying({"ads": False}))) == 1


async def test_an_event_without_consent_changes_nothing(rig: Rig) -> None:
    assert await rig.hear({"userId": "ann", "anonymousId": "b1"}) == []
    await rig.hear(saying({"ads": False}, "ann"))
    assert await rig.hear({"userId": "ann", "anonymousId": "b1"}) == []


async def test_a_browser_that_repeats_itself_does_not_undo_what_was_chosen_elsewhere(rig: Rig) -> None:
    await rig.hear(saying({"ads": True}, "ann", "laptop"))
    await rig.hear(update({"ads": False}, "ann", "phone"))
    assert await rig.hear(saying({"ads": True}, "ann", "laptop")) == []
    profile = rig.ledger.profile(Subject("ann"))
    assert profile is not None
    assert profile.preferences() == {"ads": DENIED}


async def test_signing_in_joins_browser_and_person(rig: Rig) -> None:
    await rig.hear(saying({"ads": False}))
    [joined] = await rig.hear({"type": "identify", "userId": "ann", "anonymousId": "b1"})
    assert joined.said.preferences == {}
    profile = rig.ledger.profile(Subject("ann"))
    assert profile is not None
    assert profile.preferences() == {"ads": DENIED}
    assert await rig.hear({"type": "identify", "userId": "ann", "anonymousId": "b1"}) == []


async def test_an_alias_joins_too(rig: Rig) -> None:
    await rig.hear(saying({"ads": False}))
    await rig.hear({"type": "alias", "userId": "ann", "previousId": "b1"})
    profile = rig.ledger.profile(Subject("ann"))
    assert profile is not None
    assert profile.preferences() == {"ads": DENIED}


async def test_who_was_silent_is_joined_once_there_is_something_to_join(rig: Rig) -> None:
    both = {"userId": "ann", "anonymousId": "b1"}
    assert await rig.hear(both) == []
    await rig.hear(saying({"ads": False}, None, "b1"))
    [joined] = await rig.hear(both)
    assert joined.said.subject == Subject("ann", "b1")


async def test_consent_that_cannot_be_read_is_on_record_as_such(rig: Rig) -> None:
    await rig.hear(saying({"ads": True}))
    [receipt] = await rig.hear(saying("granted"))
    assert not receipt.said.readable
    profile = rig.ledger.profile(Subject(None, "b1"))
    assert profile is not None
    assert profile.preferences() == {"ads": UNKNOWN}


async def test_the_words_in_which_somebody_was_asked_are_on_record(rig: Rig) -> None:
    event = saying({"ads": True})
    event["context"]["consent"] |= {"version": 2, "language": "de", "jurisdiction": "EU"}
    [receipt] = await rig.hear(event)
    assert msgspec.structs.astuple(receipt.said.notice) == ("2", "de", "EU")


async def test_when_the_clock_is_set_back_order_stays(rig: Rig) -> None:
    await rig.hear(saying({"ads": True}), at=NOON)
    [refused] = await rig.hear(update({"ads": False}), at=NOON - 3_600_000)
    assert refused.said.skew == 3_600_000
    profile = rig.ledger.profile(Subject(None, "b1"))
    assert profile is not None
    assert profile.preferences() == {"ads": DENIED}
    [granted] = await rig.hear(update({"ads": True}), at=NOON - 3_600_000 + 5_000)
    assert granted.said.skew == 3_600_000
    assert rig.ledger.profile(Subject(None, "b1")).preferences() == {"ads": GRANTED}  # type: ignore[union-attr]


async def test_what_happened_earlier_and_came_late_does_not_count_over_what_came_after(rig: Rig) -> None:
    def at(seconds: int, preferences: object) -> dict[str, Any]:
        return update(preferences) | {"timestamp": f"2026-01-01T11:00:{seconds:02}Z", "sentAt": "2026-01-01T12:00:00Z"}

    await rig.hear(at(20, {"ads": False}))
    await rig.hear(at(10, {"ads": True}))
    assert rig.ledger.profile(Subject(None, "b1")).preferences() == {"ads": DENIED}  # type: ignore[union-attr]


async def test_nobody_says_today_what_they_choose_tomorrow(rig: Rig) -> None:
    [receipt] = await rig.hear(update({"ads": True}) | {"timestamp": "2099-01-01T00:00:00Z"})
    assert receipt.said.occurred_at == NOON


async def test_somebody_who_was_forgotten_and_comes_again_is_heard_again(rig: Rig) -> None:
    await rig.hear(saying({"ads": True}))
    rig.ledger.forget(["b1"], b"key")
    assert len(await rig.hear(saying({"ads": True}))) == 1


async def test_nothing_is_written_twice_by_two(rig: Rig) -> None:
    await rig.hear(saying({"ads": True}))
    rig.ledger.read_on([], ReadOn(1, 2, NOON, 0))
    await rig.log.append([rig._record(saying({"ads": False}), NOON)], [])
    await rig.log.append([rig._record(saying({"stats": False}), NOON)], [])
    async with asyncio.timeout(10):
        await rig.reader.wait(rig.log.head - 1)
    assert len(rig.ledger.receipts(10)) == 2
    assert rig.ledger.verify() is None


async def test_it_says_the_same_however_often_it_begins_anew(rig: Rig, tmp_path: Path) -> None:
    """What it remembers, and what it finds on disk after a crash, must not differ: also of events that came late."""
    chance = random.Random(1)
    choices: list[Any] = [None, {"ads": True}, {"ads": False, "stats": True}, {}, "unreadable"]
    records = []
    for number in range(400):
        choice, user = chance.choice(choices), chance.choice([None, "ann", "ben"])
        event = saying(choice, user, chance.choice(["b1", "b2"])) if choice is not None else {"userId": user or "ann"}
        records.append(rig._record(event, NOON + number // 3 - chance.choice([0, 0, 2])))
    fresh = Ledger(open_database(f"sqlite:///{tmp_path / 'fresh.db'}"))
    Hearing(fresh).take_in(records, 0, 0)
    at = 0
    while at < len(records):
        page = records[at : at + chance.randint(1, 60)]
        Hearing(rig.ledger).take_in(page, at, at)
        at += len(page)
    assert [one.said for one in rig.ledger.export()] == [one.said for one in fresh.export()]


async def test_who_names_more_categories_than_there_can_be_says_nothing(rig: Rig) -> None:
    [receipt] = await rig.hear(saying({f"made up {number}": True for number in range(501)}))
    assert (receipt.said.readable, receipt.said.preferences) == (False, {})
    for page in range(3):
        await rig.hear(saying({f"{page} {number}": True for number in range(400)}))
    profile = rig.ledger.profile(Subject(None, "b1"))
    assert profile is not None
    assert len(profile.answers) == 1_000


async def test_an_id_may_be_long(rig: Rig) -> None:
    device = "b" * 5_000
    assert len(await rig.hear(saying({"ads": True}, "ann", device), saying({"ads": True}, "ann", device))) == 1
    assert rig.ledger.users_of(device) == ["ann"]


async def test_a_browser_that_says_global_privacy_control_is_on_record_with_it(rig: Rig) -> None:
    event = saying({"ads": False, "stats": True})
    event["context"]["consent"]["gpc"] = True
    [receipt] = await rig.hear(event)
    assert receipt.said.method is Method.SIGNAL
    assert msgspec.json.decode(receipt.said.evidence)["context"]["consent"]["gpc"] is True
    assert await rig.hear(event) == []
