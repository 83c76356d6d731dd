"""What libraries in browsers report of themselves at `/v1/m`: all is dropped but that a page had no consent tool."""

from collections import Counter
from typing import Final

import msgspec

from assent.store.pages import Missed

REPORT_BYTES: Final = 32 * 1024
NO_CONSENT_TOOL: Final = "assent.no_consent_tool"
_HOUR_MS: Final = 3_600_000


class _Point(msgspec.Struct):
    metric: str = ""


class _Report(msgspec.Struct):
    series: list[_Point] = []
    writeKey: str = ""  # noqa: N815 - as on the wire


_decode = msgspec.json.Decoder(_Report).decode


def key_of_page_without_tool(body: bytes) -> str | None:
    """The write key of a page that had no consent tool; None for every other report."""
    try:
        report = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return report.writeKey if any(one.metric == NO_CONSENT_TOOL for one in report.series) else None


class PageReports:
    """Pages without a consent tool, by source: counted in memory, and written down now and then.

    Anybody can report, so that a report must not cost a write to the disk. A crash loses the newest second.
    """

    def __init__(self) -> None:
        self._missed: Counter[tuple[str, int]] = Counter()

    def count(self, source: str, at: int) -> None:
        """A page of `source` had none, `at` UTC epoch milliseconds."""
        self._missed[source, at // _HOUR_MS] += 1

    def take(self) -> Missed:
        """What was counted since the last time, to be written down."""
        missed, self._missed = self._missed, Counter()
        return missed
