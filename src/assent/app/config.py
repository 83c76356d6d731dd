"""What one server is told when it starts: from the command line, or from the environment as `ASSENT_*`."""

from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from assent.domain.errors import InvalidInput

DEFAULT_KEEP: Final = timedelta(days=7)
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Oidc(msgspec.Struct, frozen=True, kw_only=True):
    """A company's own provider, at which people sign in to the console.

    `name` is what the button calls it; people of the domains in `members` become members by themselves.
    """

    issuer: str
    client_id: str
    client_secret: str
    name: str = "your company"
    members: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Oidc(issuer={self.issuer!r}, client_id={self.client_id!r})"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server keeps its data and how long.

    The log forgets events after `keep`, and the oldest when it is over `keep_bytes` (None: no limit). `hook_secret` is
    what webhooks are signed with, `onetrust_token` what those of OneTrust may come with instead; None takes none.
    """

    data: Path
    keep: timedelta = DEFAULT_KEEP
    keep_bytes: int | None = None
    oidc: Oidc | None = None
    hook_secret: str | None = None
    onetrust_token: str | None = None

    def __repr__(self) -> str:
        return f"Config(data={self.data!r})"


def read_oidc(issuer: str | None, client_id: str | None, secret: str | None, name: str, members: str) -> Oidc | None:
    """The provider that the options of `assent serve` name; None where they name none. Raises InvalidInput."""
    if not (issuer or client_id or secret):
        return None
    wanted = (("--oidc-issuer", issuer), ("--oidc-client-id", client_id), ("ASSENT_OIDC_CLIENT_SECRET", secret))
    if missing := [option for option, value in wanted if not value]:
        raise InvalidInput(f"to sign in through a provider, {' and '.join(missing)} has to be there too")
    url = urlsplit(issuer or "")
    if not (url.scheme == "https" and url.hostname) and url.hostname not in _LOOPBACK:
        raise InvalidInput(f"--oidc-issuer: `{issuer}` is no https address")
    domains = tuple(one.strip().lower().removeprefix("@") for one in members.split(",") if one.strip())
    return Oidc(issuer=issuer or "", client_id=client_id or "", client_secret=secret or "", name=name, members=domains)
