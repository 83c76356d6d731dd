"""What a shadow would do otherwise: the events on which the two verdicts differ, as if both were enforced."""

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from assent.domain.decision import Verdict
from assent.domain.workspace import Category, Consent, Destination, RuleOverrides, Workspace
from assent.engine.policy import Policy
from assent.engine.shadow import differences

_KEYS = (
    b"{}",
    b'{"context":{"consent":{"categoryPreferences":{"ad":true}}}}',
    b'{"context":{"consent":{"categoryPreferences":{"ad":false}}}}',
    b'{"integrations":{"All":false}}',
)
_workspaces = st.builds(
    lambda on, mapped, rule, enabled: Workspace(
        consent=Consent(
            rules=RuleOverrides(no_consent=rule),
            categories=(Category("ad", enabled=on, destinations=("pixel",) if mapped else ()),),
        ),
        destinations=(Destination("pixel", enabled=enabled),),
    ),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["deliver", "withhold"]),
    st.booleans(),
)


OFF, ON = (
    Workspace(
        consent=Consent(categories=(Category("ad", enabled=on, destinations=("pixel",)),)),
        destinations=(Destination("pixel"),),
    )
    for on in (False, True)
)


@example(OFF, ON, [_KEYS[1], _KEYS[1]], True)
@given(_workspaces, _workspaces, st.lists(st.sampled_from(_KEYS)), st.booleans())
def test_the_differences_are_those_between_the_two_as_if_both_were_enforced(
    one: Workspace, other: Workspace, keys: list[bytes], observes: bool
) -> None:
    observing = Policy(msgspec.structs.replace(one, observe=observes))
    found = differences(observing, Policy(msgspec.structs.replace(other, observe=observes)), "pixel", keys)
    turned = [(Policy(one).decide_key(key)["pixel"], Policy(other).decide_key(key)["pixel"]) for key in keys]
    assert sum(found.values()) == sum(before.verdict is not after.verdict for before, after in turned)
    for direction, reason in found:
        verdict = Verdict.DELIVER if direction == "delivered" else Verdict.WITHHOLD
        assert any((after.verdict, after.reason) == (verdict, reason) for _before, after in turned)
