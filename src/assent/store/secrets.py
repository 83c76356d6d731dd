"""Secrets at rest: sealed values, which versions and exports name by reference only."""

import hmac
import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Engine, insert, select

from assent.domain.errors import NotFound
from assent.store.database import reading
from assent.store.tables import secrets

REFERENCE_PREFIX = "$stored:"


class Secrets:
    """Values sealed with the key of one data directory.

    The same value always has the same reference, so that a file applied again changes nothing; the reference is keyed,
    so that it says nothing about the value.
    """

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._engine = engine
        self.key = key
        self._fernet = Fernet(key)

    def keep(self, value: str) -> str:
        """Seal `value`; returns the reference to write in its place."""
        reference = self.reference(value)
        digest = reference.removeprefix(REFERENCE_PREFIX)
        with self._engine.begin() as connection:
            if connection.scalar(select(secrets.c.reference).where(secrets.c.reference == digest)) is None:
                connection.execute(
                    insert(secrets).values(reference=digest, sealed=self._fernet.encrypt(value.encode()))
                )
        return reference

    def reference(self, value: str) -> str:
        """The reference that `keep` gives, with nothing kept."""
        return REFERENCE_PREFIX + hmac.digest(self.key, value.encode(), "sha256").hex()[:24]

    def reveal(self, reference: str) -> str:
        """The value behind a reference; raises NotFound for one that this data directory never gave or cannot open."""
        with reading(self._engine) as connection:
            digest = reference.removeprefix(REFERENCE_PREFIX)
            sealed = connection.scalar(select(secrets.c.sealed).where(secrets.c.reference == digest))
        if sealed is None:
            raise NotFound(
                f"there is no secret `{reference}` here: write the secret itself, or `$NAME` to take it from "
                "the environment"
            )
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise NotFound(f"the secret `{reference}` was sealed with another key: write it anew") from None


def load_key(path: Path) -> bytes:
    """The key in the file at `path`, made on first use, readable by its owner only."""
    if not path.exists():
        # Written whole before it gets its name: a crash in between must not leave half a key behind.
        descriptor, draft = mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was faster
            os.link(draft, path)
        os.unlink(draft)
    return path.read_bytes().strip()
