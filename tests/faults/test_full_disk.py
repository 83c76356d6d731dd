"""A disk that is full: 503 with Retry-After, nothing half-written, and all well again once there is room."""

import json
import resource
import sys
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from faults.shop import event, workspace
from harness import Server, assert_accounts_balance, assert_delivered_as_decided, running_server

_LARGEST_FILE = 2_000_000
_MOST_REQUESTS = 400


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux changes the limits of a running process")
def test_a_full_disk_is_answered_with_503_and_loses_nothing(tmp_path: Path) -> None:
    with running_server(workspace(), tmp_path) as server:
        _let_files_grow_to(server, _LARGEST_FILE)
        acknowledged, refused = [], []
        for number in range(_MOST_REQUESTS):
            one = {**event(number), "properties": {"padding": "x" * 20_000}}
            status, retry_after, answer = _post(server, one)
            if status == 200:
                acknowledged.append(one)
            else:
                assert (status, retry_after) == (503, "5"), answer
                assert json.loads(answer).keys() == {"code", "message"}
                refused.append(one)
            if len(refused) == 10:
                break
        assert len(acknowledged) > 10
        assert len(refused) == 10
        assert server.get("/healthz")[0] == 200
        _let_files_grow_to(server, resource.RLIM_INFINITY)
        again = refused[:5]
        assert [_post(server, one)[0] for one in again] == [200] * len(again)
        assert_delivered_as_decided(server, [*acknowledged, *again])
    assert_accounts_balance(server)


def _let_files_grow_to(server: Server, most_bytes: int) -> None:
    """A limit on the size of any file is what a full disk looks like to the process."""
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))


def _post(server: Server, one: dict[str, object]) -> tuple[int, str | None, bytes]:
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=20)) as connection:
        connection.request("POST", "/v1/track", json.dumps({**one, "writeKey": "wk_faults"}))
        answer: HTTPResponse = connection.getresponse()
        return answer.status, answer.getheader("Retry-After"), answer.read()
