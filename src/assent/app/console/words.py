"""How templates say what the code has short names for: outcomes, reasons, moments in fields."""

from datetime import UTC, datetime, timedelta
from typing import Final

from assent.domain.decision import Reason, Verdict, explain
from assent.domain.errors import InvalidInput
from assent.domain.outcome import State
from assent.domain.workspace import Workspace
from assent.engine.trial import Outcome

_STATES: Final = {
    State.UNREAD: "Not yet read",
    State.WITHHELD: "Withheld",
    State.HELD: "Held",
    State.DELIVERED: "Delivered",
    State.RETRYING: "Retrying",
    State.FAILED: "Failed",
}
WINDOWS: Final = {1: "the last hour", 24: "the last 24 hours", 7 * 24: "the last 7 days", 31 * 24: "the last 31 days"}
"""The times on whose events a change can be tried, by hours; the log may keep less."""

_MINUTE: Final = timedelta(minutes=1)


def state_title(state: State) -> str:
    return _STATES[state]


def withheld_title(reason: Reason) -> str:
    """Why something was withheld."""
    return explain(Verdict.WITHHOLD, reason).title


def outcome_title(outcome: Outcome) -> str:
    """`Withheld: Category denied (advertising)`."""
    verdict = Verdict.WITHHOLD if outcome.state is State.WITHHELD else Verdict.DELIVER
    categories = f" ({', '.join(outcome.categories)})" if outcome.categories else ""
    return f"{_STATES[outcome.state]}: {explain(verdict, outcome.reason).title}{categories}"


def titles(workspace: Workspace) -> dict[str, str]:
    """What destinations are called, by id."""
    return {one.id: one.title for one in workspace.destinations}


def utc_minute(at: int) -> str:
    """The minute that holds a time (UTC epoch milliseconds), as a field for times has it."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M")


def utc_minute_after(at: int) -> str:
    """The next whole minute."""
    return (datetime.fromtimestamp(at / 1000, UTC) + _MINUTE).strftime("%Y-%m-%dT%H:%M")


def utc_words(at: int) -> str:
    return utc_minute(at).replace("T", " ")


def read_utc(text: str, field: str) -> int:
    """What somebody put into a field for times, as UTC epoch milliseconds. Raises InvalidInput."""
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return int(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InvalidInput("give a date and a time", field=field) from None
