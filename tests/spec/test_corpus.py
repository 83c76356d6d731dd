"""Every case of the decision corpus, by name, on the readable and on the compiled decision."""

import json

import pytest
from corpus import Case, read_cases

from assent.domain.decision import REASONS, SAID_SINCE
from assent.engine.decide import decide
from assent.engine.policy import Policy

CASES = read_cases()

each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@each_case
def test_decide(case: Case) -> None:
    workspace = case.workspace
    assert case.decisions == {
        one.id: decide(workspace.rules, workspace.categories, one, case.event) for one in workspace.destinations
    }


@each_case
def test_policy_on_a_parsed_event(case: Case) -> None:
    assert Policy(case.workspace).decide(case.event) == case.decisions


@each_case
def test_policy_on_the_bytes_of_an_event(case: Case) -> None:
    assert Policy(case.workspace).decide(json.dumps(case.event).encode()) == case.decisions


def test_the_corpus_has_cases_whose_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(names) >= 46
    assert len(set(names)) == len(names)


def test_every_reason_that_people_are_told_is_in_the_corpus() -> None:
    met = {(one.verdict, one.reason) for case in CASES for one in case.decisions.values()}
    enforced = [one for one in REASONS if not one.observed and one.reason not in SAID_SINCE]
    assert met == {(text.verdict, text.reason) for text in enforced}, "but for what only observing and people bring"
