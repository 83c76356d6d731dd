"""What a connector is: the interface, its settings, and what it is given and answers."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, Protocol, TypeAlias

import msgspec
from msgspec import inspect

from assent.domain.errors import Rejected, Unavailable
from assent.domain.regulation import SubjectId


class Outgoing(msgspec.Struct, frozen=True):
    """One event on its way to one destination.

    `event` is the whole event as the destination should see it, with `messageId`, `type`, `timestamp` and `receivedAt`.
    Connectors share it and must not change it.
    """

    message_id: str
    event: dict[str, Any]


Outcome: TypeAlias = Rejected | Unavailable | None
"""What became of one event: None is delivered."""


Secret: TypeAlias = Annotated[
    str, msgspec.Meta(extra={"secret": True}, extra_json_schema={"format": "password", "writeOnly": True})
]
"""A text that appears nowhere but on the wire."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings type that each connector extends: console form, validation and docs come from it.

    Each field is `Annotated[type, msgspec.Meta(title=..., description=..., examples=[...])]`. A field whose value must
    never be shown again is of type `Secret`, or holds some: no `repr` of the settings shows it.
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        shown = msgspec.structs.asdict(self)
        shown |= {name: "(secret)" for name in secret_names(type(self)) if shown[name]}
        return list(shown.items())


@cache
def secret_names(settings_type: type[Settings]) -> frozenset[str]:
    """The settings that are a `Secret`, or hold some."""
    fields = msgspec.structs.fields(settings_type)
    return frozenset(field.encode_name for field in fields if _holds_secret(inspect.type_info(field.type)))


def _holds_secret(described: Any) -> bool:
    if isinstance(described, tuple):
        return any(map(_holds_secret, described))
    if isinstance(described, inspect.Metadata) and described.extra and described.extra.get("secret"):
        return True
    if isinstance(described, inspect.Type | inspect.Field):
        return any(_holds_secret(getattr(described, name)) for name in described.__struct_fields__)
    return False


class Connector(Protocol):
    """The code that sends to one kind of destination; one instance serves one destination.

    A class sets: `name`, the `connector:` of a workspace file; `integration`, its public name and key in the
    `integrations` object; `title`, `description` (Markdown) and `icon` (an inline SVG) for people; `settings_type`.
    `batch_size` is how many events one `send` may be given, `concurrency` how many sends may run at once; a test event
    that somebody sends from the console comes beside these. `forgets` says whether the service can be told to delete a
    person, with `forget`.
    """

    name: ClassVar[str]
    integration: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    icon: ClassVar[str]
    settings_type: ClassVar[type[Settings]]
    forgets: ClassVar[bool] = False

    batch_size: int
    concurrency: int

    def __init__(self, settings: Any) -> None:
        """Take the settings, of `settings_type`. Opens nothing: there may be no event loop yet."""
        ...

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Send 1 to `batch_size` events; one outcome per event, in order.

        Raises Unavailable or Rejected when that holds for all of them. Any other exception is a bug, which waits like
        an outage.
        """
        ...

    async def forget(self, people: Sequence[SubjectId], regulation: str) -> None:
        """Have everything about these people deleted there; only where `forgets`. `regulation` is the id of what asks
        for it, the same at every attempt.

        Raises Unavailable or Rejected, as `send`.
        """
        raise NotImplementedError(f"{self.name} cannot delete")

    async def close(self) -> None:
        """Let go of connections and files."""
        ...
