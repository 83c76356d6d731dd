"""A disk that is full for a while: refused events may come again, nothing is half-written, and the server lives."""

import contextlib
import os
import random
import resource
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.fault_rig import KEY, SOURCES, Event, Receiver, an_event
from harness import Server, assert_accounts_balance, wait_until
from harness.http_client import HttpClient

DISK_BYTES = 24_000_000

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has disks as small as this test needs")


class Disk:
    """What a server's data is on, which can be filled but for so many bytes.

    A disk of its own where the system lets us have one; else a limit on the size of the server's files, which looks
    much the same from inside.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ballast = server.data / "ballast"
        server.data.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", server.data]
        self._is_own = subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode == 0

    def fill(self, *, leave: int = 0) -> None:
        if self._is_own:
            free = os.statvfs(self._server.data).f_bavail * os.statvfs(self._server.data).f_bsize
            with self._ballast.open("wb") as ballast:
                os.posix_fallocate(ballast.fileno(), 0, max(free - leave, 1))
        else:
            self._limit((self._server.data / "log.db-wal").stat().st_size + leave if leave else 0)

    def free(self) -> None:
        if self._is_own:
            self._ballast.unlink()
        elif self._server.is_running:
            self._limit(resource.RLIM_INFINITY)

    def remove(self) -> None:
        """Nobody needs it any more."""
        if self._is_own:
            subprocess.run(["umount", self._server.data], check=True)

    def _limit(self, largest: int) -> None:
        resource.prlimit(self._server.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))


@contextlib.contextmanager
def a_server_on_a_disk(directory: Path, destination: dict[str, object]) -> Iterator[tuple[Server, Disk]]:
    consent = {"preset": "segment-ga"}
    server = Server({"consent": consent, "sources": SOURCES, "destinations": [destination]}, directory)
    disk = Disk(server)
    try:
        yield server.start(), disk
        server.stop()
        assert_accounts_balance(server)
    finally:
        server.kill()
        server.print_output()
        disk.remove()


def large(prefix: str, count: int) -> list[Event]:
    """Events that take the room they seem to: what the log could compress would fit all the same."""
    called = [f"{prefix}-{number:03}" for number in range(count)]
    return [an_event(one, "p", properties={"text": _noise(one)}) for one in called]


def _noise(name: str) -> str:
    return b64encode(random.Random(name).randbytes(15_000)).decode()


def send(server: Server, events: list[Event]) -> int:
    status, body = server.post("/v1/batch", {"batch": events, "writeKey": KEY})
    assert status == 200 or b'"code":"log_unavailable"' in body
    return status


def names(events: list[Event]) -> list[str]:
    return [one["messageId"] for one in events]


def test_events_are_refused_while_the_disk_is_full_and_taken_when_it_is_not(tmp_path: Path) -> None:
    with a_server_on_a_disk(tmp_path, {"id": "everything"}) as (server, disk):
        assert server.post("/v1/track", an_event("before", "p"))[0] == 200
        server.settle()
        disk.fill(leave=100_000)
        assert [send(server, large(name, 20)) for name in ("again", "never", "again", "never")] == [503] * 4
        fitted = send_singly(server)
        assert server.get("/healthz")[0] == server.get("/readyz")[0] == 200
        assert server.get(f"/v1/projects/{KEY}/settings")[0] == 200
        assert server.post("/v1/track", {"no": "key"})[0] == 401
        disk.free()
        assert send(server, large("again", 20)) == 200
        assert server.post("/v1/track", an_event("after", "p"))[0] == 200
        server.settle()
        assert names(server.delivered("everything")) == ["before", *fitted, *names(large("again", 20)), "after"]


def send_singly(server: Server) -> list[str]:
    """Some may still fit, and are returned; who brings one that does not is told when to come again."""
    with contextlib.closing(HttpClient(server.port)) as client:
        answers = {
            f"single-{number}": client.post(
                "/v1/track", an_event(f"single-{number}", "p", properties={"text": "x" * 20_000})
            )
            for number in range(20)
        }
    refused = [one for one in answers.values() if one.status != 200]
    assert refused
    for answer in refused:
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert "retry-after" in answer.headers["access-control-expose-headers"].lower()
    return [name for name, answer in answers.items() if answer.status == 200]


def test_what_was_delivered_and_cannot_be_written_down_is_not_sent_again(tmp_path: Path) -> None:
    with Receiver() as hook:
        settings = {"url": hook.url, "timeout": 60, "batch_size": 50}
        with a_server_on_a_disk(tmp_path, {"id": "hook", "connector": "webhook", "settings": settings}) as (
            server,
            disk,
        ):
            hook.fall_ill("waits")
            assert send(server, large("once", 20)) == 200
            disk.fill()
            hook.recover()
            wait_until(lambda: len(hook.events) >= 20, "the events arrive")
            for _ in range(3):
                with pytest.raises(AssertionError):
                    server.settle(0.5)
            disk.free()
            server.settle()
            assert names(hook.events) == names(large("once", 20))


def test_a_server_on_a_full_disk_ends_as_any_other(tmp_path: Path) -> None:
    with a_server_on_a_disk(tmp_path, {"id": "everything"}) as (server, disk):
        assert server.post("/v1/track", an_event("before", "p"))[0] == 200
        server.settle()
        disk.fill(leave=100_000)
        assert send(server, large("refused", 20)) == 503
        server.stop()
        disk.free()
        server.start()
        assert send(server, large("refused", 20)) == 200
        server.settle()
        assert names(server.delivered("everything")) == ["before", *names(large("refused", 20))]
