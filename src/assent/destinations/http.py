"""Posting over HTTP: the pool of connections, and what an answer means for the events that were sent."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Final, NamedTuple, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import msgspec

from assent.destinations.connector import Outcome
from assent.domain.errors import Rejected, Unavailable

ANSWER_BYTES: Final = 2048
_ANSWER_SHOWN: Final = 500
_NOT_NOW: Final = frozenset({408, 423, 429})
_FAULTY: Final = frozenset({400, 413, 422})
_LONGEST_WAIT: Final = timedelta(days=1)
_SHORTEST_SECRET: Final = 6
# Less than the 5 seconds after which common servers hang up: a POST on a closing connection is an outage.
_IDLE_SECONDS: Final = 4

HttpUrl: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/?#@\\]+([/?#]\S*)?$(?!\n)")]
"""An address without credentials in it: those belong into a `Secret`."""

TimeoutSeconds: TypeAlias = Annotated[
    float,
    msgspec.Meta(
        gt=0,
        le=300,
        title="Timeout",
        description="How many seconds an answer may take before the events wait and are sent again.",
        examples=[10],
    ),
]


class Part(NamedTuple):
    """One event as it goes into the body of a request: its JSON."""

    message_id: str
    body: bytes


def in_runs(parts: Iterable[Part], limit: int) -> Iterator[list[Part]]:
    """The parts in order, cut into runs of at most `limit` bytes, a comma each included; never an empty run."""
    run: list[Part] = []
    size = 0
    for part in parts:
        size += len(part.body) + 1
        if run and size > limit:
            yield run
            run, size = [], len(part.body) + 1
        run.append(part)
    if run:
        yield run


async def post_runs(
    runs: Iterable[Sequence[Part]], post: Callable[[Sequence[Part]], Awaitable[Outcome]]
) -> list[Outcome]:
    """One request after the other; the outcome of each part.

    A run that the receiver calls faulty (400, 413, 422) goes again in halves, so that one bad event takes no other with
    it. An outage ends the posting: what is left shares it.
    """
    outcomes: list[Outcome] = []
    waiting = deque(runs)
    while waiting:
        run = waiting.popleft()
        outcome = await post(run)
        if isinstance(outcome, Unavailable):
            return outcomes + [outcome] * (len(run) + sum(map(len, waiting)))
        if isinstance(outcome, Rejected) and outcome.http_status in _FAULTY and len(run) > 1:
            half = len(run) // 2
            waiting.extendleft((run[half:], run[:half]))
        else:
            outcomes += [outcome] * len(run)
    return outcomes


class Endpoint:
    """One address that takes POST requests of JSON, with its pool of connections.

    What it answers is shown to people, so the values of `headers`, the URL's query and `secrets` are blanked in it.
    """

    def __init__(
        self, url: str, *, headers: Mapping[str, str], timeout: float, connections: int, secrets: Sequence[str] = ()
    ) -> None:
        self._url = url
        self._host = urlsplit(url).netloc
        own = {name.lower(): value for name, value in headers.items()}
        self._headers = {
            "content-type": "application/json",
            "user-agent": "Assent",
            **own,
            "accept-encoding": "identity",
        }
        self._timeout = timeout
        self._connections = connections
        self._secrets = _secrets(url, headers, secrets)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """The outcome of all that is in `body`: the status decides, whatever becomes of the rest of the answer."""
        try:
            request = self._open().post(self._url, data=body, headers=headers, allow_redirects=False)
            async with request as response:
                answer = await _start_of(response.content)
        except TimeoutError:
            return Unavailable(f"`{self._host}` gave no answer within {self._timeout:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return Unavailable(f"`{self._host}` could not be reached: {_cause(error)}")
        return judge(response.status, self._readable(answer), response.headers.get("Retry-After"), datetime.now(UTC))

    async def close(self) -> None:
        """Let go of the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=_IDLE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                auto_decompress=False,
            )
        return self._session

    def _readable(self, answer: bytes) -> str:
        """The start of an answer on one line; a secret that begins in what is shown was read whole, and is blanked."""
        text = answer.decode("utf-8", "replace")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        printable = "".join(letter if letter.isprintable() else " " for letter in text)
        return " ".join(printable.split())[:_ANSWER_SHOWN]


def judge(status: int, answer: str, retry_after: str | None, now: datetime) -> Outcome:
    """What an HTTP status means: 2xx delivered; 408, 423, 429 and 5xx except 501 a wait; all else a refusal."""
    if 200 <= status < 300:
        return None
    said = f"answered {status}: {answer}" if answer else f"answered {status}"
    if status in _NOT_NOW or (status >= 500 and status != 501):
        return Unavailable(said, http_status=status, after=wait_asked(retry_after, now))
    if 300 <= status < 400:
        said = f"answered {status}: redirects are not followed; set the URL to where it points"
    return Rejected(said, http_status=status)


def wait_asked(retry_after: str | None, now: datetime) -> timedelta | None:
    """The wait of a `Retry-After` header, in seconds or as an HTTP date: at most a day, None where it is unreadable."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), _LONGEST_WAIT.total_seconds()))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta()), _LONGEST_WAIT)


async def _start_of(content: aiohttp.StreamReader) -> bytes:
    start = bytearray()
    with suppress(aiohttp.ClientError, OSError):
        while len(start) < ANSWER_BYTES and (chunk := await content.read(ANSWER_BYTES - len(start))):
            start += chunk
    return bytes(start)


def _cause(error: Exception) -> str:
    """What went wrong, in words that never hold the URL (aiohttp's own do)."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    if isinstance(error, aiohttp.InvalidURL):
        return "the URL is not valid"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _secrets(url: str, headers: Mapping[str, str], others: Sequence[str]) -> list[str]:
    """Every text to blank, the longest first: a shorter one may be a part of it."""
    query = urlsplit(url).query
    found = {query, *others, *(value for _, value in parse_qsl(query))}
    for value in headers.values():
        found.update(value.split())
    return sorted((text for text in found if len(text) >= _SHORTEST_SECRET), key=len, reverse=True)
