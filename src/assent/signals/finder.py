"""Recognising what somebody pasted: cookies, a string of a standard, or what the browser's console printed."""

from collections.abc import Iterator
from typing import Any, Final

from assent.signals.gpp import READER as GPP
from assent.signals.readers import READERS, find_reader, read_cookies
from assent.signals.reading import Reader, Reading
from assent.signals.tcf import COOKIE as TC_STRING
from assent.signals.text import cookies_of, json_of

MOST_CHARACTERS: Final = 200_000
_COLUMNS_OF_A_COOKIE_FILE: Final = 7
_QUOTES: Final = "\"'`"


def find_readings(text: str, tool: str = "") -> list[Reading]:
    """What consent tools said in a text; nothing where it is not recognised. `tool` is the one it is probably of.

    A text may be a `Cookie` header or `document.cookie`, a cookie file, rows copied from the browser's list of cookies,
    the value of one cookie, a TC or GPP string, or JSON.
    """
    text = text[:MOST_CHARACTERS].strip()
    chosen = find_reader(tool)
    for one in (text, text.strip(_QUOTES).strip()):
        value = json_of(one)
        if isinstance(value, dict | list | bool):
            found = _objects(value, chosen) or (_alone(one, chosen) if chosen is not None else [])
        elif isinstance(value, str) and value != one:
            found = find_readings(value, tool)
        else:
            found = read_cookies(_cookies(one)) or _alone(one, chosen)
        if found:
            return found
    return []


def _objects(value: Any, chosen: Reader | None) -> list[Reading]:
    """The first reader that knows the object, the chosen one before all others."""
    readers = [one for one in (chosen, *READERS) if one is not None]
    return next(([found] for one in readers if (found := one.read_object(value)) is not None), [])


def _cookies(text: str) -> dict[str, str]:
    """Cookies by name, of whatever form of a list."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        columns = line.removeprefix("#HttpOnly_").split("\t")
        if len(columns) == _COLUMNS_OF_A_COOKIE_FILE:
            found.setdefault(columns[5], columns[6])
        elif len(columns) > 1:
            found.setdefault(columns[0].strip(), columns[1].strip())
        else:
            found |= cookies_of(line.removeprefix("Cookie:").removeprefix("cookie:"))
    return found


def _alone(text: str, chosen: Reader | None) -> list[Reading]:
    """A text that is one value: a string of a standard, or the value of a cookie whose name was not copied."""
    return next(([one] for one in _tried(text, chosen) if one is not None), [])


def _tried(text: str, chosen: Reader | None) -> Iterator[Reading | None]:
    yield GPP.read_cookies({GPP.cookies[0]: text})
    for reader in (chosen, *READERS):
        if reader is not None and reader.cookies and (reader is chosen or reader.cookies[0] != TC_STRING):
            yield reader.read_cookies({reader.cookies[0].replace("*", "0"): text})
    for reader in (chosen, *READERS):
        if reader is not None and (reader is chosen or reader.tool != "gpc"):
            yield reader.read_object(text)
    tcf = find_reader("tcf")
    yield tcf.read_cookies({TC_STRING: text}) if tcf is not None else None
