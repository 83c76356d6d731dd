"""Observing lets go what consent withholds, closes nothing, and says of every decision what it would be."""

from typing import Any

import msgspec
from decision_strategies import parsed, workspaces
from hypothesis import given

from assent.domain.decision import BY_CONSENT, Decision, Reason, Verdict, explain, explain_decision
from assent.domain.workspace import Category, Consent, Destination, RuleOverrides, Workspace
from assent.engine.policy import Policy
from assent.engine.routing import routing_key
from assent.engine.trial import Trial

STRICT = Workspace(
    consent=Consent(
        rules=RuleOverrides(no_consent="withhold"), categories=(Category("ad", destinations=("facebook", "off")),)
    ),
    destinations=(Destination("facebook"), Destination("off", enabled=False)),
)
REFUSED = {"context": {"consent": {"categoryPreferences": {"ad": False}}}}


def observed(workspace: Workspace) -> Workspace:
    return msgspec.structs.replace(workspace, observe=True)


@given(workspaces, parsed)
def test_only_what_consent_withholds_is_let_go_and_it_says_so(workspace: Workspace, event: Any) -> None:
    enforced, let_go = Policy(workspace).decide(event), Policy(observed(workspace)).decide(event)
    for name, would_be in enforced.items():
        decision = let_go[name]
        if would_be.verdict is Verdict.DELIVER or would_be.reason not in BY_CONSENT:
            assert decision == would_be
        elif decision.verdict is Verdict.DELIVER:
            assert decision.observed
            assert decision.enforced == would_be
        else:
            assert decision == Decision(Verdict.WITHHOLD, Reason.INTEGRATIONS_OBJECT)


def test_what_people_refused_flows_and_what_else_closes_still_does() -> None:
    policy = Policy(observed(STRICT))
    refused = policy.decide(REFUSED)
    assert refused["facebook"] == Decision(Verdict.DELIVER, Reason.CATEGORY_DENIED, ("ad",), observed=True)
    assert refused["off"].reason is Reason.DESTINATION_DISABLED
    assert policy.decide({})["facebook"] == Decision(Verdict.DELIVER, Reason.CONSENT_ABSENT, observed=True)
    assert policy.decide({**REFUSED, "integrations": {"facebook": False}})["facebook"].verdict is Verdict.WITHHOLD
    assert policy.decide({**REFUSED, "_metadata": {"bundled": ["facebook"]}})["facebook"].verdict is Verdict.WITHHOLD


def test_the_texts_say_that_it_was_observed() -> None:
    decision = Policy(observed(STRICT)).decide({})["facebook"]
    assert "because the workspace observes" in explain_decision(decision).what_happened
    assert "observes" not in explain(Verdict.DELIVER, Reason.CONSENT_ABSENT).what_happened
    assert "observes" in explain(Verdict.DELIVER, Reason.CATEGORY_DENIED).what_happened, "as counters ask"


def test_a_trial_of_observing_counts_what_would_flow() -> None:
    refused, absent = routing_key(REFUSED), routing_key({})
    [effect] = Trial(STRICT, observed(STRICT)).effects({("web", refused): 3, ("web", absent): 4})
    assert (effect.destination, effect.newly_delivered) == ("facebook", 7)
    [back] = Trial(observed(STRICT), STRICT).effects({("web", refused): 3})
    assert back.newly_withheld == 3
