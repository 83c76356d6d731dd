"""Sends the calls on standard input with segment-analytics-python: {"host", "writeKey", "gzip", "calls": [...]}."""

import json
import sys

from segment.analytics import Client

NAMES = {"userId": "user_id", "anonymousId": "anonymous_id", "groupId": "group_id", "previousId": "previous_id"}

task = json.load(sys.stdin)
failures: list[Exception] = []
client = Client(
    task["writeKey"],
    host=task["host"],
    gzip=task["gzip"],
    on_error=lambda error, batch: failures.append(error),
    upload_interval=0.1,
)
for call in task["calls"]:
    send = getattr(client, call.pop("type"))
    send(**{NAMES.get(name, name): value for name, value in call.items()})
client.shutdown()
sys.exit("\n".join(map(str, failures)) or 0)
