"""What the log keeps: records of accepted events, and discards of what never became one."""

from enum import StrEnum

import msgspec

EVENT_TYPES = ("track", "identify", "page", "screen", "group", "alias")
CONSENT_UPDATE_EVENT = "Segment Consent Preference Updated"
NAME_CHARACTERS = 100
"""How much of an event's name is counted by."""


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One accepted event as the client sent it, with what the server knows about its arrival.

    `received_at` is UTC epoch milliseconds. `routing_key` is all that a decision depends on, as the JSON of the
    smallest event that gets the same decisions. `body` is the event's JSON. `sent_at` is the client's clock when it
    sent the request, from the root of its body; `ip` its address where it is a browser. `event` is the name of what was
    tracked, or of the page or screen, cut to `NAME_CHARACTERS`; empty where it has none.
    """

    source: str
    received_at: int
    type: str
    message_id: str
    routing_key: bytes
    body: bytes
    sent_at: str | None = None
    ip: str | None = None
    event: str = ""

    @property
    def is_erased(self) -> bool:
        """Whether this only stands where an event was whose person was deleted."""
        return not self.message_id


def tombstone(record: Record, *, keep_name: bool) -> Record:
    """What stays in the place of an erased event: how it was decided, and nothing that is the person's."""
    event = record.event if keep_name else ""
    return Record(record.source, record.received_at, record.type, "", record.routing_key, b"{}", event=event)


class DiscardCode(StrEnum):
    """Why something received never became an event; Segment's names (WIRE.md), `duplicate` and
    `subject_suppressed`."""

    NO_USER_ANON_ID = "no_user_anon_id"
    ID_NOT_STRING = "id_not_string"
    EVENT_NOT_DEFINED = "event_not_defined"
    EVENT_NOT_STRING = "event_not_string"
    PROPERTIES_NOT_OBJECT = "properties_not_object"
    TRAITS_NOT_OBJECT = "traits_not_object"
    NAME_NOT_STRING = "name_not_string"
    CATEGORY_NOT_STRING = "category_not_string"
    EMPTY_BATCH = "empty_batch"
    BAD_REQUEST = "bad_request"
    SOURCE_DISABLED = "source_disabled"
    TOO_MANY_EVENTS = "too_many_events"
    EVENT_TOO_LARGE = "event_too_large"
    CONSENT_PREFERENCES_MISSING = "consent_categorypreferences_should_exist"
    CONSENT_PREFERENCES_NOT_OBJECT = "consent_categorypreferences_fields_should_be_object"
    CONSENT_PREFERENCES_NOT_BOOLEAN = "consent_categorypreferences_fields_should_be_bool"
    ADVERTISING_ID_NOT_STRING = "device_advertisingid_should_be_string"
    CONSENT_VERSION_NOT_NUMBER = "consent_version_should_be_number"
    DUPLICATE = "duplicate"
    SUBJECT_SUPPRESSED = "subject_suppressed"


class Discard(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something received that never became an event.

    `received_at` is UTC epoch milliseconds; `sample` is the start of what was received, for a person to look at.
    """

    source: str
    received_at: int
    code: DiscardCode
    sample: bytes = b""
