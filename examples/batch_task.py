"""Consent inside a batch task: a file of events becomes one file per destination, and counts that say why.

    python examples/batch_task.py examples/workspace.yaml examples/events.jsonl build/by-destination

`split` is a plain function of paths that returns a plain dictionary: what a task of Airflow, Dagster or cron wants.
"""

import json
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import assent


def split(workspace_file: str, events_file: str, into: str) -> dict[str, dict[str, int]]:
    """Write `<into>/<destination>.jsonl` for each destination; the answer counts its verdicts and reasons."""
    workspace = assent.Workspace.load(workspace_file)
    policy = assent.Policy(workspace)
    counts: dict[str, Counter[str]] = {one.id: Counter() for one in workspace.destinations}
    Path(into).mkdir(parents=True, exist_ok=True)
    with ExitStack() as open_files:
        files = {one: open_files.enter_context(Path(into, f"{one}.jsonl").open("wb")) for one in counts}
        for event in open_files.enter_context(open(events_file, "rb")):
            for destination, decision in policy.decide(event).items():
                counts[destination][f"{decision.verdict}: {decision.reason}"] += 1
                if decision.verdict is assent.Verdict.DELIVER:
                    files[destination].write(event)
    return {destination: dict(counted) for destination, counted in counts.items()}


if __name__ == "__main__":
    print(json.dumps(split(*sys.argv[1:4]), indent=2))
