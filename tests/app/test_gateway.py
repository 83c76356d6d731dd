"""The gateway against what Segment's clients send and expect (WIRE.md, "Tracking API" and "Consent"), line by line."""

import gzip
import json
import socket
import time
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest

from assent.domain.record import EVENT_TYPES, DiscardCode
from harness import Server, running_server, wait_until
from harness.http_client import Answer, HttpClient, basic, exchange

KEY, OTHER_KEY, SLEEPING_KEY = "web-key", "app-key", "sleeping-key"
GIF = b"GIF89a"
WORKSPACE = {
    "consent": {"preset": "segment-ga"},
    "sources": [
        {"id": "web", "write_key": KEY},
        {"id": "app", "write_key": OTHER_KEY},
        {"id": "sleeping", "write_key": SLEEPING_KEY, "enabled": False},
    ],
    "destinations": [{"id": "everything"}],
}

_numbers = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(WORKSPACE, tmp_path_factory.mktemp("gateway")) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[HttpClient]:
    client = HttpClient(server.port)
    yield client
    client.close()


def an_id() -> str:
    return f"gateway-{next(_numbers)}"


def an_event(**fields: Any) -> dict[str, Any]:
    return {"messageId": an_id(), "type": "track", "event": "Bought", "userId": "u1", "writeKey": KEY, **fields}


def arrived(server: Server, *message_ids: str) -> list[dict[str, Any]]:
    """These events as the destination got them, once it has them all; in the order of arrival."""

    def found() -> list[dict[str, Any]]:
        return [one for one in server.delivered("everything") if one["messageId"] in message_ids]

    wait_until(lambda: len(found()) >= len(message_ids), lambda: f"{message_ids} arrive: {found()}")
    return found()


def discarded(client: HttpClient, code: str, source: str = "web") -> int:
    """How many items were discarded so, by the server's own count."""
    wanted = f'assent_discarded_total{{code="{code}",source="{source}"}} '
    text = client.get("/metrics").body.decode()
    return next((int(float(line.split()[-1])) for line in text.splitlines() if line.startswith(wanted)), 0)


def assert_success(answer: Answer) -> None:
    assert (answer.status, answer.body) == (200, b'{"success": true}')
    assert answer.headers["content-type"] == "application/json"
    assert_readable_anywhere(answer)


def assert_error(answer: Answer, status: int, code: str) -> None:
    """Without both keys, analytics-python sends a 400 ten times more."""
    assert (answer.status, answer.json["code"]) == (status, code), answer.body
    assert answer.json["message"]
    assert set(answer.json) == {"code", "message"}
    assert_readable_anywhere(answer)


def assert_readable_anywhere(answer: Answer) -> None:
    assert answer.headers["access-control-allow-origin"] == "*"


# --- paths


@pytest.mark.parametrize("event_type", EVENT_TYPES)
@pytest.mark.parametrize("short", [False, True])
def test_each_type_of_event_has_its_path_and_its_short_one(
    client: HttpClient, server: Server, event_type: str, short: bool
) -> None:
    event = an_event(type="nonsense", traits={}, groupId="g", previousId="p")
    assert_success(client.post(f"/v1/{event_type[0] if short else event_type}", event))
    [got] = arrived(server, event["messageId"])
    assert got["type"] == event_type


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", "/v1/b"])
def test_batches_have_three_paths(client: HttpClient, server: Server, path: str) -> None:
    events = [an_event(), an_event(type="identify", traits={"a": 1})]
    assert_success(client.post(path, {"batch": events, "writeKey": KEY}))
    got = arrived(server, *(one["messageId"] for one in events))
    assert [one["type"] for one in got] == ["track", "identify"]


def test_metrics_of_the_browser_library_are_taken_and_dropped(client: HttpClient) -> None:
    assert_success(client.post("/v1/m", {"series": [{"type": "Counter", "metric": "x", "value": 1, "tags": {}}]}))
    for odd in (b"not json", b"[]", b"{", b'{"series": 1}', b'{"series": [1]}', b"[" * 9_000, b"\xff", b"x" * 100_000):
        assert_success(client.post("/v1/m", odd))


