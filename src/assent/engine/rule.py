"""Which of the rules a decision hangs on: those without which it would be another."""

from collections.abc import Iterator
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec

from assent.domain.workspace import Rules, Workspace
from assent.engine.decide import decide

RuleName: TypeAlias = Literal[
    "several_categories",
    "unmapped_destination",
    "disabled_category",
    "integrations_object",
    "no_consent",
    "unstamped_events",
    "revoked_since",
    "joined_profiles",
]


class DecisiveRule(msgspec.Struct, frozen=True):
    """A rule and its value, which settled a decision: with another value the decision would be another."""

    name: RuleName
    value: str

    @property
    def meaning(self) -> str:
        """What the rule says with this value, in one sentence."""
        return _MEANINGS[self.name, self.value]


def decisive_rules(workspace: Workspace, destination_id: str, event: Any) -> tuple[DecisiveRule, ...]:
    """The rules that settled the decision on `event` at a destination, in the order of the rules.

    None where no rule had a say (the person refused the one category), where two would each have come to the same, and
    for a destination that the workspace does not have.
    """
    destination = workspace.destination(destination_id)
    if destination is None:
        return ()
    rules, categories = workspace.rules, workspace.categories
    decision = decide(rules, categories, destination, event)
    return tuple(
        DecisiveRule(name, getattr(rules, name))
        for name in get_args(RuleName)
        if any(decide(other, categories, destination, event) != decision for other in _with_other_values(rules, name))
    )


def _with_other_values(rules: Rules, name: RuleName) -> Iterator[Rules]:
    for value in get_args(Rules.__annotations__[name]):
        if value != getattr(rules, name):
            yield msgspec.structs.replace(rules, **{name: value})


_MEANINGS: Final[dict[tuple[RuleName, str], str]] = {
    ("several_categories", "any"): "Of several categories, one that is granted is enough.",
    ("several_categories", "all"): "Of several categories, every one must be granted.",
    ("unmapped_destination", "deliver"): "A destination in no category needs no consent.",
    ("unmapped_destination", "withhold"): "A destination in no category gets no event that carries consent.",
    ("disabled_category", "withhold"): "A category that is switched off counts as not granted.",
    ("disabled_category", "ignore"): "A category that is switched off counts as if it did not exist.",
    ("integrations_object", "yield"): "Once consent is granted, the integrations object has no say.",
    ("integrations_object", "narrow"): "The integrations object may still close what consent has opened.",
    ("no_consent", "deliver"): "An event without a consent object is delivered, without enforcement.",
    ("no_consent", "withhold"): "An event without a consent object is withheld.",
    ("unstamped_events", "no_consent"): "What the ledger knows is not asked for an event without a consent object.",
    ("unstamped_events", "stamp"): "An event without a consent object gets what the ledger knows of its person.",
    ("revoked_since", "stamped"): "What the event itself carries counts, whatever the person said since.",
    ("revoked_since", "newest"): "Before every attempt, the newest answer of the person counts.",
    ("joined_profiles", "refusal_wins"): "Where two profiles that became one disagree, the refusal counts.",
    ("joined_profiles", "latest"): "Where two profiles that became one disagree, the latest answer counts.",
    ("joined_profiles", "conflict"): "Where two profiles that became one disagree, neither answer is a grant.",
}
