"""Every discard code."""

from assent.domain.discards import DISCARDS
from assent.domain.record import DiscardCode
from reference.markdown import code, page, table

_INTRODUCTION = """\
A discard is something received that never became an event. The request is answered 200 all the same, because sending
the same thing again would not help; the other items of its batch are kept. Discards are counted by source and code
(`assent_discarded_total` in the [metrics](metrics.md)), so that received = accepted + discarded. The start of some of
them, up to 500 bytes each, is kept beside the log for as long as events are.

The codes are Segment's, and a few of ours: `duplicate`, `too_many_events`, `event_too_large`."""


def markdown() -> str:
    rows = ((code(one), DISCARDS[one].title, DISCARDS[one].what_was_received) for one in DiscardCode)
    return page("Discard codes", _INTRODUCTION, table(("Code", "In short", "What was received"), rows))