@pytest.mark.parametrize("path", ["/v1/nowhere", "/v1/", "/v1", "/nowhere", "/v1/track/", "/V1/TRACK", "//v1/track"])
def test_there_is_nothing_elsewhere(client: HttpClient, path: str) -> None:
    assert_error(client.post(path, an_event()), 404, "not_found")
    assert_error(client.get(path), 404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/b", "/v1/m"])
def test_other_methods_are_refused(client: HttpClient, method: str, path: str) -> None:
    assert_error(client.send(method, path, an_event()), 405, "method_not_allowed")


# --- the write key


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
def test_the_key_may_be_in_the_header_in_the_body_or_in_both(client: HttpClient, server: Server, path: str) -> None:
    def sent(event: dict[str, Any], key: str | None, headers: dict[str, str]) -> str:
        event["writeKey"] = key
        body = event if path == "/v1/track" else {"batch": [{**event, "writeKey": None}], "writeKey": key}
        assert_success(client.post(path, body, headers))
        return str(event["messageId"])

    ids = [
        sent(an_event(), None, basic(KEY)),
        sent(an_event(), None, basic(KEY, password="ignored")),
        sent(an_event(), KEY, {}),
        sent(an_event(), KEY, basic(KEY)),
        sent(an_event(), KEY, basic("")),
        sent(an_event(), "", basic(KEY)),
        sent(an_event(), KEY, {"Authorization": "Bearer something-else"}),
        sent(an_event(), KEY, {"Authorization": "Basic *not base64*"}),
        sent(an_event(), KEY, {"Authorization": "basic " + b64encode(f"{KEY}:".encode()).decode()}),
    ]
    got = arrived(server, *ids)
    assert len(got) == len(ids)
    assert not any("writeKey" in one for one in got)


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
@pytest.mark.parametrize(
    ("in_body", "headers"),
    [
        (OTHER_KEY, basic(KEY)),
        ("unknown", {}),
        (None, basic("unknown")),
        (None, {}),
        ("", {}),
        (None, {"Authorization": "Basic"}),
        (KEY.upper(), {}),
    ],
)
def test_two_keys_that_differ_an_unknown_one_and_none_are_refused(
    client: HttpClient, path: str, in_body: str | None, headers: dict[str, str]
) -> None:
    body = an_event(writeKey=in_body)
    answer = client.post(path, body if path == "/v1/track" else {"batch": [body], "writeKey": in_body}, headers)
    assert_error(answer, 401, "unauthorized")


@pytest.mark.parametrize("key", [17, ["web-key"], {"a": 1}, True])
def test_a_key_that_is_no_text_is_none(client: HttpClient, key: Any) -> None:
    assert_error(client.post("/v1/track", an_event(writeKey=key)), 401, "unauthorized")
    assert_error(client.post("/v1/batch", {"batch": [], "writeKey": key}), 401, "unauthorized")


def test_a_key_names_its_source(client: HttpClient, server: Server) -> None:
    """The same message id of two sources is two events."""
    event = an_event()
    assert_success(client.post("/v1/track", event))
    assert_success(client.post("/v1/track", {**event, "writeKey": OTHER_KEY}))
    assert_success(client.post("/v1/track", event))
    wait_until(
        lambda: len([1 for one in server.delivered("everything") if one["messageId"] == event["messageId"]]) == 2,
        "both",
    )


def test_what_a_sleeping_source_sends_is_discarded(client: HttpClient) -> None:
    before = discarded(client, DiscardCode.SOURCE_DISABLED, "sleeping")
    assert_success(client.post("/v1/track", an_event(writeKey=SLEEPING_KEY)))
    assert_success(client.post("/v1/batch", {"batch": [an_event(), an_event()], "writeKey": SLEEPING_KEY}))
    assert discarded(client, DiscardCode.SOURCE_DISABLED, "sleeping") == before + 3


# --- the body


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "image/gif", ""])
def test_the_body_is_json_whatever_the_content_type_says(client: HttpClient, server: Server, content_type: str) -> None:
    event = an_event()
    assert_success(client.post("/v1/track", event, {"Content-Type": content_type}))
    arrived(server, event["messageId"])


