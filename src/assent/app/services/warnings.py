"""What deserves a warning about consent: in how the workspace is set up, and in what clients send."""

import asyncio
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

import msgspec

from assent.app.services.consent import DAYS, last_day, shares
from assent.app.services.last_day import pages_without_tool
from assent.app.wiring import Server
from assent.domain.workspace import Source, Workspace
from assent.engine.check import id_warnings, signal_warnings, unmapped_warnings
from assent.engine.consent_shares import ConsentShares, lookalike, undefined, unenforced

WarningKind: TypeAlias = Literal[
    "category_id",
    "id_differs_by_case",
    "no_consent_tool",
    "signal",
    "undefined_category",
    "unenforced",
    "unmapped_destination",
    "unreadable",
]

_MOST_UNDEFINED: Final = 10
_SHOWN_CHARACTERS: Final = 64


class ConsentWarning(msgspec.Struct, frozen=True):
    """What is probably not meant: a sentence, what to do about it, and the page of the console to do it on.

    `events` is how many it concerns, where that was counted; `category` the id that it is about, if it is about one.
    """

    kind: WarningKind
    message: str
    remedy: str
    page: str
    events: int | None = None
    category: str | None = None


async def find_consent_warnings(server: Server, week: ConsentShares | None = None) -> list[ConsentWarning]:
    """All warnings of the workspace in force, on what came in lately; those about most events first.

    `week` is what `shares` gave, for callers who have it.
    """
    workspace = server.in_force.version.workspace
    week = week if week is not None else await shares(server)
    day = await last_day(server)
    pages = await pages_without_tool(server)
    return await asyncio.to_thread(lambda: _all(workspace, week, unenforced(workspace, day), pages))


def _all(
    workspace: Workspace, week: ConsentShares, flowing: Mapping[str, int], pages: Mapping[str, int]
) -> list[ConsentWarning]:
    counted = [*_unenforced(workspace, flowing), *_unreadable(week), *_undefined(workspace, week)]
    counted.sort(key=lambda one: -(one.events or 0))
    return [*counted, *_without_tool(workspace, pages), *_of_the_workspace(workspace)]


def _unenforced(workspace: Workspace, flowing: Mapping[str, int]) -> Iterator[ConsentWarning]:
    if not workspace.categories:
        return
    for id_, events in flowing.items():
        source = workspace.source(id_)
        title = source.title if source is not None else id_
        yield ConsentWarning(
            "unenforced",
            f"in the last 24 hours {_events(events)} of the source `{title}` carried no consent object, and went to "
            "destinations without enforcement",
            "Add the consent object to the source, or set the rule for events without consent to withhold.",
            f"/privacy/consent/setup/sources?source={quote(id_)}",
            events,
        )


def _without_tool(workspace: Workspace, pages: Mapping[str, int]) -> Iterator[ConsentWarning]:
    for id_, count in pages.items():
        if source := workspace.source(id_):
            yield ConsentWarning(
                "no_consent_tool",
                f"in the last 24 hours {'1 page' if count == 1 else f'{count:,} pages'} of the source `{source.title}` "
                "had no consent tool in time: under opt-in nothing was sent from there, under opt-out nothing is "
                "consented to",
                "See with `assent.js?debug` on such a page whether the tool is there, and comes before the time is up.",
                f"/connections/sources/{quote(id_)}",
            )


def _unreadable(week: ConsentShares) -> Iterator[ConsentWarning]:
    if week.unreadable:
        yield ConsentWarning(
            "unreadable",
            f"in the last {DAYS} days {_events(week.unreadable)} carried consent that cannot be read, which counts as "
            "refused",
            "`context.consent.categoryPreferences` must be an object of booleans, and what a source is said to state "
            "consent by must be whole: mend the source.",
            "/privacy/consent/setup/sources",
            week.unreadable,
        )


def _undefined(workspace: Workspace, week: ConsentShares) -> Iterator[ConsentWarning]:
    for id_, events in islice(undefined(workspace, week).items(), _MOST_UNDEFINED):
        shown = id_[:_SHOWN_CHARACTERS]
        twin = lookalike(workspace, id_)
        if twin is not None:
            yield ConsentWarning(
                "id_differs_by_case",
                f"clients send the category `{shown}` ({_events(events)} in the last {DAYS} days), the workspace has "
                f"`{twin}`: ids are case-sensitive, so these are two categories, and the answer is not seen",
                f"Send `{twin}`, or change the id of the category to the one that clients send.",
                f"/privacy/consent/category?id={quote(twin, safe='')}",
                events,
                twin,
            )
        else:
            yield ConsentWarning(
                "undefined_category",
                f"clients send the category `{shown}` ({_events(events)} in the last {DAYS} days), which nobody "
                "defined: no destination asks for it",
                "Create the category if destinations should need it; otherwise there is nothing to do.",
                f"/privacy/consent/category/new?id={quote(shown, safe='')}",
                events,
                shown,
            )


def _of_the_workspace(workspace: Workspace) -> Iterator[ConsentWarning]:
    if not workspace.categories:
        return
    for message in unmapped_warnings(workspace):
        yield ConsentWarning(
            "unmapped_destination", message, "Map it to the categories that it serves.", "/privacy/consent/mapping"
        )
    for about, message in signal_warnings(workspace):
        yield ConsentWarning(
            "signal",
            message,
            "Say on the source how it states consent, and on the category what tools call it.",
            f"/connections/sources/{quote(about.id)}"
            if isinstance(about, Source)
            else f"/privacy/consent/category?id={quote(about.id, safe='')}",
        )
    for message in id_warnings(workspace):
        yield ConsentWarning(
            "category_id", message, "Compare the ids with those of your consent tool.", "/privacy/consent"
        )


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count:,} events"
