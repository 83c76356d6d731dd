"""One made-up person: what they say about consent, and the events that are stamped with it."""

from enum import StrEnum
from typing import Any, Final, TypeAlias

from assent.app.demo.chance import Chance
from assent.app.demo.shop import CATEGORIES, NECESSARY, TARGETING
from assent.domain.record import CONSENT_UPDATE_EVENT

Event: TypeAlias = dict[str, Any]

_PEOPLE: Final = ("ada", "alan", "barbara", "donald", "edsger", "frances", "grace", "ken", "margaret", "radia")


class Answer(StrEnum):
    """What a person does when they are asked."""

    GRANTS = "grant"
    REFUSES = "refuse"
    CHOOSES = "choose"
    IGNORES = "ignore"
    CHANGES = "reconsider"


class _Banner(StrEnum):
    """How well the consent banner of a person's client works."""

    WORKS = "works"
    SENDS_TEXT = "sends texts in place of true and false"
    IS_OLD = "does not know of targeting yet"


_ANSWERS: Final = {Answer.GRANTS: 45, Answer.REFUSES: 25, Answer.CHOOSES: 18, Answer.IGNORES: 12}
_BANNERS: Final = {_Banner.WORKS: 92, _Banner.SENDS_TEXT: 4, _Banner.IS_OLD: 4}


class Visitor:
    """One person on one device. Until they answer, everything but what is strictly necessary counts as refused."""

    def __init__(self, chance: Chance, context: Event) -> None:
        self.answer = chance.pick(_ANSWERS)
        self.anonymous_id = chance.text_id()
        self.user_id: str | None = None
        self._chance = chance
        self._context = context
        self._banner = chance.pick(_BANNERS)
        self._preferences = _only_necessary()

    def event(self, event_type: str, **fields: Any) -> Event:
        """An event of this person, as their client sends it."""
        return {
            "type": event_type,
            "messageId": f"demo-{self._chance.text_id()}",
            "anonymousId": self.anonymous_id,
            "userId": self.user_id,
            "context": {**self._context, "consent": {"categoryPreferences": self._stamp()}},
            "integrations": {},
            **fields,
        }

    def settles(self, answer: Answer) -> Event:
        """The person answers, for now; returns the event that reports it."""
        if answer is Answer.GRANTS:
            self._preferences = dict.fromkeys(CATEGORIES, True)
        elif answer is Answer.REFUSES:
            self._preferences = _only_necessary()
        else:
            self._preferences = {one: one == NECESSARY or self._chance.happens(0.5) for one in CATEGORIES}
        return self.event("track", event=CONSENT_UPDATE_EVENT, properties={})

    def signs_up(self) -> Event:
        """The person says who they are; one in eight keeps the address to themselves."""
        name = self._chance.choice(_PEOPLE)
        self.user_id = f"{name}-{self._chance.randrange(1000)}"
        address = {} if self._chance.happens(0.12) else {"email": f"{self.user_id}@example.com"}
        return self.event("identify", traits={"name": name.title(), **address})

    def _stamp(self) -> dict[str, Any]:
        if self._banner is _Banner.SENDS_TEXT:
            return {one: str(granted).lower() for one, granted in self._preferences.items()}
        if self._banner is _Banner.IS_OLD:
            return {one: granted for one, granted in self._preferences.items() if one != TARGETING}
        return dict(self._preferences)


def _only_necessary() -> dict[str, bool]:
    return {one: one == NECESSARY for one in CATEGORIES}
