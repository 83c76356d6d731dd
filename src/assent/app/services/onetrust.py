"""What OneTrust tells of a person: its event *Data Subject Profile Updated*, or a consent receipt, as a choice."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from assent.app.services.ledger import Choice
from assent.domain.errors import InvalidInput
from assent.domain.receipt import Notice, Preference, Subject
from assent.domain.workspace import Category
from assent.signals.reading import Answer, together

SOURCE: Final = "onetrust"

_TOOL: Final = "onetrust:"
_GRANTED: Final = ("ACTIVE", "ALWAYS_ACTIVE", "CONFIRMED")
_DENIED: Final = ("WITHDRAWN", "OPT_OUT", "HARD_OPT_OUT", "NO_CONSENT", "NOTGIVEN")
_MEANINGS: Final = {**dict.fromkeys(_GRANTED, Answer.GRANTED), **dict.fromkeys(_DENIED, Answer.DENIED)}
"""What counts as an answer. All else is unknown, such as PENDING, EXPIRED and what OneTrust may add."""


def is_event(document: Any) -> bool:
    """Whether it is an event of OneTrust, which has an id of its own."""
    return isinstance(document, dict) and isinstance(document.get("payload"), dict) and bool(document.get("eventId"))


def choice_of(document: Any, categories: Iterable[Category]) -> Choice | None:
    """What somebody chose, by the workspace's categories; None for a test, and for what names no purpose.

    Raises InvalidInput for what is neither an event nor a receipt, or names nobody.
    """
    if not isinstance(document, dict):
        raise InvalidInput("the body is no JSON object")
    if "payload" in document:
        return _event(document, categories)
    if "purposes" in document:
        return _receipt(document, categories)
    raise InvalidInput(
        "the body is nothing that OneTrust sends: it has neither `payload`, as an event, nor `purposes`, as a receipt"
    )


def _event(document: dict[str, Any], categories: Iterable[Category]) -> Choice | None:
    payload = document["payload"]
    if not isinstance(payload, dict):
        raise InvalidInput("`payload` is no JSON object", field="payload")
    statuses = _statuses(payload.get("profiles"), "profiles", "purposeId", _status_of_profile)
    contact = payload.get("contactFields")
    return _choice(
        _person(payload, "dataSubjectEmail"),
        statuses,
        categories,
        at=document.get("eventTime"),
        language=contact.get("Language") if isinstance(contact, dict) else None,
        # A contact has names, a password and a link to sign in with: nothing that proves a choice.
        evidence={**document, "payload": {name: value for name, value in payload.items() if name != "contactFields"}},
    )


def _receipt(document: dict[str, Any], categories: Iterable[Category]) -> Choice | None:
    statuses = _statuses(document["purposes"], "purposes", "Id", lambda purpose: purpose.get("TransactionType"))
    if document.get("test") is True:
        return None
    private = ("requestInformation", "dsDataElements")
    return _choice(
        _person(document, "identifier"),
        statuses,
        categories,
        at=document.get("interactionDate") or document.get("consentDate"),
        language=document.get("language"),
        evidence={name: value for name, value in document.items() if name not in private},
    )


def _choice(
    person: str,
    statuses: Mapping[str, Answer],
    categories: Iterable[Category],
    *,
    at: Any,
    language: Any,
    evidence: Any,
) -> Choice | None:
    if not statuses:
        return None
    return Choice(
        Subject(user_id=person),
        dict(_by_category(statuses, categories)),
        _time(at),
        notice=Notice(language=language if isinstance(language, str) else None),
        evidence=evidence,
    )


def _person(document: Mapping[str, Any], name: str) -> str:
    person = document.get(name)
    if not isinstance(person, str) or not person:
        raise InvalidInput(f"`{name}` names nobody: it is the identifier of the person, as a text", field=name)
    return person


def _statuses(purposes: Any, name: str, id_name: str, status_of: Callable[[dict[str, Any]], Any]) -> dict[str, Answer]:
    """The answer for each purpose; one that comes several times is granted where all of them grant it."""
    if not isinstance(purposes, list):
        raise InvalidInput(f"`{name}` is a list of purposes", field=name)
    found: dict[str, list[Answer]] = {}
    for purpose in purposes:
        id_ = purpose.get(id_name) if isinstance(purpose, dict) else None
        if not isinstance(id_, str) or not id_:
            raise InvalidInput(f"`{name}` has a purpose without `{id_name}`", field=name)
        status = status_of(purpose)
        found.setdefault(id_, []).append(_MEANINGS.get(str(status).upper(), Answer.UNKNOWN))
    return {id_: together(answers) for id_, answers in found.items()}


def _status_of_profile(profile: dict[str, Any]) -> Any:
    fields = profile.get("profileFields")
    return fields.get("TransactionStatus") if isinstance(fields, dict) else None


def _by_category(statuses: Mapping[str, Answer], categories: Iterable[Category]) -> Iterator[tuple[str, Preference]]:
    """What the purposes say of the categories that have them as signals, or are called like them.

    A category of several purposes is granted where all are; one of which nothing is said stays as it is. A purpose that
    is no category's is kept by its own id.
    """
    unclaimed = set(statuses)
    for category in categories:
        signals = [one.removeprefix(_TOOL) for one in category.signals if one.startswith(_TOOL)]
        purposes = [*signals, *([category.id] if category.id in statuses else [])]
        if any(one in statuses for one in purposes):
            yield category.id, Preference(together(statuses.get(one, Answer.UNKNOWN) for one in purposes))
            unclaimed.difference_update(purposes)
    yield from ((id_, Preference(statuses[id_])) for id_ in statuses if id_ in unclaimed)


def _time(text: Any) -> int | None:
    """When it was said; None, which is now, where that cannot be read: a refusal is not lost for it."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return int((time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp() * 1000)
