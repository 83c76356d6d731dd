"""Why something received never became an event, in words, for every code."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from assent.domain.record import DiscardCode


class DiscardText(NamedTuple):
    """What console, API and docs say about one code."""

    title: str
    what_was_received: str


DISCARDS: Final[Mapping[DiscardCode, DiscardText]] = {
    DiscardCode.NO_USER_ANON_ID: DiscardText("No subject", "Neither `userId` nor `anonymousId`."),
    DiscardCode.ID_NOT_STRING: DiscardText(
        "Id is no text", "`userId`, `anonymousId` or `messageId` is there, but is no text. Null is missing."
    ),
    DiscardCode.EVENT_NOT_DEFINED: DiscardText("No event name", "A track event without `event`, its name."),
    DiscardCode.EVENT_NOT_STRING: DiscardText("Event name is no text", "A track event whose `event` is not a text."),
    DiscardCode.PROPERTIES_NOT_OBJECT: DiscardText(
        "Properties are no object", "`properties` of a track, page or screen event is not an object."
    ),
    DiscardCode.TRAITS_NOT_OBJECT: DiscardText(
        "Traits are no object", "`traits` of an identify or group event is not an object."
    ),
    DiscardCode.NAME_NOT_STRING: DiscardText("Name is no text", "`name` of a page or screen event is not a text."),
    DiscardCode.CATEGORY_NOT_STRING: DiscardText(
        "Category is no text", "`category` of a page or screen event is not a text."
    ),
    DiscardCode.EMPTY_BATCH: DiscardText("Empty batch", "A batch without items."),
    DiscardCode.BAD_REQUEST: DiscardText(
        "Not an event",
        "An item that is not an object, is of an unknown type or nested too deeply; or a batch request without "
        "`batch`.",
    ),
    DiscardCode.SOURCE_DISABLED: DiscardText("Source disabled", "The source is switched off in the workspace."),
    DiscardCode.TOO_MANY_EVENTS: DiscardText("Too many in a batch", "Beyond the first 2,500 items of a batch."),
    DiscardCode.EVENT_TOO_LARGE: DiscardText(
        "Too large", "An item of a batch over 32 KB, what the root of the batch adds to it included."
    ),
    DiscardCode.CONSENT_PREFERENCES_MISSING: DiscardText(
        "Consent update without preferences", "A consent update without `context.consent.categoryPreferences`."
    ),
    DiscardCode.CONSENT_PREFERENCES_NOT_OBJECT: DiscardText(
        "Preferences are no object", "A consent update whose `categoryPreferences` is not an object."
    ),
    DiscardCode.CONSENT_PREFERENCES_NOT_BOOLEAN: DiscardText(
        "Preference is not true or false", "A consent update with an answer other than true or false."
    ),
    DiscardCode.ADVERTISING_ID_NOT_STRING: DiscardText(
        "Advertising id is no text", "A consent update whose `context.device.advertisingId` is not a text."
    ),
    DiscardCode.CONSENT_VERSION_NOT_NUMBER: DiscardText(
        "Consent version is no number", "A consent update whose `context.consent.version` is not a number."
    ),
    DiscardCode.DUPLICATE: DiscardText(
        "Duplicate", "The source sent this `messageId` in the last 24 hours: the event is in the log already."
    ),
    DiscardCode.SUBJECT_SUPPRESSED: DiscardText(
        "Person suppressed",
        "An event of somebody who asked for no more events: nothing of it is kept.",
    ),
}