@pytest.mark.parametrize("level", [0, 1, 9])
def test_gzip_is_unpacked(client: HttpClient, server: Server, level: int) -> None:
    event, other = an_event(), an_event()
    zipped = gzip.compress(json.dumps(event).encode(), level)
    assert_success(client.post("/v1/track", zipped, {"Content-Encoding": "gzip"}))
    batch = gzip.compress(json.dumps({"batch": [other], "writeKey": KEY}).encode())
    assert_success(client.post("/v1/batch", batch, {"Content-Encoding": "GZIP "}))
    arrived(server, event["messageId"], other["messageId"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no gzip",
        gzip.compress(b'{"userId": "u"}')[:-9],
        gzip.compress(b'{"userId": "u"}')[:12] + b"\xff" * 30,
        zlib.compress(b'{"userId": "u"}'),
        gzip.compress(b'{"userId": "u"}') + b"more",
        gzip.compress(b'{"userId":') + gzip.compress(b'"u"}'),
    ],
    ids=["nothing", "text", "cut", "damaged", "zlib", "followed", "two members"],
)
def test_broken_gzip_is_refused(client: HttpClient, body: bytes) -> None:
    assert_error(client.post("/v1/track", body, {"Content-Encoding": "gzip", **basic(KEY)}), 400, "invalid_input")


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip"])
def test_an_unknown_encoding_is_refused(client: HttpClient, encoding: str) -> None:
    answer = client.post("/v1/track", an_event(), {"Content-Encoding": encoding})
    assert_error(answer, 400, "invalid_input")


NOT_JSON = [
    b"",
    b"{",
    b'{"a":1}}',
    b"track",
    b"'a'",
    b'{"a":1,}',
    b"NaN",
    b'{"userId":"\xff"}',
    b"\xff\xfe{\x00}\x00",
    b'{"a":"\n"}',
    b"[" * 5000,
    b"[" * 5000 + b"]" * 5000,
]


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch", "/v1/p"])
@pytest.mark.parametrize("body", NOT_JSON, ids=lambda body: repr(body[:12]))
def test_a_body_that_is_no_json_is_refused(client: HttpClient, path: str, body: bytes) -> None:
    assert_error(client.post(path, body, basic(KEY)), 400, "invalid_input")


# --- limits


def padded(size: int, **fields: Any) -> dict[str, Any]:
    """An event of exactly so many bytes."""
    event = an_event(properties={"text": ""}, **fields)
    event["properties"]["text"] = "x" * (size - len(json.dumps(event)))
    assert len(json.dumps(event)) == size
    return event


def test_an_event_may_have_32_kilobytes(client: HttpClient, server: Server) -> None:
    event = padded(32 * 1024)
    assert_success(client.post("/v1/track", event))
    assert_error(client.post("/v1/track", padded(32 * 1024 + 1)), 400, "body_too_large")
    arrived(server, event["messageId"])


def test_a_batch_may_have_500_kilobytes(client: HttpClient, server: Server) -> None:
    events = [padded(30_000) for _ in range(17)]
    frame = len(json.dumps({"batch": events, "writeKey": KEY}))
    fits = [*events[:16], padded(30_000 - (frame - 500 * 1024))]
    assert_success(client.post("/v1/batch", {"batch": fits, "writeKey": KEY}))
    over = [*events[:16], padded(30_001 - (frame - 500 * 1024))]
    assert_error(client.post("/v1/batch", {"batch": over, "writeKey": KEY}), 400, "body_too_large")
    arrived(server, *(one["messageId"] for one in fits))


def test_the_limit_holds_for_the_decompressed_size(client: HttpClient, server: Server) -> None:
    event = padded(32 * 1024)
    fits, over = gzip.compress(json.dumps(event).encode()), gzip.compress(json.dumps(padded(32 * 1024 + 1)).encode())
    assert len(over) < 1000
    assert_success(client.post("/v1/track", fits, {"Content-Encoding": "gzip"}))
    assert_error(client.post("/v1/track", over, {"Content-Encoding": "gzip"}), 400, "body_too_large")
    bomb = gzip.compress(b"0" * 100_000_000)
    assert_error(client.post("/v1/batch", bomb, {"Content-Encoding": "gzip"}), 400, "body_too_large")
    arrived(server, event["messageId"])


