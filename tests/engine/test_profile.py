"""Profiles: a function of the receipts alone, in whatever order these came in."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.domain.receipt import Joining, Method, Preference, Profile, Statement, Subject
from assent.engine.profile import Said, fold, followed, together

GRANTED, DENIED, UNKNOWN, CONFLICT = Preference


def a_statement(
    at: int,
    preferences: dict[str, Preference] | None = None,
    *,
    user: str | None = "u1",
    device: str | None = None,
    method: Method = Method.EVENT,
    complete: bool = False,
    readable: bool = True,
) -> Statement:
    return Statement(
        Subject(user, device), preferences or {}, method, "web", at, at, b"{}", complete=complete, readable=readable
    )


def folded(*statements: Statement) -> Profile:
    return fold(Said(one, number, number) for number, one in enumerate(statements, 1))


def test_a_receipt_sets_what_it_names_and_leaves_the_rest() -> None:
    profile = folded(a_statement(1, {"ads": DENIED, "stats": GRANTED}), a_statement(2, {"stats": DENIED}))
    assert profile.preferences() == {"ads": DENIED, "stats": DENIED}


def test_a_complete_receipt_refuses_what_it_does_not_name() -> None:
    before = a_statement(1, {"ads": GRANTED, "stats": GRANTED})
    update = a_statement(2, {"stats": GRANTED}, method=Method.UPDATE, complete=True)
    assert folded(before, update).preferences() == {"ads": DENIED, "stats": GRANTED}


def test_an_empty_choice_refuses_everything() -> None:
    profile = folded(a_statement(1, {"ads": GRANTED, "stats": DENIED}), a_statement(2, complete=True))
    assert profile.preferences() == {"ads": DENIED, "stats": DENIED}


def test_what_cannot_be_read_closes_and_never_opens() -> None:
    before = a_statement(1, {"ads": GRANTED, "stats": DENIED})
    assert folded(before, a_statement(2, {"ads": UNKNOWN, "stats": UNKNOWN})).preferences() == {
        "ads": UNKNOWN,
        "stats": DENIED,
    }
    assert folded(before, a_statement(2, readable=False)).preferences() == {"ads": UNKNOWN, "stats": DENIED}


def test_between_devices_the_latest_wins_whichever_came_in_first() -> None:
    laptop = a_statement(5, {"ads": GRANTED}, device="laptop")
    phone = a_statement(3, {"ads": DENIED}, device="phone")
    assert folded(laptop, phone).preferences() == folded(phone, laptop).preferences() == {"ads": GRANTED}


@pytest.mark.parametrize(("joining", "counts"), [("refusal_wins", DENIED), ("latest", GRANTED), ("conflict", CONFLICT)])
def test_two_that_become_one_may_disagree(joining: Joining, counts: Preference) -> None:
    server = a_statement(1, {"ads": DENIED})
    browser = a_statement(2, {"ads": GRANTED}, user=None, device="b1")
    signed_in = a_statement(3, {"ads": GRANTED}, device="b1")
    profile = folded(server, browser, signed_in)
    assert profile.preference("ads", joining) is counts
    chosen = a_statement(4, {"ads": GRANTED}, device="b1", method=Method.UPDATE, complete=True)
    assert folded(server, browser, signed_in, chosen).preference("ads", joining) is GRANTED


def test_what_a_browser_says_before_it_is_somebodys_is_not_theirs_yet() -> None:
    refused = a_statement(1, {"ads": DENIED}, user=None, device="b1")
    elsewhere = a_statement(2, {"ads": GRANTED})
    joined = a_statement(3, device="b1")
    assert folded(refused, elsewhere, joined).preference("ads") is DENIED
    again = a_statement(4, {"ads": GRANTED}, device="b2")
    assert folded(refused, elsewhere, joined, again).preference("ads") is GRANTED


def test_of_one_moment_the_refusal_counts() -> None:
    yes, no = a_statement(1, {"ads": GRANTED}), a_statement(1, {"ads": DENIED})
    assert folded(yes, no).preferences() == folded(no, yes).preferences() == {"ads": DENIED}


def test_people_who_share_a_browser_refuse_for_each_other() -> None:
    one, other = folded(a_statement(1, {"ads": DENIED})), folded(a_statement(2, {"ads": GRANTED}, user="u2"))
    assert together([one, other]).preferences() == {"ads": DENIED}


# --- properties

_preferences = st.dictionaries(st.sampled_from(["ads", "stats", "mail"]), st.sampled_from([GRANTED, DENIED, UNKNOWN]))


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    """About one user with two devices, which are also used without a name; often at the same moment."""
    user = draw(st.sampled_from([None, "u1"]))
    device = draw(st.sampled_from(["b1", "b2"] if user is None else [None, "b1", "b2"]))
    method = draw(st.sampled_from([Method.EVENT, Method.UPDATE, Method.API]))
    complete = draw(st.booleans())
    readable = complete or draw(st.booleans())
    preferences = draw(_preferences) if readable else {}
    at = draw(st.integers(1, 6))
    return a_statement(at, preferences, user=user, device=device, method=method, complete=complete, readable=readable)


def about_u1(heard: Sequence[Statement]) -> list[Statement]:
    devices = {one.subject.anonymous_id for one in heard if one.subject.user_id is not None}
    return [one for one in heard if one.subject.user_id is not None or one.subject.anonymous_id in devices]


@settings(max_examples=150, deadline=None)
@given(st.lists(statements(), max_size=7), st.randoms())
def test_the_order_in_which_receipts_came_in_does_not_matter(heard: list[Statement], chance: object) -> None:
    heard = about_u1(heard)
    shuffled = list(heard)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    for joining in ("refusal_wins", "latest", "conflict"):
        assert folded(*heard).preferences(joining) == folded(*shuffled).preferences(joining)


@settings(max_examples=150, deadline=None)
@given(st.lists(statements(), min_size=1, max_size=7))
def test_following_is_folding(heard: list[Statement]) -> None:
    heard = sorted(about_u1(heard), key=lambda one: one.moment)
    said = [Said(one, number, number) for number, one in enumerate(heard, 1)]
    for end in range(1, len(said)):
        before = fold(said[:end])
        known = {one.statement.subject.anonymous_id for one in said[:end] if one.statement.subject.user_id}
        subject = said[end].statement.subject
        if subject.user_id is None and subject.anonymous_id not in known:
            return  # not about this person yet
        after = followed(before, said[end])
        assert after is None or after == fold(said[: end + 1])


@settings(max_examples=100, deadline=None)
@given(statements())
def test_a_first_receipt_says_what_it_says_after_one_that_says_nothing(first: Statement) -> None:
    subject = Subject(first.subject.user_id, None if first.subject.user_id else first.subject.anonymous_id)
    silent = msgspec.structs.replace(a_statement(0), subject=subject)
    after = fold([Said(silent, 0, 0), Said(first, 1, 1)])
    assert msgspec.structs.replace(after, receipts=1) == folded(first)


@settings(max_examples=100, deadline=None)
@given(st.lists(statements(), max_size=6), st.sampled_from(["latest", "refusal_wins", "conflict"]))
def test_a_refusal_stays_until_the_same_category_is_granted(heard: list[Statement], joining: Joining) -> None:
    refused = a_statement(7, {"ads": DENIED}, device=None, method=Method.UPDATE, complete=True)
    later = [a_statement(8, {"stats": GRANTED}), a_statement(9, {"ads": UNKNOWN}), a_statement(9, readable=False)]
    assert folded(*about_u1(heard), refused, *later).preference("ads", joining) is DENIED


@settings(max_examples=100, deadline=None)
@given(st.lists(statements(), max_size=7))
def test_what_nobody_answered_is_never_an_answer(heard: list[Statement]) -> None:
    unreadable = [
        a_statement(one.occurred_at, dict.fromkeys(one.preferences, UNKNOWN), user="u1", readable=one.readable)
        for one in heard
    ]
    assert set(folded(*unreadable).preferences().values()) <= {UNKNOWN}
