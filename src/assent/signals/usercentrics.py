"""Usercentrics, versions 2 and 3: what its page gives, and what it keeps in the browser's storage."""

from collections.abc import Iterator
from typing import Any, Final

from assent.signals.reading import Answer, Cookies, Reader, Reading, agreed, answer, by_id
from assent.signals.text import json_of, list_of, object_of, time_of, word

_MEANINGS: Final = {"ALL_ACCEPTED": Answer.GRANTED, "ALL_DENIED": Answer.DENIED}
_ACTED: Final = {"EXPLICIT": True, "IMPLICIT": False}


def _read_cookies(cookies: Cookies) -> Reading | None:
    """What is stored has services only: their ids are those to map."""
    newer = object_of(object_of(json_of(cookies.get("ucData"))).get("consent"))
    older = object_of(json_of(cookies.get("uc_settings")))
    raw = {name: cookies[name] for name in READER.cookies if name in cookies}
    if isinstance(services := newer.get("services"), dict):
        pairs = [(id_, object_of(one)) for id_, one in services.items()]
        return Reading(
            tool="usercentrics",
            preferences=by_id((id_, answer(one.get("consent"))) for id_, one in pairs),
            names={id_: word(one["name"]) for id_, one in pairs if word(one.get("name"))},
            consent_id=word(newer.get("controllerId")),
            raw=raw,
        )
    if isinstance(listed := older.get("services"), list):
        found = [object_of(one) for one in listed]
        return Reading(
            tool="usercentrics",
            preferences=by_id((one.get("id"), answer(one.get("status"))) for one in found),
            at=max((at for one in found if (at := _last_time(one)) is not None), default=None),
            version=word(older.get("version")),
            consent_id=word(older.get("controllerId")),
            raw=raw,
        )
    return None


def _last_time(service: Any) -> int | None:
    history = list_of(service.get("history"))
    return time_of(object_of(history[-1]).get("timestamp")) if history else None


def _read_object(value: Any) -> Reading | None:
    """Version 3's `getConsentDetails()`, or version 2's list of services."""
    found = object_of(value)
    categories = found.get("categories")
    if isinstance(categories, dict) and any("state" in object_of(one) for one in categories.values()):
        return _read_details(found, categories)
    services = [object_of(one) for one in list_of(value) or list_of(found.get("services"))]
    by_category: dict[str, list[Answer]] = {}
    for one in services:
        if slug := word(one.get("categorySlug")):
            by_category.setdefault(slug, []).append(answer(object_of(one.get("consent")).get("status")))
    if not by_category:
        return None
    preferences = by_id((slug, agreed(answers)) for slug, answers in by_category.items())
    return Reading(tool="usercentrics", preferences=preferences, raw=value)


def _read_details(found: Any, categories: dict[str, Any]) -> Reading:
    consent = object_of(found.get("consent"))
    return Reading(
        tool="usercentrics",
        preferences=by_id(_states(categories)),
        explicit=_ACTED.get(word(consent.get("type"))),
        at=time_of(consent.get("updatedAt")),
        version=word(consent.get("version")),
        consent_id=word(consent.get("controllerId")),
        names={slug: word(one["name"]) for slug, one in categories.items() if word(object_of(one).get("name"))},
        raw=found,
    )


def _states(categories: dict[str, Any]) -> Iterator[tuple[str, Answer]]:
    """`SOME_ACCEPTED` is a group in which the person chose here and there: as a whole it is neither."""
    for slug, one in categories.items():
        yield slug, _MEANINGS.get(word(object_of(one).get("state")), Answer.UNKNOWN)


READER: Final = Reader("usercentrics", ("ucData", "uc_settings"), _read_cookies, _read_object)
