"""The webhook connector: events as JSON to any URL, signed."""

import hashlib
import hmac
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Annotated, ClassVar, Final

import msgspec

from assent.destinations.connector import Connector, Outcome, Outgoing, Secret, Settings
from assent.destinations.http import Endpoint, HttpUrl, Part, TimeoutSeconds, in_runs, post_runs
from assent.domain.regulation import SubjectId, SubjectType

REQUEST_BYTES: Final = 1_000_000
_encode = msgspec.json.Encoder().encode
_KEY_PREFIX: Final = "whsec_"
# No full stop: the signature joins id, time and body with it, and the id is the client's to choose.
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_:~+/=-]{1,255}", re.ASCII)

_SigningSecret = Annotated[
    Secret,
    msgspec.Meta(
        pattern=r"^(whsec_(?=.)([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$(?!\n)|(?!whsec_)[\s\S])"
    ),
]
_HeaderName = Annotated[
    str, msgspec.Meta(pattern=r"^(?!(?i:content-length|transfer-encoding)$)[A-Za-z0-9!#$%&'*+.^_`|~-]+$(?!\n)")
]
_HeaderValue = Annotated[Secret, msgspec.Meta(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$(?!\n)")]


class WebhookSettings(Settings, frozen=True):
    """Where a webhook's events go, and how."""

    url: Annotated[
        HttpUrl,
        msgspec.Meta(
            title="URL",
            description="An `http://` or `https://` address, without credentials: those belong into `headers`.",
            examples=["https://hooks.example.com/events"],
        ),
    ]
    secret: Annotated[
        _SigningSecret | None,
        msgspec.Meta(
            title="Signing secret",
            description="Signs each request by Standard Webhooks. `whsec_` and base64, or any text.",
            examples=["$WEBHOOK_SECRET"],
        ),
    ] = None
    headers: Annotated[
        dict[_HeaderName, _HeaderValue],
        msgspec.Meta(
            title="Headers",
            description="Sent with each request. Their values are secrets; a line break in one is refused.",
            examples=[{"Authorization": "$WEBHOOK_AUTHORIZATION"}],
        ),
    ] = msgspec.field(default_factory=dict)
    batch_size: Annotated[
        int,
        msgspec.Meta(
            ge=1,
            le=1000,
            title="Batch size",
            description="1 sends each event as one JSON object; more sends a JSON array of up to so many.",
            examples=[50],
        ),
    ] = 1
    concurrency: Annotated[
        int,
        msgspec.Meta(
            ge=1,
            le=100,
            title="Concurrency",
            description="How many requests may run at once. One person's events stay in order; 1 keeps all in order.",
            examples=[8],
        ),
    ] = 8
    timeout: TimeoutSeconds = 10


class Webhook(Connector):
    """A URL that takes events as JSON."""

    name: ClassVar = "webhook"
    integration: ClassVar = "Webhook"
    title: ClassVar = "Webhook"
    description: ClassVar = """\
Sends each event as JSON to your URL. An answer of 2xx means delivered.

`Idempotency-Key` is the event's `messageId` (of a batch: a hash of them all) and the same at every attempt, so that you
can drop what you have already seen. A request holds at most 1 MB, so a batch of large events comes in several.

With a `secret`, requests are signed by [Standard Webhooks](https://www.standardwebhooks.com), whose libraries verify
them: `webhook-signature` is `v1,` and the base64 of the HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}`.
Refuse a timestamp more than five minutes old, and nobody can replay a request.

When a person is to be deleted, a message of the type `delete` comes with their `userId` or `anonymousId`, in place of
an event, and is sent again until it is answered with 2xx."""
    icon: ClassVar = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"'
        ' stroke-linecap="round" stroke-linejoin="round"><circle cx="12" cy="6" r="3"/><circle cx="6" cy="17" r="3"/>'
        '<circle cx="18" cy="17" r="3"/><path d="M10.500 9 7.500 14.300M9 17h6M13.500 9l3 5.300"/></svg>'
    )
    settings_type: ClassVar = WebhookSettings
    forgets: ClassVar = True

    def __init__(self, settings: WebhookSettings) -> None:
        self.batch_size = settings.batch_size
        self.concurrency = settings.concurrency
        self._signing_key = _signing_key(settings.secret) if settings.secret else None
        self._endpoint = Endpoint(
            settings.url, headers=settings.headers, timeout=settings.timeout, connections=settings.concurrency
        )

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        parts = [Part(one.message_id, _encode(one.event)) for one in batch]
        return await post_runs(in_runs(parts, REQUEST_BYTES), self._post)

    async def forget(self, people: Sequence[SubjectId], regulation: str) -> None:
        parts = [_delete_message(one, f"{regulation}-{number}") for number, one in enumerate(people)]
        for start in range(0, len(parts), self.batch_size):
            some = parts[start : start + self.batch_size]
            for outcome in await post_runs(in_runs(some, REQUEST_BYTES), self._post):
                if outcome is not None:
                    raise outcome

    async def close(self) -> None:
        await self._endpoint.close()

    async def _post(self, run: Sequence[Part]) -> Outcome:
        body = run[0].body if self.batch_size == 1 else b"[%b]" % b",".join([part.body for part in run])
        key = idempotency_key([part.message_id for part in run])
        headers = {"Idempotency-Key": key}
        if self._signing_key is not None:
            headers |= signature_headers(self._signing_key, key, int(time.time()), body)
        return await self._endpoint.post(body, headers)


def _delete_message(person: SubjectId, message_id: str) -> Part:
    """What Segment sends for a deletion."""
    id_of = {SubjectType.USER_ID: "userId", SubjectType.ANONYMOUS_ID: "anonymousId"}[person.type]
    return Part(message_id, _encode({"type": "delete", "messageId": message_id, id_of: person.id}))


def idempotency_key(message_ids: Sequence[str]) -> str:
    """The message id of one event; of several, or of one that is no plain text for a header, a hash."""
    if len(message_ids) == 1 and _PLAIN_ID.fullmatch(message_ids[0]):
        return message_ids[0]
    return hashlib.sha256(_encode(message_ids)).hexdigest()


def signature_headers(key: bytes, webhook_id: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks 1.0 (symmetric); `at` is in epoch seconds."""
    digest = hmac.digest(key, b"%b.%d.%b" % (webhook_id.encode(), at, body), "sha256")
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }


def _signing_key(secret: str) -> bytes:
    if secret.startswith(_KEY_PREFIX):
        return b64decode(secret.removeprefix(_KEY_PREFIX))
    return secret.encode()
