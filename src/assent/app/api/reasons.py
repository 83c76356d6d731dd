"""The table of reasons: everything that a decision can say, in words."""

from collections.abc import Sequence

from litestar import get

from assent.app.api.bodies import Body, Data, failures
from assent.app.api.decisions import SegmentCode
from assent.domain.decision import REASONS, Reason, Verdict


class ReasonInWords(Body, frozen=True):
    """What one reason means under one verdict, and what can be done about it."""

    verdict: Verdict
    reason: Reason
    title: str
    what_happened: str
    remedy: str
    segment_code: SegmentCode
    observed: bool


class ReasonList(Body, frozen=True):
    """Every reason that there is."""

    reasons: Sequence[ReasonInWords]


@get("/reasons", summary="Every reason", operation_id="listReasons", sync_to_thread=False, responses=failures())
def list_reasons() -> Data[ReasonList]:
    """All reasons, with the verdict that each comes with."""
    return Data(
        ReasonList(
            [
                ReasonInWords(
                    one.verdict, one.reason, one.title, one.what_happened, one.remedy, one.segment_code, one.observed
                )
                for one in REASONS
            ]
        )
    )
