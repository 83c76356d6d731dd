"""The sentence about a destination is true: it says what `decide` does, for every answer and under all rules."""

from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.domain.decision import Verdict
from assent.domain.workspace import Category, Consent, Destination, RuleOverrides, Rules, Workspace
from assent.engine.decide import decide
from assent.engine.examples import ANSWERS, event_with, rule_examples, truth_table
from assent.engine.outlook import outlook
from assent.engine.policy import Policy
from assent.engine.routing import routing_key
from assent.engine.standing import Standing, standing

IDS = ("ads", "stats", "mail")


@st.composite
def workspaces(draw: st.DrawFn) -> Workspace:
    rules = RuleOverrides(
        **{name: draw(st.sampled_from(get_args(Rules.__annotations__[name]))) for name in Rules.__struct_fields__}
    )
    categories = tuple(
        Category(one, name=one.title(), enabled=draw(st.booleans()), destinations=("pixel",))
        for one in draw(st.lists(st.sampled_from(IDS), unique=True))
    )
    destination = Destination("pixel", name="Pixel", enabled=draw(st.booleans()))
    return Workspace(consent=Consent(rules=rules, categories=categories), destinations=(destination,))


def promised(one: Standing, granted: set[str]) -> bool:
    """What the sentence says of an event that grants these."""
    if not one.destination.enabled or one.condition == "never":
        return False
    if one.condition == "always":
        return True
    return {"any": any, "all": all}[one.condition](name.lower() in granted for name in one.categories)


@given(workspaces())
def test_the_standing_says_what_decide_does(workspace: Workspace) -> None:
    (destination,) = workspace.destinations
    found = standing(workspace, destination)
    for answers in product(ANSWERS, repeat=len(IDS)):
        said = dict(zip(IDS, answers, strict=True))
        decision = decide(workspace.rules, workspace.categories, destination, event_with(said))
        granted = {id_ for id_, one in said.items() if one == "granted"}
        assert promised(found, granted) == (decision.verdict is Verdict.DELIVER), (found.sentence, said)
    without = decide(workspace.rules, workspace.categories, destination, event_with(None))
    assert found.gets_without_consent == (without.verdict is Verdict.DELIVER)


def named(*on: str, off: tuple[str, ...] = (), destination: bool = True, **rules: str) -> Standing:
    categories = [
        *(Category(one.lower(), one, destinations=("pixel",)) for one in on),
        *(Category(one.lower(), one, enabled=False, destinations=("pixel",)) for one in off),
    ]
    consent = Consent(rules=RuleOverrides(**rules), categories=tuple(categories))
    one = Destination("pixel", "Pixel", enabled=destination)
    return standing(Workspace(consent=consent, destinations=(one,)), one)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (named("Ads", "Stats"), "Pixel gets an event when the person granted Ads or Stats."),
        (
            named("Ads", "Stats", "Mail", several_categories="all"),
            "Pixel gets an event when the person granted Ads, Stats and Mail.",
        ),
        (named(), "Pixel gets no event that carries consent, because it is in no category."),
        (
            named(unmapped_destination="deliver"),
            "Pixel gets every event, whatever the person answered, because it is in no category.",
        ),
        (named("Ads", off=("Stats",)), "Pixel gets an event when the person granted Ads."),
        (
            named("Ads", off=("Stats",), several_categories="all"),
            "Pixel gets no event that carries consent, because Stats is switched off.",
        ),
        (named("Ads", destination=False), "Pixel is switched off, and gets nothing."),
    ],
)
def test_the_sentence_reads_well(found: Standing, sentence: str) -> None:
    assert found.sentence == sentence


# -------------------------------------------------------------------------------------------- examples


def test_the_truth_table_has_every_pair_of_answers() -> None:
    rows = truth_table(Workspace().rules)
    assert len({(one.first, one.second) for one in rows}) == 9
    for row in rows:
        granted = [row.first, row.second].count("granted")
        assert (row.any.verdict == "deliver", row.all.verdict == "deliver") == (granted > 0, granted == 2)


def test_examples_are_of_this_workspace() -> None:
    workspace = Workspace(
        consent=Consent(categories=(Category("a", "A", destinations=("both",)), Category("b", destinations=("both",)))),
        destinations=(Destination("free", "Free"), Destination("both", "Both")),
    )
    examples = rule_examples(workspace, workspace.rules)
    assert list(examples) == list(Rules.__struct_fields__)
    assert all(one.is_real for one in examples.values())
    assert {name: one.destination for name, one in examples.items()} == {
        "several_categories": "Both",
        "unmapped_destination": "Free",
        "disabled_category": "Both",
        "integrations_object": "Both",
        "no_consent": "Both",
    }
    for name, one in examples.items():
        if name != "disabled_category":
            assert len({each.verdict for each in one.decisions.values()}) == 2, name


def test_an_example_that_the_workspace_does_not_have_says_so() -> None:
    for workspace in (Workspace(), Workspace(destinations=(Destination("only"),))):
        examples = rule_examples(workspace, workspace.rules)
        assert not examples["several_categories"].is_real
        assert [one.verdict for one in examples["several_categories"].decisions.values()] == ["deliver", "withhold"]


# -------------------------------------------------------------------------------------------- outlook


def test_an_outlook_counts_every_event_once_for_every_destination() -> None:
    workspace = Workspace(
        consent=Consent(categories=(Category("ads", destinations=("pixel",)),)),
        destinations=(Destination("pixel"), Destination("free")),
    )
    counts = {
        ("web", routing_key(event_with({"ads": "granted"}))): 5,
        ("web", routing_key(event_with({"ads": "refused"}))): 2,
        ("app", routing_key(event_with(None))): 1,
    }
    found = outlook(Policy(workspace), counts)
    assert found.events == 8
    assert (found.delivered("pixel"), found.delivered("free")) == (6, 1)
    assert found.reasons("pixel", Verdict.WITHHOLD) == {"category_denied": 2}
    assert found.reasons("free", Verdict.WITHHOLD) == {"destination_unmapped": 7}
    assert sum(found.links.values()) == 16
