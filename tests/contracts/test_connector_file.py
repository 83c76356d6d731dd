"""The file connector: whole lines through rotation, crashes, full disks and other people's tools."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from connector_rig import Event, Rig, an_event, closing, outgoing, some

from assent.destinations.file import File, FileSettings
from assent.domain.errors import Unavailable

YESTERDAY = 24 * 60 * 60


@asynccontextmanager
async def rig(folder: Path, **settings: Any) -> AsyncIterator[Rig]:
    path = folder / "events.jsonl"
    async with a_file(path, **settings) as connector:
        yield Rig(connector, number=lambda: len(events_in(path)), arrived=lambda: events_in(path))


@asynccontextmanager
async def a_file(path: Path, **settings: Any) -> AsyncIterator[File]:
    connector = File(FileSettings(path=str(path), **settings))
    async with closing(connector):
        yield connector


def events_in(path: Path) -> list[Event]:
    """Every line of the file, each of which must be one event."""
    content = path.read_bytes()
    assert content == b"" or content.endswith(b"\n")
    return [msgspec.json.decode(line) for line in content.splitlines()]


def ids_in(path: Path) -> list[str]:
    return [event["messageId"] for event in events_in(path)]


def rotated(path: Path) -> list[Path]:
    return sorted(one for one in path.parent.iterdir() if one != path)


def all_ids(path: Path) -> list[str]:
    return [found for one in [*rotated(path), path] for found in ids_in(one)]


async def refusal(connector: File) -> Unavailable:
    with pytest.raises(Unavailable) as refused:
        await connector.send(some(3))
    return refused.value


# --- appending


@pytest.mark.asyncio
async def test_appends_to_what_is_there_and_makes_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "events.jsonl"
    for start in range(3):
        async with a_file(path) as connector:
            await connector.send(some(1, start))
    assert ids_in(path) == ["msg-0", "msg-1", "msg-2"]


@pytest.mark.asyncio
async def test_others_cannot_read_what_people_did(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    async with a_file(path) as connector:
        await connector.send(some(1))
    assert path.stat().st_mode & 0o007 == 0


@pytest.mark.asyncio
async def test_nothing_is_opened_before_the_first_event(tmp_path: Path) -> None:
    async with a_file(tmp_path / "folder" / "events.jsonl"):
        pass
    assert os.listdir(tmp_path) == []


# --- rotation


@pytest.mark.asyncio
async def test_a_new_file_is_begun_before_one_grows_too_large(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    line = len(msgspec.json.encode(an_event())) + 1
    async with a_file(path, rotate_bytes=line * 4) as connector:
        for start in range(0, 20, 2):
            await connector.send(some(2, start))
    assert len(rotated(path)) >= 4
    assert all(one.stat().st_size <= line * 4 for one in [path, *rotated(path)])
    assert all_ids(path) == [f"msg-{number}" for number in range(20)]
    assert all(one.name.endswith(".jsonl") for one in rotated(path))


@pytest.mark.asyncio
async def test_a_batch_larger_than_the_limit_has_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    async with a_file(path, rotate_bytes=10) as connector:
        await connector.send(some(5))
        await connector.send(some(5, start=5))
    (old,) = rotated(path)
    assert (len(ids_in(old)), len(ids_in(path))) == (5, 5)


@pytest.mark.asyncio
async def test_without_a_limit_nothing_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    async with a_file(path, rotate_bytes=0) as connector:
        for start in range(5):
            await connector.send(some(1, start))
    assert rotated(path) == []


@pytest.mark.asyncio
@pytest.mark.parametrize("reopened", [True, False])
@pytest.mark.parametrize(("daily", "files"), [(True, 2), (False, 1)])
async def test_a_new_file_is_begun_each_day(tmp_path: Path, reopened: bool, daily: bool, files: int) -> None:
    path = tmp_path / "events.jsonl"
    async with a_file(path, rotate_daily=daily) as connector:
        await connector.send(some(1))
        at = path.stat().st_mtime - YESTERDAY
        os.utime(path, (at, at))
        if reopened:
            await connector.close()
            connector = File(FileSettings(path=str(path), rotate_daily=daily))
        await connector.send(some(1, start=1))
        await connector.send(some(1, start=2))
        await connector.close()
    assert 1 + len(rotated(path)) == files
    assert all_ids(path) == ["msg-0", "msg-1", "msg-2"]


@pytest.mark.asyncio
async def test_only_the_newest_rotated_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    foreign = [
        tmp_path / "events.jsonl.bak",
        tmp_path / "events.2026.jsonl",
        tmp_path / "other.20260801T120000.000000Z.jsonl",
    ]
    for one in foreign:
        one.write_bytes(b"not ours")
    async with a_file(path, rotate_bytes=1, keep=2) as connector:
        for start in range(6):
            await connector.send(some(1, start))
    ours = [one for one in rotated(path) if one not in foreign]
    assert [ids_in(one) for one in [*ours, path]] == [["msg-3"], ["msg-4"], ["msg-5"]]
    assert all(one.read_bytes() == b"not ours" for one in foreign)


# --- other people's tools


@pytest.mark.asyncio
@pytest.mark.parametrize("moved", [True, False])
async def test_a_file_that_was_moved_or_removed_is_begun_anew(tmp_path: Path, moved: bool) -> None:
    path = tmp_path / "events.jsonl"
    async with a_file(path) as connector:
        await connector.send(some(1))
        if moved:
            path.rename(tmp_path / "shipped.jsonl")
        else:
            path.unlink()
        await connector.send(some(1, start=1))
    assert ids_in(path) == ["msg-1"]
    if moved:
        assert ids_in(tmp_path / "shipped.jsonl") == ["msg-0"]


@pytest.mark.asyncio
async def test_a_second_destination_on_the_same_file_waits(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    async with a_file(path) as first, a_file(path) as second:
        await first.send(some(1))
        assert "give each its own" in (await refusal(second)).answer
        await first.close()
        assert await second.send(some(1, start=1)) == [None]
    assert ids_in(path) == ["msg-0", "msg-1"]


# --- crashes and full disks


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "left", [b'{"half', b'{"messageId":"whole, but for its line break"}', b'{"a":1}\n{"half', b"\xf0\x9f"]
)
async def test_an_event_never_shares_a_line_with_what_a_crash_left(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(left)
    async with a_file(path) as connector:
        await connector.send(some(2))
    lines = path.read_bytes().splitlines(keepends=True)
    assert b"".join(lines[:-2]) == left + b"\n"
    assert [msgspec.json.decode(line) for line in lines[-2:]] == [an_event(0), an_event(1)]


WRITER = """
import asyncio, sys
from connector_rig import an_event, outgoing
from assent.destinations.file import File, FileSettings

