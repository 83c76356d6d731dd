"""Users and invitations: who may sign in to the console, and what they may do."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final, TypeAlias

import msgspec
from litestar import Request, delete, get, patch, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from assent.app.api.access import owners_only
from assent.app.api.bodies import Body, Data, failures
from assent.app.api.times import Time, time_text
from assent.app.services.people import INVITED_FOR, NEW_PASSWORD_FOR, invite, new_password_link
from assent.app.wiring import Server, now
from assent.domain import user as nouns
from assent.domain.user import Role
from assent.store import invitations as store
from assent.store.tokens import Token

_MILLISECOND: Final = timedelta(milliseconds=1)

_Request: TypeAlias = Request[Token, None, State]
_UserId: TypeAlias = Annotated[
    str, PathParameter(name="userId", description="The id of a user, as `GET /users` has it.")
]
_InvitationId: TypeAlias = Annotated[
    str, PathParameter(name="invitationId", description="The id of an invitation, as `GET /invitations` has it.")
]


class User(Body, frozen=True):
    """Somebody who signs in to the console. An owner changes everything, a member reads."""

    id: str
    email: str
    name: str
    role: Role
    created_at: Time


class UserList(Body, frozen=True):
    """Everybody who signs in to the console, in the order in which they came."""

    users: Sequence[User]


class RoleChange(Body, frozen=True, forbid_unknown_fields=True):
    """The role that somebody gets."""

    role: Role


class Link(Body, frozen=True):
    """A link that was just made, which nobody can see again: a path of the console, for you to send."""

    email: str
    path: Annotated[str, msgspec.Meta(examples=["/join/VKlN0aFIVS5heWmq4hPuZFhoT0-E-fpOQkERu8wXqoA"])]
    expires_at: Time


class InvitationOrder(Body, frozen=True, forbid_unknown_fields=True):
    """Whom to invite, and what they will be."""

    email: Annotated[str, msgspec.Meta(examples=["max@example.com"])]
    role: Role


class Invitation(Body, frozen=True):
    """A link that nobody has followed yet; `isForPassword` where it sets a new password of somebody who is a user."""

    id: str
    email: str
    role: Role
    is_for_password: bool
    invited_by: str
    expires_at: Time


class InvitationList(Body, frozen=True):
    """Links that nobody has followed yet, those that end first before others."""

    invitations: Sequence[Invitation]


@get("/users", summary="Who uses the console", operation_id="listUsers", responses=failures(), sync_to_thread=True)
def list_users(server: NamedDependency[Server]) -> Data[UserList]:
    """Everybody who may sign in to the console."""
    return Data(UserList([_user(one) for one in server.stores.users.all()]))


@patch(
    "/users/{userId:str}",
    guards=[owners_only],
    summary="Change a role",
    operation_id="changeRole",
    responses=failures(400, 403, 404, 409, 413),
)
async def change_role(
    data: JSONBody[RoleChange], request: _Request, server: NamedDependency[Server], user_id: _UserId
) -> Data[User]:
    """From their next click on. The last owner stays one: 409."""
    set_role = server.stores.users.set_role
    return Data(_user(await asyncio.to_thread(set_role, user_id, data.role, at=now(), author=request.user.name)))


@delete(
    "/users/{userId:str}",
    guards=[owners_only],
    status_code=200,
    summary="Remove a user",
    operation_id="removeUser",
    responses=failures(400, 403, 404, 409),
    sync_to_thread=True,
)
def remove_user(request: _Request, server: NamedDependency[Server], user_id: _UserId) -> Data[User]:
    """Who it was. They are signed out everywhere at once. The last owner stays: 409."""
    return Data(_user(server.stores.users.remove(user_id, at=now(), author=request.user.name)))


@post(
    "/users/{userId:str}/password-link",
    guards=[owners_only],
    status_code=200,
    summary="Make a link for a new password",
    operation_id="createPasswordLink",
    responses=failures(400, 403, 404),
    sync_to_thread=True,
)
def create_password_link(request: _Request, server: NamedDependency[Server], user_id: _UserId) -> Data[Link]:
    """For who forgot theirs: whoever follows it first chooses a new one. Good for a day."""
    at = now()
    path = new_password_link(server.stores, user_id, author=request.user.name, at=at)
    email = server.stores.users.get(user_id).email
    return Data(Link(email, path, time_text(at + NEW_PASSWORD_FOR // _MILLISECOND)))


@get(
    "/invitations",
    summary="Links that nobody has followed",
    operation_id="listInvitations",
    responses=failures(),
    sync_to_thread=True,
)
def list_invitations(server: NamedDependency[Server]) -> Data[InvitationList]:
    """Never the links themselves: only who they are for, by whom and until when."""
    return Data(InvitationList([_invitation(one) for one in server.stores.invitations.open(at=now())]))


@post(
    "/invitations",
    guards=[owners_only],
    status_code=200,
    summary="Invite somebody",
    operation_id="createInvitation",
    responses=failures(400, 403, 409, 413),
)
async def create_invitation(
    data: JSONBody[InvitationOrder], request: _Request, server: NamedDependency[Server]
) -> Data[Link]:
    """The link that makes somebody a user, once. Nothing is e-mailed: send it yourself. Good for 7 days; another one
    for the same address takes its place.
    """
    at = now()

    def make() -> Link:
        path = invite(server.stores, data.email, data.role, author=request.user.name, at=at)
        return Link(data.email.strip().lower(), path, time_text(at + INVITED_FOR // _MILLISECOND))

    return Data(await asyncio.to_thread(make))


@delete(
    "/invitations/{invitationId:str}",
    guards=[owners_only],
    status_code=200,
    summary="Withdraw a link",
    operation_id="withdrawInvitation",
    responses=failures(400, 403, 404),
    sync_to_thread=True,
)
def withdraw_invitation(
    request: _Request, server: NamedDependency[Server], invitation_id: _InvitationId
) -> Data[Invitation]:
    """Nobody can follow it any more."""
    return Data(_invitation(server.stores.invitations.withdraw(invitation_id, at=now(), author=request.user.name)))


def _user(one: nouns.User) -> User:
    return User(one.id, one.email, one.name, one.role, time_text(one.created_at))


def _invitation(one: store.Invitation) -> Invitation:
    ends = time_text(one.expires_at)
    return Invitation(one.id, str(one.email), one.role, one.is_for_password, one.invited_by, ends)
