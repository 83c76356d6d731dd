"""Assent, a consent gateway for customer events: its public names.

import assent

policy = assent.Policy(assent.Workspace.load("workspace.yaml"))
for destination, decision in policy.decide(event).items():
    if decision.verdict is assent.Verdict.DELIVER:
        ...
"""

from assent.app.workspace_file import Workspace
from assent.domain.decision import Decision, Reason, ReasonText, Verdict, explain
from assent.domain.errors import AssentError, InvalidInput, InvalidWorkspace
from assent.domain.workspace import Category, Consent, Destination, RuleOverrides, Rules, Source
from assent.engine.decide import decide
from assent.engine.policy import Policy

__all__ = [
    "AssentError",
    "Category",
    "Consent",
    "Decision",
    "Destination",
    "InvalidInput",
    "InvalidWorkspace",
    "Policy",
    "Reason",
    "ReasonText",
    "RuleOverrides",
    "Rules",
    "Source",
    "Verdict",
    "Workspace",
    "decide",
    "explain",
]
