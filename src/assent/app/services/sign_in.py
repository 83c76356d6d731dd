"""Signing in to the console: passwords, the lock-out that slows guessing, and the links that make users."""

from datetime import timedelta
from functools import cache
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from assent.app.wiring import Stores
from assent.domain.errors import InvalidInput, TooManyTries, Unauthorized
from assent.domain.user import User

PASSWORD_CHARACTERS: Final = 12
_MOST_CHARACTERS: Final = 1024
_WELCOME_FOR: Final = timedelta(days=1)

_hasher: Final = PasswordHasher()  # argon2id, with the memory and passes that RFC 9106 recommends
_two_at_once: Final = BoundedSemaphore(2)
"""Each hash takes 64 MB: however many guess at once, two are under way."""


def sign_in(stores: Stores, email: str, password: str, *, at: int) -> str:
    """The text of a new session. Raises TooManyTries; Unauthorized, the same whoever it was and whatever was wrong."""
    _begin_try(stores, email, at)
    user = stores.users.with_email(email.strip())
    known = stores.users.password(user.id) if user is not None else None
    # Somebody who is not known takes as long: time must not tell who is a user.
    if not _is_password(known or _hash_of_nobody(), password) or user is None or known is None:
        raise _wrong()
    stores.lockout.succeeded(email)
    text = stores.sessions.open(user.id, at=at)
    if stores.users.password(user.id) != known:
        # It was changed meanwhile, which ended all sessions but this one.
        stores.sessions.close(text)
        raise _wrong()
    if _hasher.check_needs_rehash(known):
        stores.users.rehash(user.id, known, _hash(password))
    return text


def hash_password(password: str) -> str:
    """Raises InvalidInput for a password that is too short, or absurdly long."""
    if len(password) < PASSWORD_CHARACTERS:
        raise InvalidInput(f"use at least {PASSWORD_CHARACTERS} characters", field="password")
    if len(password) > _MOST_CHARACTERS:
        raise InvalidInput(f"use at most {_MOST_CHARACTERS} characters", field="password")
    return _hash(password)


def change_password(stores: Stores, user: User, old: str, new: str, *, at: int) -> str:
    """The text of a new session: all others of this user are over. Raises InvalidInput, TooManyTries."""
    _begin_try(stores, user.email, at)
    known = stores.users.password(user.id)
    if known is None or not _is_password(known, old):
        raise InvalidInput("this is not your password", field="old_password")
    stores.lockout.succeeded(user.email)
    stores.users.set_password(user.id, hash_password(new), at=at, author=user.email)
    return stores.sessions.open(user.id, at=at)


def welcome_link(stores: Stores, *, at: int) -> str | None:
    """The path of the one-time link that makes the first owner; None once there is an owner."""
    if stores.users.have_owner():
        return None
    text = stores.invitations.create(
        None, "owner", invited_by="assent serve", at=at, expires_at=at + _WELCOME_FOR // timedelta(milliseconds=1)
    )
    return f"/join/{text}"


def join(stores: Stores, link: str, *, email: str, name: str, password: str, at: int) -> str:
    """Follow a link: become a user, or get a new password, and be signed in. The text of the session.

    Raises NotFound for a link that is not good; InvalidInput; Conflict when somebody has the address, or somebody else
    became the first owner meanwhile. A link that could not be followed stays good.
    """
    invitation = stores.invitations.find(link, at=at)
    address = invitation.email or check_email(email)
    called = "" if invitation.is_for_password else check_name(name)
    user = stores.invitations.follow(link, email=address, name=called, password=hash_password(password), at=at)
    # Whoever was locked out, and asked for a link, is not to wait.
    stores.lockout.succeeded(user.email)
    return stores.sessions.open(user.id, at=at)


def check_email(email: str) -> str:
    """The address in lower case. Raises InvalidInput for what cannot be one."""
    address = email.strip().lower()
    local, at, host = address.rpartition("@")
    if not (local and at and "." in host and address.isprintable() and " " not in address and len(address) <= 254):
        raise InvalidInput("write an e-mail address, like `olivia@example.com`", field="email")
    return address


def check_name(name: str) -> str:
    called = name.strip()
    if not (called and called.isprintable() and len(called) <= 100):
        raise InvalidInput("write a name, of at most 100 characters", field="name")
    return called


def _begin_try(stores: Stores, email: str, at: int) -> None:
    wait = stores.lockout.begin(email, at=at)
    if wait:
        raise TooManyTries(f"too many tries: try again in {_in_words(wait)}", after=wait)


def _wrong() -> Unauthorized:
    return Unauthorized("the e-mail address or the password is wrong")


def _hash(password: str) -> str:
    with _two_at_once:
        return _hasher.hash(password)


def _is_password(known: str, password: str) -> bool:
    try:
        with _two_at_once:
            return _hasher.verify(known, password[: _MOST_CHARACTERS + 1])
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash("nobody has this password")


def _in_words(wait: timedelta) -> str:
    seconds = int(wait.total_seconds()) + 1
    return f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
