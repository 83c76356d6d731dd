"""What happens to users, invitations and tokens, in the words of the audit trail. No link and no token is in them."""

from assent.domain.trail import Happening
from assent.domain.user import Role, User


def user_invited(email: str, role: Role) -> Happening:
    return Happening("User Invited", "user", email, None, {"role": role})


def invitation_withdrawn(email: str, role: Role) -> Happening:
    return Happening("Invitation Withdrawn", "user", email, {"role": role}, None)


def user_added(user: User) -> Happening:
    return Happening("User Added", "user", user.email, None, {"name": user.name, "role": user.role})


def role_changed(user: User, role: Role) -> Happening:
    return Happening("Role Changed", "user", user.email, {"role": user.role}, {"role": role})


def user_removed(user: User) -> Happening:
    return Happening("User Removed", "user", user.email, {"name": user.name, "role": user.role}, None)


def password_link_created(email: str) -> Happening:
    return Happening("Password Link Created", "user", email)


def password_link_withdrawn(email: str) -> Happening:
    return Happening("Password Link Withdrawn", "user", email)


def password_changed(email: str) -> Happening:
    return Happening("Password Changed", "user", email)


def token_created(token_id: str, name: str, role: Role) -> Happening:
    return Happening("Token Created", "token", token_id, None, {"name": name, "role": role})


def token_revoked(token_id: str, name: str, role: Role) -> Happening:
    return Happening("Token Revoked", "token", token_id, {"name": name, "role": role}, None)
