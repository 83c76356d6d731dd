"""The workspace of a running server, through its management API."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from assent.app.api.backfills import (
    Backfill,
    BackfillBody,
    BackfillList,
    BackfillPreview,
    BackfillPreviews,
    NewBackfillBody,
)
from assent.app.api.drafts import DraftInFull, DraftList, DraftSummary, NewDraftBody, ShadowBody, ShadowCounts
from assent.app.api.holds import FailedBody, HeldForDestination, HeldList, HoldBody, SentAgain
from assent.app.api.observing import ObserveBody
from assent.app.api.regulations import CreatedRegulation, NewRegulation, OneRegulation, Regulation, RegulationPage
from assent.app.api.trials import TriedWorkspace
from assent.app.services.holds import Kind
from assent.domain.errors import AssentError, Conflict, Forbidden, InvalidInput, NotFound, Unauthorized
from assent.domain.workspace import Workspace

_SECONDS: Final = 60
_ERRORS: Final = {one.status: one for one in (InvalidInput, Unauthorized, Forbidden, NotFound, Conflict)}

_Read = TypeVar("_Read")


class _Error(msgspec.Struct):
    message: str


class _Errors(msgspec.Struct):
    errors: list[_Error]


class Remote:
    """One server, and the token that speaks for us there.

    Every call raises the AssentError that the server answers with, or one that says why it could not be asked.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def plan(self, workspace: Workspace, hours: int) -> TriedWorkspace:
        """What `apply` would do, tried on the events of the last hours."""
        return self._read(_tried, self._ask("POST", "trials", workspace, hours=str(hours)))

    def apply(self, workspace: Workspace, *, after: int, comment: str) -> int:
        """Put `workspace` into force after version `after`; returns the version that is then in force."""
        answer = self._ask("PUT", "workspace", workspace, expectedVersion=str(after), comment=comment)
        return self._read(lambda version: int(version["number"]), answer)

    def current(self) -> int:
        """The number of the version in force."""
        return self._read(lambda version: int(version["number"]), self._ask("GET", "workspace"))

    def plan_restore(self, number: int, hours: int) -> TriedWorkspace:
        """What `restore` would do."""
        answer = self._ask("GET", f"workspace/versions/{number}")
        wanted = self._read(lambda version: msgspec.convert(version["workspace"], Workspace), answer)
        return self.plan(wanted, hours)

    def restore(self, number: int, *, after: int, comment: str) -> int:
        """Put version `number` into force again; returns the version that is then in force."""
        path = f"workspace/versions/{number}/restore"
        answer = self._ask("POST", path, expectedVersion=str(after), comment=comment)
        return self._read(lambda version: int(version["number"]), answer)

    def drafts(self) -> Sequence[DraftSummary]:
        return self._read(lambda found: msgspec.convert(found, DraftList).drafts, self._ask("GET", "drafts"))

    def draft(self, draft_id: str) -> DraftInFull:
        return self._read(_draft, self._ask("GET", _draft_path(draft_id)))

    def new_draft(self, name: str) -> DraftInFull:
        return self._read(_draft, self._ask("POST", "drafts", NewDraftBody(name)))

    def put_draft(self, draft_id: str, workspace: Workspace) -> DraftInFull:
        return self._read(_draft, self._ask("PUT", _draft_path(draft_id), workspace))

    def try_draft(self, draft_id: str, hours: int) -> TriedWorkspace:
        return self._read(_tried, self._ask("POST", f"{_draft_path(draft_id)}/trial", hours=str(hours)))

    def apply_draft(self, draft_id: str, comment: str) -> int:
        """Put it into force; returns the version that is then in force."""
        answer = self._ask("POST", f"{_draft_path(draft_id)}/apply", comment=comment)
        return self._read(lambda found: int(found["version"]), answer)

    def shadow(self, draft_id: str) -> ShadowCounts:
        return self._read(_shadow, self._ask("GET", f"{_draft_path(draft_id)}/shadow"))

    def set_shadow(self, draft_id: str, on: bool) -> ShadowCounts:
        return self._read(_shadow, self._ask("POST", f"{_draft_path(draft_id)}/shadow", ShadowBody(on)))

    def delete_draft(self, draft_id: str) -> None:
        self._ask("DELETE", _draft_path(draft_id))

    def observe(self, on: bool, comment: str) -> int:
        """Begin or end to observe; returns the version that is then in force."""
        answer = self._ask("POST", "workspace/observe", ObserveBody(observe=on, comment=comment))
        return self._read(lambda found: int(found["version"]), answer)

    def hold(self, kind: Kind, id_: str, on: bool, comment: str) -> int:
        """Hold or release it; returns the version that is then in force."""
        body = HoldBody(kind=kind, id=id_, comment=comment)
        answer = self._ask("POST", "workspace/hold" if on else "workspace/release", body)
        return self._read(lambda found: int(found["version"]), answer)

    def held(self) -> Sequence[HeldForDestination]:
        return self._read(lambda found: msgspec.convert(found, HeldList).held, self._ask("GET", "held"))

    def preview_backfill(self, asked: NewBackfillBody) -> Sequence[BackfillPreview]:
        body = BackfillBody(**{name: getattr(asked, name) for name in BackfillBody.__struct_fields__})
        answer = self._ask("POST", "backfill-preview", body)
        return self._read(lambda found: msgspec.convert(found, BackfillPreviews).destinations, answer)

    def start_backfill(self, asked: NewBackfillBody) -> Sequence[Backfill]:
        return self._read(_backfills, self._ask("POST", "backfills", asked))

    def backfills(self) -> Sequence[Backfill]:
        return self._read(_backfills, self._ask("GET", "backfills"))

    def move_backfill(self, job: str, how: str) -> Backfill:
        answer = self._ask("POST", f"backfills/{quote(job, safe='')}/{how}")
        return self._read(lambda found: msgspec.convert(found, Backfill), answer)

    def send_again(self, wanted: FailedBody) -> SentAgain:
        answer = self._ask("POST", "attempts/send-again", wanted)
        return self._read(lambda found: msgspec.convert(found, SentAgain), answer)

    def regulate(self, new: NewRegulation) -> Regulation:
        answer = self._ask("POST", "regulations", new)
        return self._read(lambda found: msgspec.convert(found, CreatedRegulation).regulation, answer)

    def regulations(self) -> Sequence[Regulation]:
        answer = self._ask("GET", "regulations")
        return self._read(lambda found: msgspec.convert(found, RegulationPage).regulations, answer)

    def regulation(self, regulation_id: str) -> Regulation:
        answer = self._ask("GET", f"regulations/{quote(regulation_id, safe='')}")
        return self._read(lambda found: msgspec.convert(found, OneRegulation).regulation, answer)

    def export_person(self, id_: str, to: Path) -> int:
        """Write everything about one person into a file, as it comes; how many bytes that is."""
        try:
            with to.open("xb") as file:
                asyncio.run(self._download(f"{self._url}/api/v1/profiles/{quote(id_, safe='')}/export", file))
                return file.tell()
        except AssentError:
            to.unlink()
            raise

    def export(self) -> str:
        """The workspace file of what is in force."""
        return self._ask("GET", "workspace/export").decode()

    def _read(self, read: Callable[[Any], _Read], answer: bytes) -> _Read:
        try:
            return read(msgspec.json.decode(answer)["data"])
        except (msgspec.MsgspecError, KeyError, TypeError):
            raise AssentError(f"`{self._url}` does not answer as Assent does: is the address right?") from None

    def _ask(self, method: str, path: str, body: msgspec.Struct | None = None, **query: str) -> bytes:
        status, answer = asyncio.run(self._request(method, f"{self._url}/api/v1/{path}", body, query))
        if status >= 300:
            raise _ERRORS.get(status, AssentError)(_message(answer) or f"`{self._url}` answered {status}")
        return answer

    async def _request(
        self, method: str, url: str, body: msgspec.Struct | None, query: Mapping[str, str]
    ) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        data = msgspec.json.encode(body) if body is not None else None
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
                # No redirects: whoever answers one would get the token.
                session.request(
                    method, url, params=query, data=data, headers=headers, allow_redirects=False
                ) as response,
            ):
                return response.status, await response.read()
        except TimeoutError:
            raise AssentError(f"`{self._url}` gave no answer within {_SECONDS} s") from None
        except (aiohttp.ClientError, ValueError) as error:
            raise _not_there(self._url, error) from None

    async def _download(self, url: str, file: BinaryIO) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        timeout = aiohttp.ClientTimeout(sock_read=_SECONDS)  # for each part: the whole may take long
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
                session.get(url, headers=headers, allow_redirects=False) as response,
            ):
                if response.status >= 300:
                    said = _message(await response.read()) or f"`{self._url}` answered {response.status}"
                    raise _ERRORS.get(response.status, AssentError)(said)
                async for part in response.content.iter_any():
                    file.write(part)
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise _not_there(self._url, error) from None


def _not_there(url: str, error: Exception) -> AssentError:
    return AssentError(f"`{url}` cannot be asked: {error}")


def _draft_path(draft_id: str) -> str:
    return f"drafts/{quote(draft_id, safe='')}"


def _draft(found: Any) -> DraftInFull:
    return msgspec.convert(found, DraftInFull)


def _shadow(found: Any) -> ShadowCounts:
    return msgspec.convert(found, ShadowCounts)


def _tried(found: Any) -> TriedWorkspace:
    return msgspec.convert(found, TriedWorkspace)


def _backfills(found: Any) -> Sequence[Backfill]:
    return msgspec.convert(found, BackfillList).backfills


def _message(answer: bytes) -> str:
    """What an error in the form of the management API says."""
    try:
        return "\n".join(one.message for one in msgspec.json.decode(answer, type=_Errors).errors)
    except msgspec.MsgspecError:
        return ""
