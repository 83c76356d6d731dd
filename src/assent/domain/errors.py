"""The one tree of errors.

    AssentError                  HTTP status
    |-- InvalidInput             400   the caller sent something that cannot be used
    |   |-- InvalidWorkspace     400   a workspace file or document with a mistake: file, line, key, what is allowed
    |   `-- BodyTooLarge         400   a request over Segment's limits (an event 32 KB, a batch 500 KB)
    |-- Unauthorized             401   no key or token, an unknown one, or two that differ
    |-- TooManyTries             429   somebody guesses, or mistypes: wait
    |-- Forbidden                403   a token whose role may not do this
    |-- NotFound                 404   no such event, destination, version, write key
    |-- Conflict                 409   somebody else changed it meanwhile
    |-- LogUnavailable           503   the log cannot be written (disk full, I/O error): nothing was stored
    `-- DeliveryError            (never leaves the worker)
        |-- Unavailable                the destination cannot take events now: the event waits and is tried again
        `-- Rejected                   the destination refused these events for good

Messages are lower case, show the wrong value in backticks and say what to do.
"""

from datetime import timedelta


class AssentError(Exception):
    """Anything that Assent reports to a caller."""

    status = 500

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidInput(AssentError):
    """The caller sent something that cannot be used."""

    status = 400


class InvalidWorkspace(InvalidInput):
    """A workspace document with a mistake; `field` is its path, such as `consent.categories[0].id`."""


class BodyTooLarge(InvalidInput):
    """A request over the limits of the tracking API."""


class Unauthorized(AssentError):
    """No key or token, an unknown one, or two that differ."""

    status = 401


class TooManyTries(AssentError):
    """Signing in failed too often; `after` is how long to wait."""

    status = 429

    def __init__(self, message: str, *, after: timedelta) -> None:
        super().__init__(message)
        self.after = after


class Forbidden(AssentError):
    """A token whose role may not do this."""

    status = 403


class NotFound(AssentError):
    """No such thing."""

    status = 404


class Conflict(AssentError):
    """Somebody else changed it meanwhile."""

    status = 409


class LogUnavailable(AssentError):
    """The log cannot be written; nothing of the request was stored."""

    status = 503


class DeliveryError(AssentError):
    """A destination did not take what it was sent.

    `answer` is what it said, kept with the event: no secrets, at most 2,000 characters.
    """

    def __init__(self, answer: str, *, http_status: int | None = None) -> None:
        super().__init__(answer[:2000])
        self.answer = answer[:2000]
        self.http_status = http_status


class Unavailable(DeliveryError):
    """The destination cannot take events now; `after` is how long it asked to be left alone."""

    def __init__(self, answer: str, *, http_status: int | None = None, after: timedelta | None = None) -> None:
        super().__init__(answer, http_status=http_status)
        self.after = after


class Rejected(DeliveryError):
    """The destination refused these events for good."""