async def main():
    connector = File(FileSettings(path=sys.argv[1]))
    number = 0
    while True:
        await connector.send([outgoing(an_event(n, blob="x" * 2000)) for n in range(number, number + 500)])
        number += 500
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.asyncio
async def test_kill_9_loses_nothing_that_was_delivered(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    delivered = 0
    for kill in range(3):
        delivered = kill_while_writing(path)
        async with a_file(path) as connector:
            assert await connector.send([outgoing(an_event(messageId=f"after-{kill}"))]) == [None]
        whole = [event for line in path.read_bytes().splitlines() if (event := decoded(line)) is not None]
        ids = [event["messageId"] for event in whole]
        assert ids[-1] == f"after-{kill}"
        assert {f"msg-{number}" for number in range(delivered)} <= set(ids)
        assert all(
            event == an_event(int(event["messageId"][4:]), blob="x" * 2000) for event in whole if "blob" in event
        )
        path.unlink()


def kill_while_writing(path: Path) -> int:
    """How many events a process had delivered when it was killed in the midst of its work."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, env=environment) as writer:
        assert writer.stdout is not None
        delivered = [int(writer.stdout.readline()) for _ in range(3)]
        writer.send_signal(signal.SIGKILL)
        delivered += [int(line) for line in writer.stdout if line.endswith(b"\n")]
    return delivered[-1]


def decoded(line: bytes) -> Event | None:
    try:
        event: Event = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None
    return event


@pytest.mark.asyncio
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full, which is always full")
async def test_on_a_full_disk_events_wait(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.symlink_to("/dev/full")
    async with a_file(path) as connector:
        assert (await refusal(connector)).answer == f"`{path}` cannot be written: No space left on device"
        path.unlink()
        assert await connector.send(some(1)) == [None]
    assert ids_in(path) == ["msg-0"]


LIMITED = """
import asyncio, resource, signal, sys
from connector_rig import an_event, outgoing, some
from assent.destinations.file import File, FileSettings
from assent.domain.errors import Unavailable

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    connector = File(FileSettings(path=sys.argv[1]))
    await connector.send(some(1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
    for _ in range(2):
        try:
            await connector.send([outgoing(an_event(n, blob="x" * 1000)) for n in range(10)])
        except Unavailable as error:
            print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await connector.send(some(1, start=1))
    await connector.close()

asyncio.run(main())
"""


def test_a_disk_that_fills_up_midway_keeps_nothing_of_the_batch(tmp_path: Path) -> None:
    """A limit on the file's size stops a write halfway, as a full disk does."""
    path = tmp_path / "events.jsonl"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout == f"`{path}` cannot be written: File too large\n" * 2
    assert ids_in(path) == ["msg-0", "msg-1"]


@pytest.mark.asyncio
async def test_a_path_that_cannot_be_a_file_makes_events_wait(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    async with a_file(tmp_path / "taken" / "events.jsonl") as connector:
        assert "cannot be written" in (await refusal(connector)).answer
    async with a_file(tmp_path) as connector:
        assert (await refusal(connector)).answer == f"`{tmp_path}` cannot be written: Is a directory"


@pytest.mark.asyncio
async def test_sends_that_were_cancelled_never_glue_events(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    async with a_file(path, rotate_bytes=0) as connector:
        for start in range(0, 400, 20):
            sending = asyncio.ensure_future(connector.send(some(20, start)))
            await asyncio.sleep(0.0002 * (start % 7))
            sending.cancel()
            await asyncio.wait([sending])
        assert await connector.send(some(1, start=400)) == [None]
    found = ids_in(path)
    assert found[-1] == "msg-400"
    assert len(found) == len(set(found))


@pytest.mark.asyncio
async def test_sends_that_overtake_a_cancelled_one_wait_for_it(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    async with a_file(path, rotate_bytes=1) as connector:
        sends = [asyncio.ensure_future(connector.send(some(20, start))) for start in range(0, 400, 20)]
        await asyncio.sleep(0)
        sends[0].cancel()
        results = await asyncio.gather(*sends, return_exceptions=True)
    assert results[1:] == [[None] * 20] * 19
    found = all_ids(path)
    assert found[-380:] == [f"msg-{number}" for number in range(20, 400)]


@pytest.mark.asyncio
async def test_the_loop_goes_on_while_a_disk_is_slow(tmp_path: Path) -> None:
    """A pipe that nobody reads stands for a disk that does not answer."""
    path = tmp_path / "events.jsonl"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    async with a_file(path) as connector:
        sending = asyncio.ensure_future(connector.send(some(100)))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not sending.done()
        while not sending.done():
            with suppress(BlockingIOError):
                os.read(reader, 65536)
            await asyncio.sleep(0)
        with pytest.raises(Unavailable):  # a pipe cannot be synced
            await sending
    os.close(reader)