def test_of_more_than_2500_events_the_surplus_is_discarded(client: HttpClient, server: Server) -> None:
    small = [{"type": "track", "event": "e", "userId": "u", "messageId": an_id()} for _ in range(2503)]
    before = discarded(client, DiscardCode.TOO_MANY_EVENTS)
    assert_success(client.post("/v1/batch", {"batch": small, "writeKey": KEY}))
    arrived(server, *(one["messageId"] for one in small[:2500]))
    assert discarded(client, DiscardCode.TOO_MANY_EVENTS) == before + 3
    assert small[2500]["messageId"] not in {one["messageId"] for one in server.delivered("everything")}


def test_an_event_that_is_too_large_takes_no_other_of_its_batch_with_it(client: HttpClient, server: Server) -> None:
    events = [an_event(), padded(32 * 1024 + 1), an_event()]
    before = discarded(client, DiscardCode.EVENT_TOO_LARGE)
    assert_success(client.post("/v1/batch", {"batch": events, "writeKey": KEY}))
    assert discarded(client, DiscardCode.EVENT_TOO_LARGE) == before + 1
    arrived(server, events[0]["messageId"], events[2]["messageId"])


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_over_a_megabyte_is_answered_once_and_not_reset(server: Server, path: str, chunked: bool) -> None:
    """A client that saw a reset would send it again for ever; it sends all of it before it reads the answer."""
    body = b'{"batch":["' + b"x" * 1_500_000 + b'"]}'
    framing = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" if chunked else b"Content-Length: %d\r\n\r\n%b"
    request = b"POST %b HTTP/1.1\r\nHost: x\r\n" % path.encode() + framing % (len(body), body)
    answer = exchange(server.port, request)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert b'"code":"body_too_large"' in answer


@pytest.mark.parametrize("length", [500 * 1024 + 1, 100_000_000])
def test_a_large_body_is_refused_before_it_is_sent(server: Server, length: int) -> None:
    """The limit holds while reading, not after."""
    head = b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_a_chunked_body_is_refused_as_soon_as_it_is_too_large(server: Server) -> None:
    head = b"POST /v1/track HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as connection:
        connection.sendall(head + b"8001\r\n" + b" " * 0x8001 + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_a_chunked_body_is_read_whole(client: HttpClient, server: Server) -> None:
    event = an_event()
    body = json.dumps(event).encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:1], body[1:50], body[50:])) + b"0\r\n\r\n"
    head = b"POST /v1/track HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert exchange(server.port, head + chunks).startswith(b"HTTP/1.1 200 ")
    arrived(server, event["messageId"])


def test_a_length_with_thousands_of_zeros_before_it_is_a_length(server: Server) -> None:
    event = an_event()
    body = json.dumps(event).encode()
    head = b"POST /v1/track HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %b%d\r\n\r\n"
    assert exchange(server.port, head % (b"0" * 5000, len(body)) + body).startswith(b"HTTP/1.1 200 ")
    arrived(server, event["messageId"])


# --- discards


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        ("track", {"userId": None, "anonymousId": None}, DiscardCode.NO_USER_ANON_ID),
        ("track", {"userId": ""}, DiscardCode.NO_USER_ANON_ID),
        ("track", {"userId": 17}, DiscardCode.ID_NOT_STRING),
        ("track", {"anonymousId": {}}, DiscardCode.ID_NOT_STRING),
        ("track", {"messageId": 1}, DiscardCode.ID_NOT_STRING),
        ("track", {"event": None}, DiscardCode.EVENT_NOT_DEFINED),
        ("track", {"event": ""}, DiscardCode.EVENT_NOT_DEFINED),
        ("track", {"event": 3}, DiscardCode.EVENT_NOT_STRING),
        ("track", {"properties": []}, DiscardCode.PROPERTIES_NOT_OBJECT),
        ("page", {"properties": "x"}, DiscardCode.PROPERTIES_NOT_OBJECT),
        ("screen", {"name": 1}, DiscardCode.NAME_NOT_STRING),
        ("page", {"category": 1}, DiscardCode.CATEGORY_NOT_STRING),
        ("identify", {"traits": []}, DiscardCode.TRAITS_NOT_OBJECT),
        ("group", {"traits": 0}, DiscardCode.TRAITS_NOT_OBJECT),
    ],
)
def test_what_is_no_event_is_discarded_with_segments_code(
    client: HttpClient, path: str, fields: dict[str, Any], code: str
) -> None:
    for send in (f"/v1/{path}", "/v1/batch"):
        before = discarded(client, code)
        event = an_event(type=path, **fields)
        assert_success(client.post(send, {"batch": [event], "writeKey": KEY} if send == "/v1/batch" else event))
        assert discarded(client, code) == before + 1


