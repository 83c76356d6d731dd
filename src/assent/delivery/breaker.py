"""The breaker: after many failures in a row a destination is left alone, and asked now and then."""

from datetime import timedelta
from typing import Final

FAILURES_TO_OPEN: Final = 5
_FIRST_REST: Final = timedelta(seconds=1)
_LONGEST_REST: Final = timedelta(seconds=30)


class Breaker:
    """Whether one destination takes events at all; open means that it is left alone.

    Times are seconds of a monotonic clock, given by the caller.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._rest = _FIRST_REST
        self._open_until: float | None = None

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def rest(self, now: float) -> float:
        """Seconds until the destination may be asked again."""
        return max(0.0, self._open_until - now) if self._open_until is not None else 0.0

    def succeeded(self) -> None:
        self._failures = 0
        self._rest = _FIRST_REST
        self._open_until = None

    def failed(self, now: float, after: timedelta | None) -> None:
        """A send failed; `after` is how long the destination asked to be left alone."""
        self._failures += 1
        if after is None and not self.is_open and self._failures < FAILURES_TO_OPEN:
            return
        rest = max(self._rest, after or timedelta(0))
        self._open_until = now + rest.total_seconds()
        self._rest = min(self._rest * 2, _LONGEST_REST)
