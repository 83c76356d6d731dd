"""Sourcepoint: `getCustomVendorConsents` of its `__tcfapi`, and what it keeps in the browser's storage."""

from collections.abc import Iterator
from typing import Any, Final

from assent.signals.reading import MOST_IDS, Answer, Cookies, Reader, Reading, agreed, answer, by_id
from assent.signals.text import json_of, list_of, object_of, time_of, word

_PREFIX: Final = "_sp_user_consent_"


def _read_cookies(cookies: Cookies) -> Reading | None:
    stored = ((one, object_of(json_of(one))) for name, one in cookies.items() if name.startswith(_PREFIX))
    found = ((text, _consent_of(object_of(one.get("gdpr")), text)) for text, one in stored)
    return next((reading for _, reading in found if reading is not None), None)


def _read_object(value: Any) -> Reading | None:
    found = object_of(value)
    return _consent_of(object_of(found.get("gdpr")) or found, value)


def _consent_of(found: Any, raw: Any) -> Reading | None:
    grants, listed = found.get("grants"), found.get("consentedPurposes")
    if not isinstance(grants, dict) and not isinstance(listed, list):
        return None
    purposes = [object_of(one) for one in list_of(listed)]
    vendors = [object_of(one) for one in list_of(found.get("consentedVendors"))]
    named = {word(one.get("_id")): word(one.get("name")) for one in (*purposes, *vendors)}
    return Reading(
        tool="sourcepoint",
        # The grants say what is refused, too; the list only what is granted.
        preferences=by_id(_granted(object_of(grants))) or by_id((one.get("_id"), Answer.GRANTED) for one in purposes),
        at=time_of(found.get("dateCreated")),
        consent_id=word(found.get("uuid")),
        names={id_: name for id_, name in named.items() if id_ and name},
        raw=raw,
    )


def _granted(grants: Any) -> Iterator[tuple[str, Answer]]:
    """The purposes, each by what its vendors were granted, and the vendors."""
    by_purpose: dict[str, list[Answer]] = {}
    vendors: list[tuple[str, Answer]] = []
    for id_, one in list(grants.items())[:MOST_IDS]:
        vendors.append((f"vendor {id_}", answer(object_of(one).get("vendorGrant"))))
        for purpose, given in list(object_of(object_of(one).get("purposeGrants")).items())[:MOST_IDS]:
            by_purpose.setdefault(purpose, []).append(answer(given))
    yield from ((purpose, agreed(answers)) for purpose, answers in by_purpose.items())
    yield from vendors


READER: Final = Reader("sourcepoint", (f"{_PREFIX}*",), _read_cookies, _read_object)