def test_nulls_are_like_missing(client: HttpClient, server: Server) -> None:
    """analytics-python sends them explicitly."""
    event = an_event(anonymousId=None, name=None, category=None, traits=None, context=None, integrations=None)
    assert_success(client.post("/v1/track", event))
    anonymous = an_event(userId=None, anonymousId="a1", properties=None, timestamp=None)
    assert_success(client.post("/v1/page", anonymous))
    arrived(server, event["messageId"], anonymous["messageId"])


def test_an_alias_may_come_with_a_user_id_alone(client: HttpClient, server: Server) -> None:
    event = an_event()
    assert_success(client.post("/v1/alias", event))
    arrived(server, event["messageId"])


@pytest.mark.parametrize(
    ("batch", "code"),
    [
        ([], DiscardCode.EMPTY_BATCH),
        (None, DiscardCode.BAD_REQUEST),
        ("x", DiscardCode.BAD_REQUEST),
        ({"a": 1}, DiscardCode.BAD_REQUEST),
        ([17], DiscardCode.BAD_REQUEST),
        (["x"], DiscardCode.BAD_REQUEST),
        ([[]], DiscardCode.BAD_REQUEST),
        ([{"type": "nonsense", "userId": "u"}], DiscardCode.BAD_REQUEST),
        ([{"userId": "u"}], DiscardCode.BAD_REQUEST),
    ],
)
def test_a_batch_without_events_is_a_discard(client: HttpClient, batch: Any, code: str) -> None:
    before = discarded(client, code)
    assert_success(client.post("/v1/batch", {"batch": batch, "writeKey": KEY}))
    assert discarded(client, code) == before + 1


def test_the_good_items_of_a_batch_are_kept(client: HttpClient, server: Server) -> None:
    good = [an_event() for _ in range(3)]
    batch = [good[0], 17, good[1], {"type": "track"}, an_event(userId=5), good[2], None]
    assert_success(client.post("/v1/batch", {"batch": batch, "writeKey": KEY}))
    assert len(arrived(server, *(one["messageId"] for one in good))) == 3


# --- consent updates


def an_update(consent: Any, **context: Any) -> dict[str, Any]:
    event = "Segment Consent Preference Updated"
    return an_event(event=event, context={"consent": consent, **context} if consent is not None else context)


@pytest.mark.parametrize(
    ("update", "code"),
    [
        (an_update(None), "consent_categorypreferences_should_exist"),
        (an_update({}), "consent_categorypreferences_should_exist"),
        (an_update({"categoryPreferences": None}), "consent_categorypreferences_should_exist"),
        (an_update({"categoryPreferences": []}), "consent_categorypreferences_fields_should_be_object"),
        (an_update({"categoryPreferences": "yes"}), "consent_categorypreferences_fields_should_be_object"),
        (
            an_update({"categoryPreferences": {"a": True, "b": "true"}}),
            "consent_categorypreferences_fields_should_be_bool",
        ),
        (an_update({"categoryPreferences": {"a": None}}), "consent_categorypreferences_fields_should_be_bool"),
        (an_update({"categoryPreferences": {}}, device={"advertisingId": 1}), "device_advertisingid_should_be_string"),
        (an_update({"categoryPreferences": {}, "version": "2"}), "consent_version_should_be_number"),
        (an_update({"categoryPreferences": {}, "version": True}), "consent_version_should_be_number"),
    ],
)
def test_a_consent_update_that_says_nothing_clear_is_discarded(
    client: HttpClient, update: dict[str, Any], code: str
) -> None:
    before = discarded(client, code)
    assert_success(client.post("/v1/track", update))
    assert discarded(client, code) == before + 1


