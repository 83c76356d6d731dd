"""The flow from sources to destinations: its sums are what is decided for every event."""

from collections import Counter

from decision_strategies import parsed, workspaces
from hypothesis import given
from hypothesis import strategies as st

from assent.domain.decision import Reason, Verdict
from assent.domain.workspace import Category, Consent, Destination, Workspace
from assent.engine.decide import decide
from assent.engine.flow import Link, flow
from assent.engine.policy import Policy
from assent.engine.routing import routing_key

sources = st.sampled_from(["web", "app"])
events = st.lists(st.tuples(sources, parsed, st.integers(1, 1000)), max_size=8)


@given(workspaces, events)
def test_its_sums_are_what_decide_says_of_each_event(
    workspace: Workspace, events: list[tuple[str, object, int]]
) -> None:
    counts: Counter[tuple[str, bytes]] = Counter()
    expected: Counter[Link] = Counter()
    for source, event, number in events:
        try:
            counts[source, routing_key(event)] += number
        except UnicodeEncodeError:
            continue  # half of a surrogate pair has no routing key
        for one in workspace.destinations:
            decision = decide(workspace.rules, workspace.categories, one, event)
            category = decision.categories[0] if decision.categories else None
            expected[Link(source, category, decision.reason, one.id, decision.verdict)] += number
    assert flow(Policy(workspace), counts) == dict(expected)


def test_it_names_the_category_that_settled_it() -> None:
    workspace = Workspace(
        consent=Consent(categories=(Category("ad", destinations=("pixel",)),)),
        destinations=(Destination("pixel"), Destination("lake")),
    )
    key = routing_key({"context": {"consent": {"categoryPreferences": {"ad": False}}}})
    assert flow(Policy(workspace), {("web", key): 7, ("web", routing_key({})): 2}) == {
        Link("web", "ad", Reason.CATEGORY_DENIED, "pixel", Verdict.WITHHOLD): 7,
        Link("web", None, Reason.DESTINATION_UNMAPPED, "lake", Verdict.WITHHOLD): 7,
        Link("web", None, Reason.CONSENT_ABSENT, "pixel", Verdict.DELIVER): 2,
        Link("web", None, Reason.CONSENT_ABSENT, "lake", Verdict.DELIVER): 2,
    }
