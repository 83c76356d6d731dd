"""What a connector is: the interface, its settings, and what it is given and answers."""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, TypeAlias

import msgspec

from assent.domain.errors import Rejected, Unavailable


class Outgoing(msgspec.Struct, frozen=True):
    """One event on its way to one destination.

    `event` is the whole event as the destination should see it, with `messageId`, `type`, `timestamp` and `receivedAt`.
    Connectors share it and must not change it.
    """

    message_id: str
    event: dict[str, Any]


Outcome: TypeAlias = Rejected | Unavailable | None
"""What became of one event: None is delivered."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings type that each connector extends: console form, validation and docs come from it.

    Each field is `Annotated[type, msgspec.Meta(title=..., description=..., examples=[...])]`. A field whose value must
    never be shown again is of type `Secret`.
    """


class Secret(str):
    """A text that appears nowhere but on the wire: its `repr` does not show it."""

    def __repr__(self) -> str:
        return "Secret(...)"


class Connector(Protocol):
    """The code that sends to one kind of destination; one instance serves one destination.

    A class sets: `name`, the `connector:` of a workspace file; `integration`, its public name and key in the
    `integrations` object; `title`, `description` (Markdown) and `icon` (an inline SVG) for people; `settings_type`.
    `batch_size` is how many events one `send` may be given, `concurrency` how many sends may run at once.
    """

    name: ClassVar[str]
    integration: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    icon: ClassVar[str]
    settings_type: ClassVar[type[Settings]]

    batch_size: int
    concurrency: int

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Send 1 to `batch_size` events; one outcome per event, in order.

        Raises Unavailable or Rejected when that holds for all of them. Any other exception is a bug, which waits like
        an outage.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and files."""
        ...