def test_consent_updates_arrive(client: HttpClient, server: Server) -> None:
    updates = [
        an_update({"categoryPreferences": {}}),
        an_update({"categoryPreferences": {"a": True, "b": False}, "version": 2.5}, device={"advertisingId": "x"}),
    ]
    for update in updates:
        assert_success(client.post("/v1/track", update))
    arrived(server, *(one["messageId"] for one in updates))


# --- what the server adds


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_root_of_a_batch_holds_for_every_item_and_the_item_wins(client: HttpClient, server: Server) -> None:
    plain, own = an_event(), an_event(context={"page": {"url": "own"}}, integrations={"All": True})
    root = {"context": {"page": {"url": "root", "title": "t"}, "app": 1}, "integrations": {"All": False, "X": False}}
    assert_success(client.post("/v1/batch", {"batch": [plain, own], "writeKey": KEY, **root}))
    [got] = arrived(server, own["messageId"])
    assert got["context"] == {"page": {"url": "own", "title": "t"}, "app": 1}
    assert got["integrations"] == {"All": True, "X": False}
    assert plain["messageId"] not in {one["messageId"] for one in server.delivered("everything")}


def test_times_are_corrected_by_the_clients_clock(client: HttpClient, server: Server) -> None:
    fast = an_event(timestamp="2020-01-01T00:00:00.000Z")
    assert_success(client.post("/v1/batch", {"batch": [fast], "writeKey": KEY, "sentAt": "2020-01-01T00:00:07.500Z"}))
    plain = an_event(timestamp="2020-01-01T00:00:00.000Z")
    assert_success(client.post("/v1/track", plain))
    bare = an_event()
    assert_success(client.post("/v1/track", bare))
    got = {one["messageId"]: one for one in arrived(server, *(one["messageId"] for one in (fast, plain, bare)))}
    first, second, third = (got[one["messageId"]] for one in (fast, plain, bare))
    assert at(first["receivedAt"]) - at(first["timestamp"]) == timedelta(seconds=7.5)
    assert first["originalTimestamp"] == fast["timestamp"]
    assert abs(at(first["receivedAt"]).timestamp() - time.time()) < 60
    assert second["timestamp"] == second["originalTimestamp"] == plain["timestamp"]
    assert third["timestamp"] == third["receivedAt"]


def test_an_event_without_a_message_id_gets_one(client: HttpClient, server: Server) -> None:
    event = an_event(messageId=None, properties={"mark": an_id()})
    assert_success(client.post("/v1/track", event))

    def found() -> list[dict[str, Any]]:
        return [one for one in server.delivered("everything") if one.get("properties") == event["properties"]]

    wait_until(lambda: bool(found()), "it arrives")
    assert len(found()[0]["messageId"]) >= 20


def test_the_address_is_added_for_browsers_only(client: HttpClient, server: Server) -> None:
    browser, server_side, known = an_event(), an_event(), an_event(context={"ip": "203.0.113.9"})
    origin = {"Origin": "https://shop.example"}
    assert_success(client.post("/v1/track", browser, origin))
    assert_success(client.post("/v1/track", server_side))
    assert_success(client.post("/v1/track", known, origin))
    got = {
        one["messageId"]: one for one in arrived(server, *(one["messageId"] for one in (browser, server_side, known)))
    }
    assert got[browser["messageId"]]["context"] == {"ip": "127.0.0.1"}
    assert "context" not in got[server_side["messageId"]]
    assert got[known["messageId"]]["context"] == {"ip": "203.0.113.9"}


# --- sent again


def test_a_message_id_is_stored_once(client: HttpClient, server: Server) -> None:
    event, last = an_event(), an_event()
    before = discarded(client, DiscardCode.DUPLICATE)
    for retry in range(3):
        assert_success(client.post("/v1/track", {**event, "event": f"try {retry}"}, {"X-Retry-Count": str(retry)}))
    assert_success(client.post("/v1/batch", {"batch": [event, last, last], "writeKey": KEY}, {"X-Retry-Count": "x"}))
    got = arrived(server, event["messageId"], last["messageId"])
    assert [one["event"] for one in got] == ["try 0", "Bought"]
    assert discarded(client, DiscardCode.DUPLICATE) == before + 4


# --- browsers of other origins


