"""Sending a test event: straight through the connector, past the log, the accounts and all consent."""

import asyncio
import logging
import uuid
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from assent.app.wiring import Server, now
from assent.destinations.connector import Outgoing
from assent.domain.errors import Conflict, NotFound, Rejected, Unavailable
from assent.domain.trail import Happening

log = logging.getLogger("assent")

EVENT_NAME: Final = "Assent Test Event"
ANONYMOUS_ID: Final = "assent-test"
LIMIT_SECONDS: Final = 20

AnswerKind: TypeAlias = Literal["delivered", "unavailable", "rejected"]


class Answer(NamedTuple):
    """What a destination said of a test event; `said` holds no secret."""

    outcome: AnswerKind
    said: str
    http_status: int | None
    message_id: str


async def send_test_event(server: Server, destination_id: str, *, author: str) -> Answer:
    """Send one event to a destination, now, held or disabled or not, and put on record that it was sent.

    Raises NotFound; Conflict while another test event is on its way there.
    """
    worker = server.delivery.worker(destination_id)
    if worker is None or server.in_force.version.workspace.destination(destination_id) is None:
        raise NotFound(f"there is no destination `{destination_id}`")
    if destination_id in server.under_test:
        raise Conflict(f"a test event is on its way to `{destination_id}` already: wait for its answer")
    event = _event(now())
    server.under_test.add(destination_id)
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            outcome = await worker.send_aside(Outgoing(event["messageId"], event))
    except (Unavailable, Rejected) as error:
        outcome = error
    except TimeoutError:
        outcome = Unavailable(f"no answer within {LIMIT_SECONDS} s")
    except Exception as error:
        log.exception("the connector of `%s` has a bug", destination_id)
        outcome = Unavailable(f"the connector has a bug: {type(error).__name__}")
    finally:
        server.under_test.discard(destination_id)
    answer = _answer(outcome, event["messageId"])
    found = {"outcome": answer.outcome, "answer": answer.said, "messageId": answer.message_id}
    tested = Happening("Destination Tested", "destination", destination_id, None, found)
    await asyncio.to_thread(server.stores.trail.add, [tested], at=now(), author=author)
    return answer


def _event(at: int) -> dict[str, Any]:
    time = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "type": "track",
        "event": EVENT_NAME,
        "messageId": f"assent-test-{uuid.uuid4()}",
        "anonymousId": ANONYMOUS_ID,
        "properties": {"about": "Somebody sent this from Assent, to see whether it arrives. It is about nobody."},
        "context": {"library": {"name": "assent"}},
        "originalTimestamp": time,
        "timestamp": time,
        "receivedAt": time,
    }


def _answer(outcome: Unavailable | Rejected | None, message_id: str) -> Answer:
    if outcome is None:
        return Answer("delivered", "", None, message_id)
    kind: AnswerKind = "unavailable" if isinstance(outcome, Unavailable) else "rejected"
    return Answer(kind, outcome.answer, outcome.http_status, message_id)
