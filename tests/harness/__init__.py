"""What tests of the whole need: a real server, the wire before it, what its destinations got, and tools that may lack.

with running_server(workspace, directory) as server:      a subprocess of `assent serve`
    with Wire(server.port) as wire:                       what the clients really send; can lose answers
        ...
    assert_delivered_as_decided(server, wire.events())
"""

from harness.expectations import assert_accounts_balance, assert_delivered_as_decided, ids
from harness.server import Server, free_port, running_server
from harness.tools import chromium, need, node, node_modules
from harness.waiting import wait_until
from harness.wire import Request, Wire

__all__ = [
    "Request",
    "Server",
    "Wire",
    "assert_accounts_balance",
    "assert_delivered_as_decided",
    "chromium",
    "free_port",
    "ids",
    "need",
    "node",
    "node_modules",
    "running_server",
    "wait_until",
]
