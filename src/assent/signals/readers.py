"""All readers, and what they make of a page's cookies."""

from collections.abc import Sequence
from typing import Final

from assent.signals import (
    cookiebot,
    cookieyes,
    didomi,
    google,
    gpc,
    gpp,
    iubenda,
    ketch,
    klaro,
    onetrust,
    osano,
    sourcepoint,
    tcf,
    termly,
    trustarc,
    usercentrics,
)
from assent.signals.reading import Cookies, Reader, Reading

READERS: Final[Sequence[Reader]] = (
    onetrust.READER,
    cookiebot.READER,
    usercentrics.READER,
    didomi.READER,
    trustarc.READER,
    iubenda.READER,
    ketch.READER,
    osano.READER,
    cookieyes.READER,
    klaro.READER,
    termly.READER,
    sourcepoint.READER,
    tcf.READER,
    gpp.READER,
    gpc.READER,
    google.READER,
)
"""Where an object could be of two tools, the one whose objects are less alike to others' comes first."""


def find_reader(tool: str) -> Reader | None:
    """The reader of this tool."""
    return next((one for one in READERS if one.tool == tool), None)


def read_cookies(cookies: Cookies) -> list[Reading]:
    """What every tool says that wrote one of these cookies."""
    return [found for reader in READERS if (found := reader.read_cookies(cookies)) is not None]


def unread(cookies: Cookies) -> list[str]:
    """The names of the cookies that a tool owns and that could not be read."""
    return [
        name
        for reader in READERS
        if reader.cookies and reader.read_cookies(cookies) is None
        for name in cookies
        if reader.owns(name)
    ]
