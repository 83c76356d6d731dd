"""Who is suppressed: known by keyed digests alone, from which nobody can read the ids back."""

import hashlib
import hmac
import sys
from collections.abc import Callable, Mapping
from typing import Final

from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.record import Record
from assent.domain.regulation import SubjectId, SubjectType
from assent.engine.person import subjects_of

SUPPRESSED: Final = Decision(Verdict.WITHHOLD, Reason.SUBJECT_SUPPRESSED)
"""What becomes of an event of somebody who is suppressed or was deleted."""

_DIGEST_BYTES: Final = 16
_REMEMBERED: Final = 50_000


class Digests:
    """Turns ids into digests, with a key of this data directory: so they say nothing without it."""

    def __init__(self, key: bytes) -> None:
        of_ids = hmac.digest(key, b"ids of people", "sha256")
        keyed = hashlib.blake2b(key=of_ids, digest_size=_DIGEST_BYTES)
        self.of_user = _digest_after(keyed, b"u")
        self.of_browser = _digest_after(keyed, b"a")

    def of(self, subject: SubjectId) -> bytes:
        return (self.of_user if subject.type is SubjectType.USER_ID else self.of_browser)(subject.id)


def _digest_after(keyed: "hashlib.blake2b", kind: bytes) -> Callable[[str], bytes]:
    begun = keyed.copy()
    begun.update(kind)

    def digest(id_: str) -> bytes:
        # A copy of what is keyed already costs half as much as keying again.
        found = begun.copy()
        found.update(id_.encode())
        return found.digest()

    return digest


class Suppressions:
    """Everyone who is suppressed now.

    An event that comes in is asked by its ids (`hold`), one that is in the log already by its offset too (`withhold`):
    from `until` on the log has none of theirs.
    """

    def __init__(self, digests: Digests) -> None:
        self.until = sys.maxsize
        self._users = _Held(digests.of_user)
        self._browsers = _Held(digests.of_browser)

    def __bool__(self) -> bool:
        return bool(self._users.digests or self._browsers.digests)

    def __len__(self) -> int:
        return len(self._users.digests) + len(self._browsers.digests)

    def replace(self, held: Mapping[SubjectType, frozenset[bytes]]) -> bool:
        """These and nobody else, from now on; whether that changed something."""
        changed = [
            self._users.replace(held.get(SubjectType.USER_ID, frozenset())),
            self._browsers.replace(held.get(SubjectType.ANONYMOUS_ID, frozenset())),
        ]
        if any(changed):
            self.until = sys.maxsize
        return any(changed)

    def hold(self, user_id: str | None, anonymous_id: str | None) -> bool:
        """Whether whoever has one of these ids is suppressed."""
        users, browsers = self._users, self._browsers
        return bool(
            (user_id and users.digests and users.have(user_id))
            or (anonymous_id and browsers.digests and browsers.have(anonymous_id))
        )

    def hold_any(self, body: bytes) -> bool:
        """Whether an event, which is any JSON, names somebody who is suppressed."""
        return any(
            self.hold(one.id, None) if one.type is SubjectType.USER_ID else self.hold(None, one.id)
            for one in subjects_of(body)
        )

    def withhold(self, offset: int, record: Record) -> bool:
        """Whether what is in the log may not be sent any more."""
        if record.is_erased:
            return True
        return offset < self.until and bool(self) and self.hold_any(record.body)


class _Held:
    """Ids of one kind, by their digests; the answers given last are remembered, because people come back."""

    def __init__(self, digest: Callable[[str], bytes]) -> None:
        self.digests: frozenset[bytes] = frozenset()
        self._digest = digest
        self._answers: dict[str, bool] = {}

    def replace(self, digests: frozenset[bytes]) -> bool:
        changed = digests != self.digests
        if changed:
            self.digests = digests
            self._answers = {}
        return changed

    def have(self, id_: str) -> bool:
        answer = self._answers.get(id_)
        if answer is None:
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            answer = self._answers[id_] = self._digest(id_) in self.digests
        return answer
