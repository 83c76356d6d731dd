"""Judging an HTTP answer, and cutting many events into requests."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from assent.destinations.http import Endpoint, Part, in_runs, judge, post_runs, wait_asked
from assent.domain.errors import Rejected, Unavailable

NOW = datetime(2026, 8, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("0", timedelta()),
        ("120", timedelta(seconds=120)),
        (" 5 ", timedelta(seconds=5)),
        ("99999999999999999999999", timedelta(days=1)),
        ("Sat, 01 Aug 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Sat, 01 Aug 2026 14:00:30 +0200", timedelta(seconds=30)),
        ("Sat, 01 Aug 2026 12:00:30 -0000", timedelta(seconds=30)),
        ("Sat, 01 Aug 2026 11:00:00 GMT", timedelta()),
        ("Fri, 01 Aug 2036 12:00:00 GMT", timedelta(days=1)),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, wait: timedelta | None) -> None:
    assert wait_asked(header, NOW) == wait


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,5} [A-Z][a-z]{2} \d{1,9} \d+:\d+:\d+ [+-]?\w{1,6}"))
def test_no_retry_after_breaks_it(header: str) -> None:
    wait = wait_asked(header, NOW)
    assert wait is None or timedelta() <= wait <= timedelta(days=1)


def test_every_status_has_one_meaning() -> None:
    waits = {status for status in range(200, 600) if isinstance(judge(status, "", None, NOW), Unavailable)}
    delivered = {status for status in range(200, 600) if judge(status, "", None, NOW) is None}
    assert waits == {408, 423, 429, *range(500, 600)} - {501}
    assert delivered == set(range(200, 300))


@given(st.lists(st.integers(0, 30)), st.integers(1, 60))
def test_runs_hold_every_part_in_order_within_the_limit(sizes: list[int], limit: int) -> None:
    parts = [Part(str(number), b"x" * size) for number, size in enumerate(sizes)]
    runs = list(in_runs(parts, limit))
    assert [part for run in runs for part in run] == parts
    assert all(run for run in runs)
    assert all(len(run) == 1 or sum(len(part.body) + 1 for part in run) <= limit for run in runs)


@given(st.integers(1, 40), st.sets(st.integers(0, 39)), st.integers(1, 40))
def test_faulty_events_are_found_among_the_others(count: int, faulty: set[int], run_length: int) -> None:
    asked: list[int] = []

    async def post(run: Sequence[Part]) -> Rejected | None:
        numbers = [int(part.message_id) for part in run]
        if faulty.intersection(numbers):
            return Rejected("bad", http_status=400)
        asked.extend(numbers)
        return None

    parts = [Part(str(number), b"") for number in range(count)]
    runs = [parts[at : at + run_length] for at in range(0, count, run_length)]
    outcomes = asyncio.run(post_runs(runs, post))
    assert [number for number, outcome in enumerate(outcomes) if outcome is None] == asked
    assert asked == [number for number in range(count) if number not in faulty]
    assert len(outcomes) == count


def test_an_outage_ends_the_posting() -> None:
    asked: list[str] = []

    async def post(run: Sequence[Part]) -> Unavailable | None:
        asked.append(run[0].message_id)
        return None if len(asked) == 1 else Unavailable("down")

    outcomes = asyncio.run(post_runs([[Part(str(number), b"")] for number in range(5)], post))
    assert asked == ["0", "1"]
    assert [type(outcome) for outcome in outcomes] == [type(None)] + [Unavailable] * 4


@asynccontextmanager
async def self_signed(folder: Path) -> AsyncIterator[int]:
    """The port of an HTTPS server that nobody should trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    now = datetime.now(UTC)
    valid = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + valid.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    async def take(request: web.BaseRequest) -> web.Response:
        return web.Response()

    runner = web.ServerRunner(web.Server(take, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.mark.asyncio
async def test_a_certificate_that_nobody_vouches_for_makes_events_wait(tmp_path: Path) -> None:
    async with self_signed(tmp_path) as port:
        endpoint = Endpoint(f"https://127.0.0.1:{port}/?token=hidden", headers={}, timeout=10, connections=1)
        outcome = await endpoint.post(b"{}", {})
        await endpoint.close()
    assert isinstance(outcome, Unavailable)
    assert "certificate verify failed" in outcome.answer
    assert "hidden" not in outcome.answer
