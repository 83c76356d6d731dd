"""The consent ledger's nouns: receipts of what people said, and the profile of what is known of a person now."""

from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias

import msgspec


class Preference(StrEnum):
    """What somebody says of a category. `unknown` is what cannot be read, and is never taken as an answer."""

    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"
    """Only of a profile: two that became one disagree, which is enforced like a refusal."""


class Method(StrEnum):
    """How a receipt came about: `signal` is an event of a browser that says Global Privacy Control."""

    EVENT = "event"
    UPDATE = "update"
    API = "api"
    IMPORT = "import"
    SIGNAL = "signal"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


Joining: TypeAlias = Literal["refusal_wins", "latest", "conflict"]
"""What counts where two profiles that became one disagree."""


class Moment(NamedTuple):
    """When something was said, by the clock of the ledger: when it happened, then when it came in."""

    occurred_at: int
    received_at: int


class Subject(msgspec.Struct, frozen=True, gc=False):
    """The person something is about, by one id or two."""

    user_id: str | None = None
    anonymous_id: str | None = None

    def __str__(self) -> str:
        return self.user_id or self.anonymous_id or ""


class Notice(msgspec.Struct, frozen=True, gc=False):
    """In which words the person was asked, as far as it was told."""

    version: str | None = None
    language: str | None = None
    jurisdiction: str | None = None


class Statement(msgspec.Struct, frozen=True, gc=False):
    """What somebody said, before it is in the ledger.

    `complete` says that what is not named is refused. Without `readable` there was consent that says nothing that can
    be read. `offset` is that of the event which said it. Times are UTC epoch milliseconds; `skew` is how far the clock
    has been set back by then, so that order stays. `evidence` is what was received, as it was.
    """

    subject: Subject
    preferences: dict[str, Preference]
    method: Method
    source: str
    occurred_at: int
    received_at: int
    evidence: bytes
    complete: bool = False
    readable: bool = True
    skew: int = 0
    notice: Notice = Notice()
    offset: int | None = None

    @property
    def moment(self) -> Moment:
        return Moment(self.occurred_at + self.skew, self.received_at + self.skew)


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """One entry of the ledger, which is never changed.

    `number` counts from 1. `position` is the offset of the first event that it holds for. `hash` is over everything
    else and `previous`, the hash before it; ids and evidence are in it by `seals`, so that they can be forgotten and
    the chain still holds. `salt` is what seals are checked with, and is None once the person is forgotten: then the ids
    are keyed hashes, and the evidence is gone.
    """

    number: int
    position: int
    said: Statement
    previous: str
    hash: str
    seals: tuple[str, str]
    salt: bytes | None

    @property
    def id(self) -> str:
        return f"rcp_{self.hash[:24]}"

    @property
    def is_forgotten(self) -> bool:
        return self.salt is None


class Answer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One answer that stands: since when, and by which receipt. `stream` is the anonymous id of somebody who was joined
    to the profile and has not been heard since; empty for the person."""

    preference: Preference
    at: Moment
    receipt: int
    stream: str = ""


class Profile(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of one person: a function of their receipts alone.

    `answers` has more than one per category where people who became one disagree. `links` are the person's anonymous
    ids, since when. `position` is that of the last receipt about them, `latest` the moment of the newest.
    """

    answers: dict[str, tuple[Answer, ...]] = {}
    links: dict[str, Moment] = {}
    latest: Moment = Moment(0, 0)
    position: int = 0
    receipts: int = 0
    spoke: bool = False

    def preference(self, category: str, joining: Joining = "refusal_wins") -> Preference:
        """What counts for a category."""
        return settled(self.answers.get(category, ()), joining)

    def preferences(self, joining: Joining = "refusal_wins") -> dict[str, Preference]:
        """What counts, for every category that the person was heard of."""
        return {one: settled(answers, joining) for one, answers in sorted(self.answers.items())}


def settled(answers: tuple[Answer, ...], joining: Joining) -> Preference:
    """What several answers come to."""
    if len(answers) == 1:
        return answers[0].preference
    said = {one.preference for one in answers}
    if len(said) == 1:
        return said.pop()
    if joining == "latest" and said:
        newest = max(one.at for one in answers)
        return settled(tuple(one for one in answers if one.at == newest), "refusal_wins")
    if Preference.DENIED in said:
        is_conflict = joining == "conflict" and Preference.GRANTED in said
        return Preference.CONFLICT if is_conflict else Preference.DENIED
    return Preference.UNKNOWN
