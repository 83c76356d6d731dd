"""The consent ledger for API, console and command line: people, what they chose, and how it comes in."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from assent.app.wiring import Stores
from assent.domain.decision import Decision
from assent.domain.errors import InvalidInput, NotFound
from assent.domain.receipt import Method, Notice, Preference, Profile, Receipt, Statement, Subject
from assent.domain.regulation import SubjectId, SubjectType
from assent.domain.workspace import Destination, Workspace
from assent.engine.decide import decide
from assent.engine.restamp import with_answers

ID_CHARACTERS: Final = 1_000
MOST_AT_ONCE: Final = 1_000

_encode = msgspec.json.Encoder().encode


class Person(msgspec.Struct, frozen=True):
    """One person as the ledger knows them: by which ids, what counts now, and the newest receipts."""

    subject: Subject
    profile: Profile
    preferences: Mapping[str, Preference]
    users: Sequence[str]
    devices: Sequence[str]
    history: Sequence[Receipt]


class Choice(msgspec.Struct, frozen=True):
    """What somebody chose, as it was told by other ways than an event. Times are UTC epoch milliseconds."""

    subject: Subject
    preferences: dict[str, Preference]
    occurred_at: int | None = None
    complete: bool = False
    withdrawn: bool = False
    notice: Notice = Notice()
    evidence: Any = None


def look_up(stores: Stores, any_id: str, *, limit: int = 100) -> Person:
    """The person of a user id or an anonymous id. Raises NotFound where the ledger knows nothing of it."""
    subject = stores.ledger.subject(any_id)
    if subject is None:
        raise NotFound(f"the ledger knows nothing of `{any_id[:100]}`: no event, import or call has named it yet")
    return person(stores, subject, limit=limit)


def person(stores: Stores, subject: Subject, *, limit: int = 100) -> Person:
    """The person of these ids, an anonymous id's by whoever used it."""
    profile = stores.ledger.profile(subject) or Profile()
    users = [subject.user_id] if subject.user_id is not None else stores.ledger.users_of(subject.anonymous_id or "")
    known = [Subject(user_id=one) for one in users] or [subject]
    history = [receipt for one in known for receipt in stores.ledger.history(one, limit)]
    history.sort(key=lambda one: one.number, reverse=True)
    devices = {one.said.subject.anonymous_id for one in history} | set(profile.links)
    return Person(
        subject,
        profile,
        profile.preferences(stores.current().workspace.rules.joined_profiles),
        users,
        sorted(one for one in devices if one is not None),
        history[:limit],
    )


def meaning(workspace: Workspace, preferences: Mapping[str, Preference]) -> list[tuple[Destination, Decision]]:
    """What would become, at each destination, of an event that carries these preferences."""
    event = with_answers({}, {one: said is Preference.GRANTED for one, said in preferences.items() if is_answer(said)})
    rules, categories = workspace.rules, workspace.categories
    return [(one, decide(rules, categories, one, event)) for one in workspace.destinations]


def is_answer(preference: Preference) -> bool:
    return preference is not Preference.UNKNOWN


def record(stores: Stores, statements: Sequence[Statement], *, at: int, key: str) -> list[Receipt]:
    """Put what people chose on record. With an idempotency `key`, a second call changes nothing.

    Raises InvalidInput for somebody who is suppressed, and for a key that was used for something else.
    """
    if any(is_suppressed(stores, one) for one in statements):
        raise InvalidInput("this person is suppressed: nothing is put on record of them", field="userId")
    return stores.ledger.add(statements, key=key, at=at)


def is_suppressed(stores: Stores, said: Statement) -> bool:
    """Whether it is about somebody who is suppressed."""
    named = ((SubjectType.USER_ID, said.subject.user_id), (SubjectType.ANONYMOUS_ID, said.subject.anonymous_id))
    return stores.regulations.any_suppressed(SubjectId(kind, id_) for kind, id_ in named if id_ is not None)


def statement(choice: Choice, *, source: str, at: int, method: Method) -> Statement:
    """What a choice states. Raises InvalidInput."""
    _check(choice)
    return Statement(
        subject=choice.subject,
        preferences=choice.preferences,
        method=Method.WITHDRAWN if choice.withdrawn else method,
        source=source,
        occurred_at=at if choice.occurred_at is None else min(choice.occurred_at, at),
        received_at=at,
        evidence=_encode(choice.evidence if choice.evidence is not None else choice),
        complete=choice.complete or choice.withdrawn,
        notice=choice.notice,
    )


def _check(choice: Choice) -> None:
    subject = choice.subject
    if not subject.user_id and not subject.anonymous_id:
        raise InvalidInput("a choice needs a `userId` or an `anonymousId`", field="userId")
    for name, id_ in (("userId", subject.user_id), ("anonymousId", subject.anonymous_id)):
        if id_ is not None and not 0 < len(id_) <= ID_CHARACTERS:
            raise InvalidInput(f"`{name}` has 1 to {ID_CHARACTERS:,} characters, not {len(id_):,}", field=name)
    if choice.withdrawn and choice.preferences:
        raise InvalidInput(
            "what is withdrawn is refused as a whole: send `withdrawn` without `preferences`", field="withdrawn"
        )
    if not (choice.preferences or choice.complete or choice.withdrawn):
        raise InvalidInput(
            "`preferences` names no category: name what the person chose, or send `withdrawn`", field="preferences"
        )
    if Preference.CONFLICT in choice.preferences.values():
        raise InvalidInput("a person grants or denies; `conflict` is no answer", field="preferences")
