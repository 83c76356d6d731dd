"""The stand-in for a destination whose connector cannot be built: it sends nothing, so that its events wait."""

from collections.abc import Sequence
from typing import ClassVar

from assent.destinations.connector import Outcome, Outgoing, Settings
from assent.domain.errors import Unavailable
from assent.domain.regulation import SubjectId


class Unconfigured:
    """A connector that is always unavailable; `why` is what somebody has to mend."""

    name: ClassVar[str] = "unconfigured"
    integration: ClassVar[str] = ""
    title: ClassVar[str] = "Not configured"
    description: ClassVar[str] = "Stands in for a destination whose settings cannot be used."
    icon: ClassVar[str] = ""
    settings_type: ClassVar[type[Settings]] = Settings
    forgets: ClassVar[bool] = True

    def __init__(self, why: str) -> None:
        self.batch_size = 1
        self.concurrency = 1
        self._why = why

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        raise Unavailable(f"{len(batch)} not sent: {self._why}")

    async def forget(self, people: Sequence[SubjectId], regulation: str) -> None:
        raise Unavailable(f"`{regulation}` was not told, about {len(people)}: {self._why}")

    async def close(self) -> None:
        return None
