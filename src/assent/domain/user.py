"""Who uses the console and the management API, and what their role allows."""

from typing import Literal, TypeAlias

import msgspec

Role: TypeAlias = Literal["owner", "member"]
"""An owner edits, a member reads (Segment's Workspace Owner and Workspace Member)."""


class User(msgspec.Struct, frozen=True):
    """Somebody who signs in to the console; `created_at` is UTC epoch milliseconds."""

    id: str
    email: str
    name: str
    role: Role
    created_at: int


class Actor(msgspec.Struct, frozen=True):
    """Who does something: a user by e-mail address, a token by its name, a command by what it calls itself."""

    name: str
    role: Role
