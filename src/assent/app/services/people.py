"""Who uses this workspace: inviting, roles, removing, and tokens; for console, management API and command line."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from assent.app.services.sign_in import check_email
from assent.app.wiring import Stores
from assent.domain.errors import Conflict, InvalidInput
from assent.domain.user import Role
from assent.store.tokens import NewToken

INVITED_FOR: Final = timedelta(days=7)
NEW_PASSWORD_FOR: Final = timedelta(days=1)
_TOKEN_NAME_CHARACTERS: Final = 100
_ROLES: Final[Mapping[str, Role]] = {"owner": "owner", "member": "member"}


def invite(stores: Stores, email: str, role: Role, *, author: str, at: int) -> str:
    """The path of the link that makes somebody a user; an earlier one for this address is no longer good.

    Raises InvalidInput for what is no address; Conflict where somebody has it already.
    """
    address = check_email(email)
    if stores.users.with_email(address) is not None:
        message = f"`{address}` is a user already: a new password needs a link of its own, a new role none"
        raise Conflict(message, field="email")
    return _link(stores, address, role, author, at, INVITED_FOR)


def new_password_link(stores: Stores, user_id: str, *, author: str, at: int) -> str:
    """The path of the link that gives a user a new password. Raises NotFound."""
    user = stores.users.get(user_id)
    return _link(stores, user.email, user.role, author, at, NEW_PASSWORD_FOR)


def check_role(text: str) -> Role:
    """Raises InvalidInput for what is no role."""
    if text not in _ROLES:
        raise InvalidInput("choose a role: `owner` or `member`", field="role")
    return _ROLES[text]


def create_token(stores: Stores, name: str, role: Role, *, author: str, at: int) -> NewToken:
    """Raises InvalidInput for a name that is blank, too long, or that the audit trail would take for a person."""
    called = name.strip()
    if not (called and called.isprintable() and len(called) <= _TOKEN_NAME_CHARACTERS):
        message = f"say whose token it is, in at most {_TOKEN_NAME_CHARACTERS} characters"
        raise InvalidInput(message, field="name")
    if "@" in called or called.startswith("cli:"):
        raise InvalidInput("choose a name that nobody takes for a person's: without `@`, `cli:` in front", field="name")
    return stores.tokens.create(called, role, author=author, at=at)


def _link(stores: Stores, email: str, role: Role, author: str, at: int, good_for: timedelta) -> str:
    expires_at = at + good_for // timedelta(milliseconds=1)
    return f"/join/{stores.invitations.create(email, role, invited_by=author, at=at, expires_at=expires_at)}"
