"""Every discard code."""

from typing import Final

from assent.domain.record import DiscardCode
from reference.markdown import code, page, table

_INTRODUCTION = """\
A discard is something received that never became an event. The request is answered 200 all the same, because sending
the same thing again would not help; the other items of its batch are kept. Discards are counted by source and code
(`assent_discarded_total` in the [metrics](metrics.md)), so that received = accepted + discarded. The start of some of
them, up to 500 bytes each, is kept beside the log for as long as events are.

The codes are Segment's, and a few of ours: `duplicate`, `too_many_events`, `event_too_large`."""

_MEANS: Final = {
    DiscardCode.NO_USER_ANON_ID: "Neither `userId` nor `anonymousId`.",
    DiscardCode.ID_NOT_STRING: "`userId`, `anonymousId` or `messageId` is there, but is no text. Null is missing.",
    DiscardCode.EVENT_NOT_DEFINED: "A track event without `event`, its name.",
    DiscardCode.EVENT_NOT_STRING: "A track event whose `event` is not a text.",
    DiscardCode.PROPERTIES_NOT_OBJECT: "`properties` of a track, page or screen event is not an object.",
    DiscardCode.TRAITS_NOT_OBJECT: "`traits` of an identify or group event is not an object.",
    DiscardCode.NAME_NOT_STRING: "`name` of a page or screen event is not a text.",
    DiscardCode.CATEGORY_NOT_STRING: "`category` of a page or screen event is not a text.",
    DiscardCode.EMPTY_BATCH: "A batch without items.",
    DiscardCode.BAD_REQUEST: "An item that is not an object, is of an unknown type or nested too deeply; or a batch "
    "request without `batch`.",
    DiscardCode.SOURCE_DISABLED: "The source is switched off in the workspace.",
    DiscardCode.TOO_MANY_EVENTS: "Beyond the first 2,500 items of a batch.",
    DiscardCode.EVENT_TOO_LARGE: "An item of a batch over 32 KB, what the root of the batch adds to it included.",
    DiscardCode.CONSENT_PREFERENCES_MISSING: "A consent update without `context.consent.categoryPreferences`.",
    DiscardCode.CONSENT_PREFERENCES_NOT_OBJECT: "A consent update whose `categoryPreferences` is not an object.",
    DiscardCode.CONSENT_PREFERENCES_NOT_BOOLEAN: "A consent update with an answer other than true or false.",
    DiscardCode.ADVERTISING_ID_NOT_STRING: "A consent update whose `context.device.advertisingId` is not a text.",
    DiscardCode.CONSENT_VERSION_NOT_NUMBER: "A consent update whose `context.consent.version` is not a number.",
    DiscardCode.DUPLICATE: "The source sent this `messageId` in the last 24 hours: the event is in the log already.",
}


def markdown() -> str:
    rows = ((code(one), _MEANS[one]) for one in DiscardCode)
    return page("Discard codes", _INTRODUCTION, table(("Code", "What was received"), rows))
