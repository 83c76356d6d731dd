"""Settings, people: who uses this workspace, who is invited, and what they may do."""

import asyncio
from typing import Annotated, Any, Final, TypeAlias

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter
from litestar.response import Redirect

from assent.app.console.access import PageRequest, origin
from assent.app.console.forms import Form, read_form
from assent.app.console.pages import done, go, page
from assent.app.services.people import INVITED_FOR, NEW_PASSWORD_FOR, check_role, invite, new_password_link
from assent.app.wiring import Server, now
from assent.domain.errors import AssentError, Conflict, InvalidInput
from assent.domain.user import Role

_PEOPLE: Final = "/settings/people"
_ROLES: Final[dict[Role, str]] = {"owner": "a Workspace Owner", "member": "a Workspace Member"}

_UserId: TypeAlias = Annotated[str, PathParameter(name="user_id")]
_InvitationId: TypeAlias = Annotated[str, PathParameter(name="invitation_id")]


@get("/settings", sync_to_thread=False)
def show_settings() -> Redirect:
    return go(_PEOPLE)


@get("/settings/people", sync_to_thread=True)
def show_people(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return _people(request, server, Form({}), None)


@post("/settings/people/invite")
async def take_invitee(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    """The answer shows the link, because nobody can see it later."""
    form = await read_form(request)

    def take() -> Response[Any]:
        try:
            role = check_role(form.text("role"))
            path = invite(server.stores, form.text("email"), role, author=request.user.email, at=now())
        except (InvalidInput, Conflict) as error:
            return _people(request, server, form, error)
        return _link(request, server, form.text("email"), path, f"becomes {_ROLES[role]}", INVITED_FOR.days)

    return await asyncio.to_thread(take)


@post("/settings/people/invitations/{invitation_id:str}/withdraw", sync_to_thread=True)
def withdraw_invitation(
    request: PageRequest, server: NamedDependency[Server], invitation_id: _InvitationId
) -> Redirect:
    withdrawn = server.stores.invitations.withdraw(invitation_id, at=now(), author=request.user.email)
    return done(request, server, _PEOPLE, f"The link for {withdrawn.email} is withdrawn.")


@get("/settings/people/{user_id:str}", sync_to_thread=True)
def show_person(request: PageRequest, server: NamedDependency[Server], user_id: _UserId) -> Response[Any]:
    return _person(request, server, user_id, None)


@post("/settings/people/{user_id:str}/role")
async def take_role(request: PageRequest, server: NamedDependency[Server], user_id: _UserId) -> Response[Any]:
    form = await read_form(request)

    def take() -> Response[Any]:
        try:
            user = server.stores.users.set_role(
                user_id, check_role(form.text("role")), at=now(), author=request.user.email
            )
        except (InvalidInput, Conflict) as error:
            return _person(request, server, user_id, error)
        return done(request, server, _PEOPLE, f"{user.name} is {_ROLES[user.role]} now.")

    return await asyncio.to_thread(take)


@post("/settings/people/{user_id:str}/password-link", sync_to_thread=True)
def make_password_link(request: PageRequest, server: NamedDependency[Server], user_id: _UserId) -> Response[Any]:
    """The answer shows the link, because nobody can see it later."""
    path = new_password_link(server.stores, user_id, author=request.user.email, at=now())
    email = server.stores.users.get(user_id).email
    return _link(request, server, email, path, "chooses a new password", NEW_PASSWORD_FOR.days)


@post("/settings/people/{user_id:str}/remove", sync_to_thread=True)
def remove_person(request: PageRequest, server: NamedDependency[Server], user_id: _UserId) -> Response[Any]:
    try:
        removed = server.stores.users.remove(user_id, at=now(), author=request.user.email)
    except Conflict as error:
        return _person(request, server, user_id, error)
    return done(request, server, _PEOPLE, f"{removed.name} is no user any more, and signed out everywhere.")


def _people(request: PageRequest, server: Server, form: Form, error: AssentError | None) -> Response[Any]:
    return page(
        request,
        server,
        "settings/people.html",
        status=error.status if error is not None else 200,
        people=server.stores.users.all(),
        invitations=server.stores.invitations.open(at=now()),
        form=form,
        error=error,
    )


def _person(request: PageRequest, server: Server, user_id: str, error: AssentError | None) -> Response[Any]:
    return page(
        request,
        server,
        "settings/person.html",
        status=error.status if error is not None else 200,
        person=server.stores.users.get(user_id),
        error=error,
    )


def _link(request: PageRequest, server: Server, email: str, path: str, what: str, days: int) -> Response[Any]:
    good_for = "a day" if days == 1 else f"{days} days"
    url = f"{origin(request)}{path}"
    return page(request, server, "settings/link.html", email=email, url=url, what=what, good_for=good_for)


PEOPLE_PAGES: Final = [
    show_settings,
    show_people,
    take_invitee,
    withdraw_invitation,
    show_person,
    take_role,
    make_password_link,
    remove_person,
]
