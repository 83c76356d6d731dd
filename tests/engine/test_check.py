"""The checks of a workspace document: complete, total, and in agreement with the types."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.domain.workspace import Workspace
from assent.engine.check import find_mistakes, find_warnings

_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def _sometimes_wrong(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(right, right, right, right, _json)


def _mapping(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return _sometimes_wrong(
        st.fixed_dictionaries({}, optional={key: _sometimes_wrong(one) for key, one in keys.items()})
    )


_ids = st.sampled_from(["a", "b", "c", "a.b", ""])
_documents = _mapping(
    workspace=st.just("shop"),
    consent=_mapping(
        preset=st.sampled_from(["segment-beta", "strict"]),
        rules=_mapping(no_consent=st.sampled_from(["deliver", "withhold"])),
        categories=st.lists(
            _mapping(
                id=_ids,
                name=_ids,
                enabled=st.booleans(),
                destinations=st.lists(_ids, max_size=3),
                signals=st.lists(st.sampled_from(["tcf:4", "gpc", "tee:1", "tcf:"]), max_size=3),
            )
        ),
    ),
    sources=st.lists(
        _mapping(id=_ids, write_key=_ids, consent_from=st.lists(st.sampled_from(["tcf", "gpc", "tee"]), max_size=3)),
        max_size=3,
    ),
    destinations=st.lists(_mapping(id=_ids, enabled=st.booleans(), settings=_mapping(x=_json)), max_size=3),
)


@given(_documents)
def test_the_shape_is_found_right_exactly_when_the_types_take_it(document: Any) -> None:
    try:
        msgspec.convert(document, Workspace)
    except msgspec.ValidationError:
        assert find_mistakes(document)
        return
    meant_wrong = (
        "already",
        "no tool",
        "no signal",
        "no id",
        "no write key",
        "characters",
        "contains `.`",
        "no destination",
        "cannot be seen",
    )
    assert all(any(one in mistake.message for one in meant_wrong) for mistake in find_mistakes(document))


def _found(document: Any) -> list[str]:
    return [str(mistake) for mistake in find_mistakes(document)]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([], ["must be a mapping; the keys are workspace, consent, sources, destinations"]),
        (None, ["is empty"]),
        ({"workspace": 7}, ["workspace: `7` is a number, and text is wanted; write it in quotes"]),
        ({"workspace": True}, ["workspace: `true` is true or false, and text is wanted; write it in quotes"]),
        ({"workspace": ["x"]}, ["workspace: must be text, not a list"]),
        ({"destinations": {"id": "a"}}, ["destinations: must be a list"]),
        ({"destinations": None}, ["destinations: has no value; give it one, or leave the key out"]),
        ({"destinations": [{}]}, ["destinations[0]: the key `id` is missing"]),
        (
            {"destinations": [{"id": "a", "enabled": "true"}]},
            ["destinations[0].enabled: `true` is not allowed; write true or false, without quotes"],
        ),
        (
            {"destinations": [{"id": "a", "settings": []}]},
            ["destinations[0].settings: must be a mapping of keys to values"],
        ),
        (
            {"consent": {"rules": {"several_categories": "some"}}},
            ["consent.rules.several_categories: `some` is not allowed; the choices are all, any"],
        ),
        (
            {"consent": {"preset": "segment-gaa"}},
            [
                "consent.preset: `segment-gaa` is not allowed; did you mean `segment-ga`? "
                "the choices are segment-beta, segment-ga, strict"
            ],
        ),
        (
            {"consent": {"categories": [{"id": "ad", "destinations": ["facebok"]}]}, "destinations": []},
            ["consent.categories[0].destinations[0]: `facebok` is no destination; there are no destinations"],
        ),
        (
            {"sources": [{"id": "a", "write_key": "k1"}, {"id": "a", "write_key": "k1"}]},
            [
                "sources[1].id: `a` is already used at sources[0].id; each must be unique",
                "sources[1].write_key: the value is already used at sources[0].write_key; each must be unique",
            ],
        ),
    ],
)
def test_each_mistake_says_where_and_what_is_allowed(document: Any, expected: list[str]) -> None:
    assert _found(document) == expected


@pytest.mark.parametrize("category_id", ["a.b", "", "x" * 65, "tab\there", "zero\u200bwidth"])
def test_category_ids_that_break_something_are_refused(category_id: str) -> None:
    [found] = find_mistakes({"consent": {"categories": [{"id": category_id}]}})
    assert found.field == "consent.categories[0].id"
    assert "\t" not in found.message


@pytest.mark.parametrize("category_id", ["1", "C0002", "x" * 64, " blank ", "Wërbung & Co", "a:b/c"])
def test_category_ids_are_otherwise_free(category_id: str) -> None:
    assert not find_mistakes({"consent": {"categories": [{"id": category_id}]}})


@pytest.mark.parametrize("destination_id", ["", "a b", "-a", "..", "a/b", "é", "x" * 65, "a\n"])
def test_ids_of_destinations_and_sources_are_plain(destination_id: str) -> None:
    assert len(find_mistakes({"destinations": [{"id": destination_id}]})) == 1
    assert len(find_mistakes({"sources": [{"id": destination_id, "write_key": "k"}]})) == 1


@pytest.mark.parametrize("write_key", ["", "a:b", "a b", "a/b", "$KEY"])
def test_write_keys_fit_into_an_address_and_a_header(write_key: str) -> None:
    [found] = find_mistakes({"sources": [{"id": "a", "write_key": write_key}]})
    assert found.message.startswith("is no write key; use 1 to 128 letters")


def test_a_name_has_at_most_64_characters() -> None:
    document = {"workspace": "x" * 64, "destinations": [{"id": "a", "name": "x" * 65}]}
    assert [one.field for one in find_mistakes(document)] == ["destinations[0].name"]


def test_a_long_list_of_what_is_allowed_is_cut() -> None:
    destinations = [{"id": f"d{number}"} for number in range(25)]
    [found] = _found({"consent": {"categories": [{"id": "ad", "destinations": ["zzz"]}]}, "destinations": destinations})
    assert found.endswith("d18, d19 and 5 more")


def _workspace(**document: Any) -> Workspace:
    return msgspec.convert(document, Workspace)


def test_warnings() -> None:
    consent = {
        "categories": [
            {"id": "Ad", "destinations": ["a"]},
            {"id": "ad "},
            {"id": "1"},
            {"id": "x" * 35},
            {"id": "x" * 34},
        ]
    }
    destinations = [{"id": "a"}, {"id": "b"}, {"id": "off", "enabled": False}]
    assert find_warnings(_workspace(consent=consent, destinations=destinations)) == [
        "the category ids `Ad` and `ad ` differ only in case or blanks, and are two categories",
        "the category id `1` begins with a digit, which Segment does not allow",
        f"the category id `{'x' * 35}` is longer than Segment's 34 characters",
        "the destination `b` is in no category: events that carry consent are withheld from it",
    ]


def test_a_warning_of_an_unmapped_destination_says_what_the_rules_make_of_it() -> None:
    [warning] = find_warnings(_workspace(consent={"preset": "segment-ga"}, destinations=[{"id": "a"}]))
    assert warning.endswith("are delivered to it")


def test_nothing_to_warn_of() -> None:
    consent = {"categories": [{"id": "ad", "destinations": ["a"]}]}
    assert not find_warnings(_workspace(consent=consent, destinations=[{"id": "a"}]))


@pytest.mark.parametrize(
    ("signals", "said"),
    [
        (["tcf:4", "tcf:vendor 755", "gpc", "onetrust:a:b"], []),
        (["tfc:4"], ["`tfc:4` begins with no tool and a colon; did you mean `tcf`?"]),
        (["4"], ["`4` begins with no tool and a colon"]),
        (["tcf:"], ["`tcf:` is no signal"]),
        (["tcf:4", "tcf:4"], ["`tcf:4` is already in this category"]),
    ],
)
def test_a_signal_is_a_tool_and_an_id(signals: list[str], said: list[str]) -> None:
    found = _found({"consent": {"categories": [{"id": "a", "signals": signals}]}})
    assert len(found) == len(said)
    assert all(one in mistake for one, mistake in zip(said, found, strict=True))
