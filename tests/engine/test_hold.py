"""What is held: by its source, or by the categories that its delivery rests on."""

import pytest

from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.workspace import Category, Consent, Destination, RuleOverrides, Source, Workspace
from assent.engine.hold import Holder, Holds

BOTH = ("ads", "stats")


def workspace(held: tuple[str, ...], rule: str = "any", *, source_held: bool = False) -> Workspace:
    categories = tuple(Category(one, destinations=("crm",), held=one in held) for one in BOTH)
    return Workspace(
        consent=Consent(rules=RuleOverrides(several_categories=rule), categories=categories),  # type: ignore[arg-type]
        sources=(Source("web", "k", held=source_held),),
        destinations=(Destination("crm"), Destination("lake")),
    )


def deliver(reason: Reason, *categories: str) -> Decision:
    return Decision(Verdict.DELIVER, reason, categories)


@pytest.mark.parametrize(
    ("rule", "held", "granted", "holder"),
    [
        ("any", ("ads",), ("ads",), ("ads",)),
        ("any", ("ads",), ("ads", "stats"), None),
        ("any", ("ads",), ("stats",), None),
        ("any", BOTH, BOTH, BOTH),
        ("all", ("ads",), BOTH, ("ads",)),
        ("all", BOTH, BOTH, BOTH),
        ("all", (), BOTH, None),
    ],
)
def test_a_grant_is_held_where_it_rests_on_what_is_held(
    rule: str, held: tuple[str, ...], granted: tuple[str, ...], holder: tuple[str, ...] | None
) -> None:
    found = Holds(workspace(held, rule)).holder("web", "crm", deliver(Reason.CONSENTED, *granted))
    assert found == (Holder("category", holder) if holder else None)


def test_without_consent_any_held_category_holds_and_a_consent_update_none() -> None:
    holds = Holds(workspace(("ads",)))
    assert holds.holder("web", "crm", deliver(Reason.CONSENT_ABSENT)) == Holder("category", ("ads",))
    assert holds.holder("web", "lake", deliver(Reason.CONSENT_ABSENT)) is None
    assert holds.holder("web", "crm", deliver(Reason.CONSENT_UPDATE)) is None


def test_a_held_source_holds_all_that_would_go_and_nothing_else() -> None:
    holds = Holds(workspace((), source_held=True))
    assert holds.holder("web", "lake", deliver(Reason.CONSENTED, "ads")) == Holder("source", ("web",))
    assert holds.holder("app", "lake", deliver(Reason.CONSENTED, "ads")) is None
    assert holds.holder("web", "lake", Decision(Verdict.WITHHOLD, Reason.CATEGORY_DENIED, ("ads",))) is None


def test_the_key_changes_with_whatever_decides_what_is_held() -> None:
    nothing = Holds(workspace(()))
    assert not nothing
    others = [workspace(("ads",)), workspace((), "all"), workspace((), source_held=True)]
    assert len({nothing.key("crm"), *(Holds(one).key("crm") for one in others)}) == 4
    assert Holds(workspace(("ads",))).key("lake") == nothing.key("lake")
