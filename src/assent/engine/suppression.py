"""Who is suppressed: known by keyed digests alone, from which nobody can read the ids back."""

import hashlib
import hmac
import sys
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.record import Record
from assent.domain.regulation import Subject, SubjectType
from assent.engine.person import subjects_of

SUPPRESSED: Final = Decision(Verdict.WITHHOLD, Reason.SUBJECT_SUPPRESSED)
"""What becomes of an event of somebody who is suppressed or was deleted."""

_DIGEST_BYTES: Final = 16
_REMEMBERED: Final = 50_000
_KINDS: Final = {SubjectType.USER_ID: b"u", SubjectType.ANONYMOUS_ID: b"a"}


class Digests:
    """Turns ids into digests, with a key of this data directory: so they say nothing without it."""

    def __init__(self, key: bytes) -> None:
        of_ids = hmac.digest(key, b"ids of people", "sha256")
        keyed = hashlib.blake2b(key=of_ids, digest_size=_DIGEST_BYTES)
        self._of_kind = {}
        for kind, prefix in _KINDS.items():
            self._of_kind[kind] = keyed.copy()
            self._of_kind[kind].update(prefix)

    def of(self, subject: Subject) -> bytes:
        return self.of_id(subject.type, subject.id)

    def of_id(self, kind: SubjectType, id_: str) -> bytes:
        # A copy of what is keyed already costs half as much as keying again.
        digest = self._of_kind[kind].copy()
        digest.update(id_.encode(errors="surrogatepass"))
        return digest.digest()


class Suppressions:
    """Everyone who is suppressed now.

    An event that comes in is asked by its ids (`hold`), one that is in the log already by its offset too (`withhold`):
    from `until` on the log has none of theirs.
    """

    def __init__(self, digests: Digests) -> None:
        self._digest = digests.of_id
        self._held: frozenset[bytes] = frozenset()
        self.until = sys.maxsize
        self._holds_id = lru_cache(_REMEMBERED)(self._look_up)

    def __bool__(self) -> bool:
        return bool(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def replace(self, held: Collection[bytes]) -> bool:
        """These and nobody else, from now on; whether that changed something."""
        changed = frozenset(held) != self._held
        if changed:
            self._held = frozenset(held)
            self._holds_id.cache_clear()
            self.until = sys.maxsize
        return changed

    def hold(self, user_id: str | None, anonymous_id: str | None) -> bool:
        """Whether whoever has one of these ids is suppressed."""
        return bool(
            (user_id and self._holds_id(SubjectType.USER_ID, user_id))
            or (anonymous_id and self._holds_id(SubjectType.ANONYMOUS_ID, anonymous_id))
        )

    def hold_any(self, body: bytes) -> bool:
        """Whether an event, which is any JSON, names somebody who is suppressed."""
        return any(self._holds_id(one.type, one.id) for one in subjects_of(body))

    def withhold(self, offset: int, record: Record) -> bool:
        """Whether what is in the log may not be sent any more."""
        if record.is_erased:
            return True
        return bool(self._held) and offset < self.until and self.hold_any(record.body)

    def _look_up(self, kind: SubjectType, id_: str) -> bool:
        return self._digest(kind, id_) in self._held
