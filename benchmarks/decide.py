"""Decode and decide, on one core: the compiled policy beside loops by hand and Segment's own wrapper."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import orjson

from assent.domain.workspace import Workspace
from assent.engine.decide import decide
from assent.engine.policy import Policy
from benchmarks import samples
from benchmarks.table import table

_ROUNDS = 7
_SECONDS_A_ROUND = 0.5
_NODE = Path(__file__).parent / "decide.mjs"
_MODULES = Path(__file__).parents[1] / "tests" / "clients" / "node_modules"


def run() -> str:
    workspace = msgspec.convert(samples.workspace(30), Workspace)
    bodies = [samples.body(number) for number in range(64)]
    policy = Policy(workspace)
    mapped = {
        one.id: [category.id for category in workspace.categories if one.id in category.destinations]
        for one in workspace.destinations
    }
    ways: list[tuple[str, Callable[[bytes], Any]]] = [
        ("Assent: `policy.decide(body)`", policy.decide),
        ("orjson, and a loop over the destinations", lambda body: _by_hand(orjson.loads(body), mapped)),
        ("json, and a loop over the destinations", lambda body: _by_hand(json.loads(body), mapped)),
        ("Assent, the readable reference: json and `decide`", lambda body: _readably(workspace, body)),
    ]
    rows = [(name, f"{_microseconds(way, bodies):.2f}") for name, way in ways]
    if (node := _node(bodies, mapped)) is not None:
        rows.insert(3, ("@segment/analytics-consent-tools, in Node: JSON.parse and its filter", f"{node:.2f}"))
    size = sum(map(len, bodies)) / len(bodies)
    return table(
        "Decode and decide, one core",
        ("way", "us an event"),
        rows,
        f"Events of {size:.0f} bytes, 32 distinct consent objects, 6 categories, 30 destinations; the fastest of "
        f"{_ROUNDS} rounds. The loops by hand know `any` and nothing else: no reasons, no unreadable consent, no "
        "integrations object, no disabled category.",
    )


def _by_hand(event: dict[str, Any], mapped: dict[str, list[str]]) -> dict[str, bool]:
    preferences = event.get("context", {}).get("consent", {}).get("categoryPreferences", {})
    return {id_: any(preferences.get(one) is True for one in categories) for id_, categories in mapped.items()}


def _readably(workspace: Workspace, body: bytes) -> dict[str, Any]:
    event = json.loads(body)
    return {one.id: decide(workspace.rules, workspace.categories, one, event) for one in workspace.destinations}


def _microseconds(way: Callable[[bytes], Any], bodies: list[bytes]) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        done = 0
        started = time.perf_counter()
        while (elapsed := time.perf_counter() - started) < _SECONDS_A_ROUND:
            for body in bodies:
                way(body)
            done += len(bodies)
        best = min(best, elapsed / done * 1e6)
    return best


def _node(bodies: list[bytes], mapped: dict[str, list[str]]) -> float | None:
    """Microseconds an event in Node; None without Node or the package."""
    if shutil.which("node") is None or not (_MODULES / "@segment").is_dir():
        return None
    task = json.dumps({"modules": str(_MODULES), "bodies": [one.decode() for one in bodies], "mapped": mapped})
    done = subprocess.run(["node", str(_NODE)], input=task, capture_output=True, text=True, check=True)
    return float(done.stdout)
