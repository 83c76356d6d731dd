"""When to try again: the waits between attempts, and when to give up."""

from typing import Final

MOST_WAIT_MS: Final = 30 * 60 * 1000
GIVE_UP_MS: Final = 4 * 3600 * 1000
_FIRST_WAIT_MS: Final = 1000


def next_attempt(tried: int, first_at: int, now: int, jitter: float, asked: int = 0) -> int | None:
    """When to try an event again that has failed `tried` times since `first_at`; None to give up.

    Waits double from a second to half an hour, for four hours in all. Times are epoch milliseconds. `jitter` in [0, 1)
    spreads a wait over plus or minus a fifth; `asked` is how long the destination asked to be left alone, in
    milliseconds.
    """
    if now - first_at >= GIVE_UP_MS:
        return None
    wait = min(_FIRST_WAIT_MS << min(tried - 1, 20), MOST_WAIT_MS) if tried else 0
    return min(now + max(int(wait * (0.8 + 0.4 * jitter)), asked), first_at + GIVE_UP_MS)
