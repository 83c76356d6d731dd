"""The decision corpus: workspaces, events, and what every destination gets."""

from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.workspace import Workspace

# Not inside the repository: a missing file is an error here, so that nobody mistakes a skipped corpus for a passed one.
CORPUS: Final = Path(__file__).parents[3] / "shared" / "spec" / "decisions.yaml"


class Case(msgspec.Struct, frozen=True):
    """One workspace and one event, and the decision at each of the workspace's destinations."""

    name: str
    workspace: Workspace
    event: Any
    decisions: dict[str, Decision]


def read_cases() -> list[Case]:
    corpus = yaml.safe_load(CORPUS.read_text())
    return [_case(one, corpus["workspaces"][one["workspace"]]) for one in corpus["cases"]]


def _case(written: dict[str, Any], workspace: dict[str, Any]) -> Case:
    consent = {**workspace["consent"], **written.get("consent", {})}
    return Case(
        written["name"],
        msgspec.convert({**workspace, "consent": consent}, Workspace),
        written["event"],
        {destination: _decision(*expected) for destination, expected in written["expect"].items()},
    )


def _decision(verdict: str, reason: str, categories: list[str] | None = None) -> Decision:
    return Decision(Verdict(verdict), Reason(reason), tuple(categories or ()))