@pytest.mark.parametrize("path", ["/v1/t", "/v1/batch", "/v1/m", "/v1/whatever", "/v1/projects/web-key/settings"])
def test_a_preflight_is_answered(client: HttpClient, path: str) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answer = client.send("OPTIONS", path, None, {**asked, "Access-Control-Request-Headers": "content-type"})
    assert answer.status == 200
    assert_readable_anywhere(answer)
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = {one.strip() for one in answer.headers["access-control-allow-headers"].split(",")}
    assert allowed >= {"authorization", "content-type", "x-retry-count"}


def test_the_wait_that_is_asked_for_is_readable_for_browsers(client: HttpClient) -> None:
    answer = client.post("/v1/t", an_event(), {"Origin": "https://shop.example"})
    assert "retry-after" in answer.headers["access-control-expose-headers"].lower()


# --- pixels


@pytest.mark.parametrize("event_type", EVENT_TYPES)
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode, lambda data: b64encode(data).rstrip(b"=")])
def test_a_pixel_is_an_event(client: HttpClient, server: Server, event_type: str, encode: Any) -> None:
    event = an_event(event="Opened", properties={"text": "żółć ~~~ ???"}, type="nonsense")
    data = encode(json.dumps(event, ensure_ascii=False).encode()).decode()
    answer = client.get(f"/v1/pixel/{event_type}?data={quote(data)}")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.body.startswith(GIF)
    [got] = arrived(server, event["messageId"])
    assert (got["type"], got["properties"]) == (event_type, event["properties"])


def test_a_pixel_whose_plus_signs_are_not_escaped_is_an_event(client: HttpClient, server: Server) -> None:
    event = an_event(properties={"text": "~~~>>>"})
    data = b64encode(json.dumps(event).encode()).decode()
    while "+" not in data:
        event["properties"]["text"] += ">"
        data = b64encode(json.dumps(event).encode()).decode()
    assert client.get(f"/v1/pixel/track?data={data}").body.startswith(GIF)
    arrived(server, event["messageId"])


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?data=",
        "?data=%00",
        "?data=!!!",
        "?data=e30",
        "?data=eyJh",
        "?other=1",
        "?data=" + b64encode(json.dumps({"writeKey": "unknown", "userId": "u", "event": "e"}).encode()).decode(),
        "?data=" + b64encode(b"x" * 40_000).decode(),
        "?data=" + b64encode(b"[" * 5000).decode(),
        "?data=%ff%fe",
    ],
    ids=lambda query: query[:20],
)
@pytest.mark.parametrize("path", ["/v1/pixel/track", "/v1/pixel/nonsense"])
def test_a_pixel_is_always_an_image(client: HttpClient, path: str, query: str) -> None:
    answer = client.get(path + query)
    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.body.startswith(GIF)


# --- odd but right


def test_requests_one_after_the_other_without_waiting_are_all_answered(server: Server) -> None:
    events = [an_event() for _ in range(20)]
    requests = b""
    for number, event in enumerate(events):
        body = json.dumps(event).encode()
        last = b"Connection: close\r\n" if number == 19 else b""
        requests += b"POST /v1/t HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n%b" % (last, len(body), body)
    assert exchange(server.port, requests).count(b"HTTP/1.1 200 ") == 20
    arrived(server, *(one["messageId"] for one in events))


def test_a_client_that_waits_for_leave_to_send_gets_it(server: Server) -> None:
    event = an_event()
    body = json.dumps(event).encode()
    head = b"POST /v1/t HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as connection:
        connection.sendall(head % len(body))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    arrived(server, event["messageId"])


def test_half_of_a_surrogate_pair_is_mended(client: HttpClient, server: Server) -> None:
    """Browsers send them where a text was cut."""
    event = json.dumps(an_event(messageId="half", event="cut \ud83d off")).encode()
    assert_success(client.post("/v1/track", event))
    [got] = arrived(server, "half")
    assert got["event"] == "cut \ufffd off"


def test_of_equal_keys_the_last_one_counts(client: HttpClient, server: Server) -> None:
    body = b'{"messageId":"first","messageId":"equal keys","userId":"u","event":"a","event":"b","writeKey":"web-key"}'
    assert_success(client.post("/v1/track", body))
    [got] = arrived(server, "equal keys")
    assert got["event"] == "b"
