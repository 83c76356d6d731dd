"""What the rules that ask the ledger come to, at a real worker: and that it can be told afterwards, exactly."""

from pathlib import Path
from typing import Any

import msgspec
from delivery_rig import BUSY, Rig, a_rig, each, in_fast_time, seconds

from assent.app.services.fates import Fates
from assent.delivery.in_force import InForce
from assent.domain.decision import Reason, Verdict
from assent.domain.outcome import State
from assent.domain.receipt import Method, Preference, Statement, Subject
from assent.domain.workspace import Category, Consent, Destination, RuleOverrides, Workspace
from assent.engine.fate import Fate
from assent.log.interface import Found
from assent.testing import a_record


def a_workspace(**rules: Any) -> Workspace:
    ads = Category("ads", destinations=("pixel",))
    overrides = RuleOverrides(no_consent="withhold", **rules)
    return Workspace(
        consent=Consent("segment-ga", overrides, (ads,)), destinations=(Destination("pixel", connector="fake"),)
    )


async def send(rig: Rig, message_id: str, user: str, ads: bool | None = None) -> None:
    context = {} if ads is None else {"context": {"consent": {"categoryPreferences": {"ads": ads}}}}
    await rig.append(a_record(message_id, at=rig.now(), userId=user, **context))


async def choose(rig: Rig, user: str, ads: Preference) -> None:
    """As the API has it: the person said so elsewhere."""
    await rig.reader.caught_up()
    now = rig.now()
    said = Statement(Subject(user), {"ads": ads}, Method.API, "crm", now, now, b"{}")
    rig.ledger.add([said])


class _Versions:
    """The versions of a rig, as the store of versions has them."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def get(self, number: int) -> Any:
        return InForce(msgspec.structs.replace(self._rig._in_force.version, number=number), self._rig._policies[number])


async def fate(rig: Rig, offset: int) -> Fate:
    fates = Fates(rig.accounts, None, lambda: rig._in_force, rig.ledger)  # type: ignore[arg-type]
    fates._version = lambda number: _Versions(rig).get(number)  # type: ignore[assignment,method-assign]
    [record] = await rig.log.read(offset, 1)
    [found] = fates.between(offset, offset + 1).of(Found(offset, record))
    return found


@in_fast_time
async def test_an_event_without_consent_goes_by_what_its_person_said(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "pixel") as rig:
        await rig.put_in_force(a_workspace(unstamped_events="stamp"))
        await choose(rig, "ann", Preference.GRANTED)
        await choose(rig, "ben", Preference.DENIED)
        for number, user in enumerate(("ann", "ben", "nobody")):
            await send(rig, f"e{number}", user)
        await rig.settled_everything()
        [delivered] = rig.fakes["pixel"].delivered
        assert delivered["messageId"] == "e0"
        assert delivered["context"]["consent"] == {"categoryPreferences": {"ads": True}, "stampedBy": "assent"}
        reasons = [(await fate(rig, offset)).decision for offset in range(3)]
        assert [one and one.reason for one in reasons] == [
            Reason.CONSENTED,
            Reason.CATEGORY_DENIED,
            Reason.CONSENT_ABSENT,
        ]


@in_fast_time
async def test_why_stays_exact_whatever_is_said_afterwards(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "pixel") as rig:
        await rig.put_in_force(a_workspace(unstamped_events="stamp"))
        await choose(rig, "ann", Preference.GRANTED)
        await send(rig, "before", "ann")
        await rig.settled_everything()
        await choose(rig, "ann", Preference.DENIED)
        await send(rig, "after", "ann")
        await rig.settled_everything()
        assert rig.fakes["pixel"].delivered_ids == ["before"]
        decided = [await fate(rig, offset) for offset in range(2)]
        assert [one.state for one in decided] == [State.DELIVERED, State.WITHHELD]
        assert [one.decision.reason for one in decided if one.decision] == [Reason.CONSENTED, Reason.CATEGORY_DENIED]


@in_fast_time
async def test_what_an_event_said_before_is_known_when_the_next_is_decided(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "pixel") as rig:
        await rig.put_in_force(a_workspace(unstamped_events="stamp"))
        await rig.append(
            a_record("e0", at=rig.now(), userId="ann", context={"consent": {"categoryPreferences": {"ads": True}}}),
            a_record("e1", at=rig.now(), userId="ann"),
            a_record("e2", at=rig.now(), userId="ann", context={"consent": {"categoryPreferences": {"ads": False}}}),
            a_record("e3", at=rig.now(), userId="ann"),
        )
        await rig.settled_everything()
        assert rig.fakes["pixel"].delivered_ids == ["e0", "e1"]


@in_fast_time
async def test_by_default_nobody_is_asked(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "pixel") as rig:
        await rig.put_in_force(a_workspace())
        await choose(rig, "ann", Preference.GRANTED)
        await send(rig, "e0", "ann")
        await choose(rig, "ann", Preference.DENIED)
        await send(rig, "e1", "ann", ads=True)
        await rig.settled_everything()
        assert rig.fakes["pixel"].delivered_ids == ["e1"]


@in_fast_time
async def test_a_refusal_stops_what_is_waiting(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "pixel") as rig:
        await rig.put_in_force(a_workspace(revoked_since="newest"))
        rig.fakes["pixel"].answer = each(lambda _id: BUSY)
        await send(rig, "waits", "ann", ads=True)
        await rig.until(lambda: bool(rig.accounts.waiting()))
        await choose(rig, "ann", Preference.DENIED)
        await rig.settled_everything()
        assert rig.fakes["pixel"].delivered == []
        found = await fate(rig, 0)
        assert (found.state, found.decision and found.decision.reason) == (State.WITHHELD, Reason.SUBJECT_REVOKED)


@in_fast_time
async def test_a_refusal_counts_over_what_a_browser_still_stamps(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "pixel") as rig:
        await rig.put_in_force(a_workspace(revoked_since="newest"))
        await send(rig, "e0", "ann", ads=True)
        await rig.settled_everything()
        await choose(rig, "ann", Preference.DENIED)
        await send(rig, "e1", "ann", ads=True)
        await send(rig, "e2", "ben", ads=True)
        await rig.settled_everything()
        assert rig.fakes["pixel"].delivered_ids == ["e0", "e2"]
        found = await fate(rig, 1)
        assert found.decision is not None
        assert (found.decision.verdict, found.decision.reason) == (Verdict.WITHHOLD, Reason.SUBJECT_REVOKED)
        assert found.decision.categories == ("ads",)
        await seconds(1)


@in_fast_time
async def test_while_a_workspace_observes_no_refusal_since_withholds(tmp_path: Path) -> None:
    async with a_rig(tmp_path, "pixel") as rig:
        await rig.put_in_force(msgspec.structs.replace(a_workspace(revoked_since="newest"), observe=True))
        await choose(rig, "ann", Preference.DENIED)
        await send(rig, "e0", "ann", ads=True)
        await rig.settled_everything()
        assert rig.fakes["pixel"].delivered_ids == ["e0"]
