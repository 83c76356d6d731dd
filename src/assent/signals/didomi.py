"""Didomi: the cookie `didomi_token`, and `Didomi.getCurrentUserStatus()`."""

from collections.abc import Iterator
from typing import Any, Final

from assent.signals.reading import Answer, Cookies, Reader, Reading, answer, by_id
from assent.signals.text import base64_json_of, list_of, object_of, time_of, word

_COOKIE: Final = "didomi_token"


def _read_cookies(cookies: Cookies) -> Reading | None:
    text = cookies.get(_COOKIE)
    token = base64_json_of(text)
    if not isinstance(token, dict) or "user_id" not in token:
        return None
    preferences = by_id([*_listed(token.get("purposes"), ""), *_listed(token.get("vendors"), "vendor ")])
    return Reading(
        tool="didomi",
        preferences=preferences,
        # The token is there from the first page on: only with answers in it did somebody answer.
        explicit=bool(preferences),
        at=time_of(token.get("updated")),
        version=word(token.get("version")),
        consent_id=word(token.get("user_id")),
        raw=text,
    )


def _listed(value: Any, prefix: str) -> Iterator[tuple[str, Answer]]:
    for name, given in (("enabled", Answer.GRANTED), ("disabled", Answer.DENIED)):
        for id_ in list_of(object_of(value).get(name)):
            if word(id_):
                yield f"{prefix}{word(id_)}", given


def _read_object(value: Any) -> Reading | None:
    found = object_of(value)
    purposes, vendors = object_of(found.get("purposes")), object_of(found.get("vendors"))
    if not any("enabled" in object_of(one) for one in purposes.values()):
        return None
    return Reading(
        tool="didomi",
        preferences=by_id([*_switches(purposes, ""), *_switches(vendors, "vendor ")]),
        at=time_of(found.get("updated")),
        consent_id=word(found.get("user_id")),
        raw=value,
    )


def _switches(things: Any, prefix: str) -> Iterator[tuple[str, Answer]]:
    for id_, one in things.items():
        yield f"{prefix}{id_}", answer(object_of(one).get("enabled"))


READER: Final = Reader("didomi", (_COOKIE,), _read_cookies, _read_object)
