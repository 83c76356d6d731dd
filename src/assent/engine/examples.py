"""Examples of what rules come to, by deciding on events made up for the purpose: nothing here is said by heart."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec

from assent.domain.decision import Decision
from assent.domain.workspace import Category, Destination, Rules, Workspace
from assent.engine.decide import decide

Answer: TypeAlias = Literal["granted", "refused", "missing"]

ANSWERS: Final[Sequence[Answer]] = get_args(Answer)
_VALUES: Final = {"granted": True, "refused": False}


class TruthRow(msgspec.Struct, frozen=True):
    """What two categories were answered, and the decision where any of them suffices, and where all are needed."""

    first: Answer
    second: Answer
    any: Decision
    all: Decision


def truth_table(rules: Rules) -> list[TruthRow]:
    """A destination in two categories, under every pair of answers, with the other rules as they are."""
    destination = Destination("destination")
    categories = [Category(one, destinations=(destination.id,)) for one in ("first", "second")]

    def decided(several: str, answers: tuple[Answer, Answer]) -> Decision:
        event = event_with(dict(zip(("first", "second"), answers, strict=True)))
        return decide(msgspec.structs.replace(rules, several_categories=several), categories, destination, event)

    return [
        TruthRow(*answers, decided("any", answers), decided("all", answers)) for answers in product(ANSWERS, ANSWERS)
    ]


def event_with(answers: Mapping[str, Answer] | None, integrations: Mapping[str, bool] | None = None) -> dict[str, Any]:
    """The event that carries these answers by category id; without a consent object for None."""
    event: dict[str, Any] = {"type": "track"}
    if answers is not None:
        preferences = {id_: _VALUES[one] for id_, one in answers.items() if one != "missing"}
        event["context"] = {"consent": {"categoryPreferences": preferences}}
    if integrations is not None:
        event["integrations"] = dict(integrations)
    return event


class Example(msgspec.Struct, frozen=True):
    """An event and a destination that show what a rule is about, and the decision under each of its values.

    `answers` are what the event says of categories, by id, None where it says nothing at all; `closed` names the
    destination that its `integrations` object closes. `disabled` is the category that is taken as switched off.
    `is_real` says that the workspace has such a destination; otherwise it has none, and one was made up.
    """

    rule: str
    destination: str
    answers: Mapping[str, Answer] | None
    decisions: Mapping[str, Decision]
    closed: str | None = None
    disabled: str | None = None
    is_real: bool = True


def rule_examples(workspace: Workspace, rules: Rules) -> dict[str, Example]:
    """An example of each rule, made of this workspace's own destinations and categories as far as it has them.

    Each rule about the event alone is shown, with the others as in `rules`; what the ledger is asked needs one.
    """
    found = [
        _several(workspace, rules),
        _unmapped(workspace, rules),
        _disabled(workspace, rules),
        _integrations(workspace, rules),
        _absent(workspace, rules),
    ]
    return {one.rule: one for one in found}


def _several(workspace: Workspace, rules: Rules) -> Example:
    picked = _mapped(workspace, at_least=2)
    destination, categories = picked or (_made_up(workspace), _categories(workspace, 2))
    answers = _answers(categories, "granted", "refused")
    return _example("several_categories", rules, categories, destination, answers, is_real=picked is not None)


def _unmapped(workspace: Workspace, rules: Rules) -> Example:
    mapped = {id_ for one in workspace.categories for id_ in one.destinations}
    free = next((one for one in _enabled(workspace) if one.id not in mapped), None)
    answers = _answers(_categories(workspace, 1), "granted")
    return _example("unmapped_destination", rules, [], free or _made_up(workspace), answers, is_real=free is not None)


def _disabled(workspace: Workspace, rules: Rules) -> Example:
    picked = _mapped(workspace, at_least=1)
    destination, categories = picked or (_made_up(workspace), _categories(workspace, 1))
    off = categories[-1]
    switched = [msgspec.structs.replace(one, enabled=one.id != off.id) for one in categories]
    answers: dict[str, Answer] = {one.id: "granted" for one in categories}
    return _example(
        "disabled_category", rules, switched, destination, answers, disabled=off.id, is_real=picked is not None
    )


def _integrations(workspace: Workspace, rules: Rules) -> Example:
    picked = _mapped(workspace, at_least=1)
    destination, categories = picked or (_made_up(workspace), _categories(workspace, 1))
    answers: dict[str, Answer] = {one.id: "granted" for one in categories}
    return _example(
        "integrations_object",
        rules,
        [msgspec.structs.replace(one, enabled=True) for one in categories],
        destination,
        answers,
        closed=destination.title,
        is_real=picked is not None,
    )


def _absent(workspace: Workspace, rules: Rules) -> Example:
    picked = _mapped(workspace, at_least=1)
    destination, categories = picked or (_made_up(workspace), _categories(workspace, 1))
    return _example("no_consent", rules, categories, destination, None, is_real=picked is not None)


def _example(
    rule: str,
    rules: Rules,
    categories: Sequence[Category],
    destination: Destination,
    answers: Mapping[str, Answer] | None,
    *,
    closed: str | None = None,
    disabled: str | None = None,
    is_real: bool,
) -> Example:
    event = event_with(answers, {closed: False} if closed is not None else None)
    decisions = {
        value: decide(msgspec.structs.replace(rules, **{rule: value}), categories, destination, event)
        for value in get_args(Rules.__annotations__[rule])
    }
    return Example(rule, destination.title, answers, decisions, closed, disabled, is_real)


def _enabled(workspace: Workspace) -> list[Destination]:
    return [one for one in workspace.destinations if one.enabled]


def _mapped(workspace: Workspace, at_least: int) -> tuple[Destination, list[Category]] | None:
    """The first destination in so many categories, with those categories, which are taken as switched on."""
    for destination in _enabled(workspace):
        categories = [one for one in workspace.categories if destination.id in one.destinations]
        if len(categories) >= at_least:
            return destination, [msgspec.structs.replace(one, enabled=True) for one in categories]
    return None


def _made_up(workspace: Workspace) -> Destination:
    """The workspace's first destination, taken as if it were mapped otherwise; one of no name where there is none."""
    return next(iter(_enabled(workspace)), Destination("a-destination", name="A destination"))


def _categories(workspace: Workspace, count: int) -> list[Category]:
    """So many categories that every destination is in: the workspace's own, filled up with made-up ones."""
    destination = _made_up(workspace)
    own = [Category(one.id, one.name) for one in workspace.categories]
    made_up = [
        one for one in (Category("advertising"), Category("analytics")) if one.id not in {each.id for each in own}
    ]
    return [msgspec.structs.replace(one, destinations=(destination.id,)) for one in [*own, *made_up][:count]]


def _answers(categories: Sequence[Category], first: Answer, *rest: Answer) -> dict[str, Answer]:
    """The first answer for the first category, the last given one for all after it."""
    given = [first, *rest]
    return {one.id: given[min(index, len(given) - 1)] for index, one in enumerate(categories)}
