"""Entries of the audit trail in words: what each field is called, and what its values mean."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from assent.domain.trail import Entry

KINDS: Final[Mapping[str, str]] = {
    "category": "Categories",
    "destination": "Destinations",
    "mapping": "Mappings",
    "person": "Personal data",
    "regulation": "Deletions and suppressions",
    "rules": "Rules",
    "source": "Sources",
    "token": "Tokens",
    "user": "People",
    "workspace": "Workspace",
}

_FIELDS: Final = {
    "connector": "Connector",
    "consent_from": "Consent is read from",
    "destination": "Destination",
    "disabled_category": "A category that is switched off",
    "enabled": "Enabled",
    "events_erased": "Events erased",
    "held": "Held",
    "integration": "Integration",
    "integrations_object": "The integrations object, once consent is given",
    "name": "Name",
    "no_consent": "An event without consent",
    "people": "People (ids)",
    "preset": "Preset",
    "receives_consent_updates": "Gets consent updates",
    "role": "Role",
    "set_one_by_one": "Set one by one",
    "several_categories": "A destination in several categories",
    "settings": "Settings",
    "status": "State",
    "subject_type": "Known by",
    "type": "What",
    "signals": "What tools call it",
    "unmapped_destination": "A destination in no category",
    "unstamped_events": "An event without consent whose person is known",
    "revoked_since": "A refusal since",
    "joined_profiles": "Where joined profiles disagree",
}
_VALUES: Final = {
    ("disabled_category", "ignore"): "as if it did not exist",
    ("disabled_category", "withhold"): "withholds",
    ("integrations_object", "narrow"): "still narrows",
    ("integrations_object", "yield"): "has no say",
    ("status", "FINISHED"): "done",
    ("status", "INITIALIZED"): "asked for",
    ("status", "PARTIAL_SUCCESS"): "done here, but a destination failed",
    ("subject_type", "ANONYMOUS_ID"): "anonymous id",
    ("subject_type", "USER_ID"): "user id",
    ("type", "DELETE_INTERNAL"): "delete here only",
    ("type", "DELETE_ONLY"): "delete",
    ("type", "SUPPRESS_ONLY"): "suppress",
    ("type", "SUPPRESS_WITH_DELETE"): "suppress and delete",
    ("type", "SUPPRESS_WITH_DELETE_INTERNAL"): "suppress, and delete here only",
    ("type", "UNSUPPRESS"): "unsuppress",
    ("role", "member"): "Workspace Member",
    ("role", "owner"): "Workspace Owner",
    ("several_categories", "all"): "needs all of them",
    ("several_categories", "any"): "needs one of them",
    ("no_consent", "deliver"): "is delivered",
    ("no_consent", "withhold"): "is withheld",
    ("joined_profiles", "conflict"): "it is a conflict",
    ("joined_profiles", "latest"): "the latest counts",
    ("joined_profiles", "refusal_wins"): "the refusal counts",
    ("revoked_since", "newest"): "counts",
    ("revoked_since", "stamped"): "does not count",
    ("unstamped_events", "no_consent"): "is as one of nobody",
    ("unstamped_events", "stamp"): "gets their consent",
    ("unmapped_destination", "deliver"): "gets events",
    ("unmapped_destination", "withhold"): "gets no event that carries consent",
}
_NOTHING: Final = "none"


class Difference(NamedTuple):
    """One field: what it is called, what it was and what it is."""

    label: str
    before: str
    after: str


class Told(NamedTuple):
    """One entry, as the page shows it; `thing` is what it happened to, nothing where the action says it all."""

    number: int
    at: int
    author: str
    action: str
    thing: str
    version: int | None
    comment: str
    had_before: bool
    has_after: bool
    differences: list[Difference]


def in_words(entry: Entry) -> Told:
    said = entry.happening
    before, after = said.before or {}, said.after or {}
    return Told(
        entry.number,
        entry.at,
        entry.author,
        said.action,
        _thing(entry),
        entry.version,
        entry.comment,
        said.before is not None,
        said.after is not None,
        list(_differences(before, after)),
    )


def _thing(entry: Entry) -> str:
    said = entry.happening
    if said.kind in ("person", "rules", "workspace"):
        return ""
    if said.kind == "token":  # people know it by its name
        return str((said.after or said.before or {}).get("name", said.id))
    return said.id


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    names = [*before, *(one for one in after if one not in before)]
    for name in names:
        if name == "id":  # it is in the heading
            continue
        if name == "settings" and name in before and name in after:
            yield Difference("Settings that changed", *_changed(before[name], after[name]))
        else:
            yield Difference(_FIELDS.get(name, name), _text(name, before.get(name)), _text(name, after.get(name)))


def _changed(before: list[str], after: list[str]) -> tuple[str, str]:
    """The names of settings; their values are not on record."""
    return _text("settings", before), _text("settings", [_again(one, before) for one in after])


def _again(name: str, before: list[str]) -> str:
    return f"{name} (another value)" if name in before else name


def _text(name: str, value: Any) -> str:
    if value is None or value == "" or value == []:
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return _VALUES.get((name, str(value)), str(value))
