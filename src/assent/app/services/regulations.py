"""Suppressing and deleting people, because they asked for it. For API, console and command line."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from assent.app.wiring import Stores
from assent.domain.errors import InvalidInput
from assent.domain.regulation import Regulation, RegulationStatus, RegulationType, SubjectId, SubjectType, Told
from assent.store.regulations import new_regulation_id

MOST_IDS: Final = 5_000
_ID_CHARACTERS: Final = 1_000
_WHY_CHARACTERS: Final = 1_000


class Asked(msgspec.Struct, frozen=True):
    """What is asked for, about whom (ids of one kind), and why."""

    type: RegulationType
    subject_type: SubjectType
    ids: tuple[str, ...]
    why: str = ""

    def subjects(self) -> list[SubjectId]:
        """Everyone, once. Raises InvalidInput."""
        if not self.ids:
            raise InvalidInput("name somebody: there is no id", field="subjectIds")
        if len(self.ids) > MOST_IDS:
            raise InvalidInput(f"at most {MOST_IDS:,} ids at once, these are {len(self.ids):,}", field="subjectIds")
        for one in self.ids:
            if not one.strip():
                raise InvalidInput("an id is blank", field="subjectIds")
            if any("\ud800" <= letter <= "\udfff" for letter in one):
                raise InvalidInput("an id is not Unicode", field="subjectIds")
            if len(one) > _ID_CHARACTERS:
                raise InvalidInput(f"an id has more than {_ID_CHARACTERS:,} characters", field="subjectIds")
        return [SubjectId(self.subject_type, one) for one in dict.fromkeys(self.ids)]


def regulate(stores: Stores, asked: Asked, *, author: str, at: int) -> Regulation:
    """Put it on record. Suppression is in force as soon as the server follows; a deletion takes the server a while.

    Raises InvalidInput.
    """
    subjects = asked.subjects()
    if len(asked.why) > _WHY_CHARACTERS:
        raise InvalidInput(f"say why in at most {_WHY_CHARACTERS:,} characters", field="why")
    deletes = asked.type.deletes
    regulation = Regulation(
        new_regulation_id(),
        asked.type,
        asked.subject_type,
        len(subjects),
        RegulationStatus.INITIALIZED if deletes else RegulationStatus.FINISHED,
        author,
        asked.why.strip(),
        at,
        finished_at=None if deletes else at,
    )
    stores.regulations.add(regulation, subjects, at=at)
    return regulation


class Report(NamedTuple):
    """A regulation, whom it is about as far as that is still known, and what destinations said."""

    regulation: Regulation
    subjects: Sequence[SubjectId]
    told: Sequence[Told]


def report(stores: Stores, regulation_id: str) -> Report:
    """Raises NotFound."""
    regulation = stores.regulations.get(regulation_id)
    return Report(regulation, stores.regulations.subjects(regulation), stores.regulations.told(regulation_id))
