"""Hypothesis strategies for workspaces and events: few names, so that they meet and every branch is hit."""

import json
import random
from collections.abc import Iterable
from itertools import combinations, product
from typing import Any, Final, get_args, get_type_hints

import msgspec
from hypothesis import strategies as st

from assent.domain.record import CONSENT_UPDATE_EVENT
from assent.domain.workspace import Category, Consent, Destination, RuleOverrides, Rules, Workspace

CATEGORY_IDS: Final = ("ad", "analytics", "C0002", "AD")
NAMES: Final = ("Amplitude", "amplitude", "CRM", "Google Analytics 4", "All")
DESTINATION_IDS: Final = ("d0", "d1", "d2", "CRM")
NOT_OBJECTS: Final = ("all", "", 7, 0, True, False, 1.5, [], ["ad"], [{"ad": True}])
NOT_BOOLEANS: Final = (None, "true", "false", 1, 0, 1.0, "", [], [True], {}, {"granted": True})

ODDITIES: Final = {
    f"<odd {number}>": text
    for number, text in enumerate(
        (
            '"\\ud800"',
            '"\\udc00\\ud800"',
            '"\\\\ud800"',
            '"\\ud83d\\ud83d\\ude00"',
            "1e999",
            "-1e999",
            "1e-999",
            "9" * 30,
            "9" * 5000,
            "-" + "9" * 400,
            "[" * 200 + "]" * 200,
            '{"ad":' * 200 + "true" + "}" * 200,
            '"\x7f\\u0000\U0010ffff"',
        )
    )
}
"""JSON values that some parser refuses, by the text that stands for them in a value to be written as JSON."""

_HALF: Final = "<half a pair>"
"""Stands for a key that is half of a surrogate pair."""

scalars = st.sampled_from(
    [*ODDITIES, None, True, False, 0, 1, -1, 2**53, 10**30, 1.5, "", "ad", "All", "é", "\U0001f600"]
)
keys = st.sampled_from(["context", "consent", "integrations", "ad", "All", "type", "é", ""])
any_json = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=5
)

rules = st.sampled_from(
    [Rules(*chosen) for chosen in product(*(get_args(one) for one in get_type_hints(Rules).values()))]
)


def workspace_with(chosen: Rules, categories: tuple[Category, ...], destinations: tuple[Destination, ...]) -> Workspace:
    overrides = RuleOverrides(**{name: getattr(chosen, name) for name in Rules.__struct_fields__})
    return Workspace(consent=Consent(rules=overrides, categories=categories), destinations=destinations)


_names = st.sampled_from(["", *NAMES])
_subsets = st.sampled_from([some for size in range(4) for some in combinations(DESTINATION_IDS, size)])
_mostly_on = st.sampled_from([True] * 9 + [False])


def _destinations(ids: tuple[str, ...]) -> st.SearchStrategy[tuple[Destination, ...]]:
    one = st.tuples(_names, _names, _mostly_on, st.booleans())
    return st.tuples(*[one] * len(ids)).map(
        lambda all_: tuple(Destination(id_, *of) for id_, of in zip(ids, all_, strict=True))
    )


def _categories(ids: tuple[str, ...]) -> st.SearchStrategy[tuple[Category, ...]]:
    one = st.tuples(st.just(""), _mostly_on, _subsets)
    return st.tuples(*[one] * len(ids)).map(
        lambda all_: tuple(Category(id_, *of) for id_, of in zip(ids, all_, strict=True))
    )


def _some(ids: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sampled_from([ids, ids, ids, ids[:1], ids[:2], ids[:0]])


workspaces = st.builds(
    workspace_with,
    rules,
    _some(CATEGORY_IDS).flatmap(_categories),
    _some(DESTINATION_IDS).flatmap(_destinations),
)
watching = st.builds(lambda workspace, on: msgspec.structs.replace(workspace, observe=on), workspaces, st.booleans())
"""Workspaces of which some observe."""


def _mostly(right: st.SearchStrategy[Any], *wrong: Any) -> st.SearchStrategy[Any]:
    return st.integers(0, 7).flatmap(lambda dice: right if dice < 7 else st.sampled_from((None, *NOT_OBJECTS, *wrong)))


_MISSING: Final = object()
answers = st.sampled_from([True] * 60 + [False] * 40 + [*NOT_BOOLEANS, *ODDITIES])
opens = st.sampled_from([False] * 30 + [True] * 10 + [None, 0, "", "false", {}, {"session_id": 1}, *ODDITIES])


def _says(names: Iterable[str], what: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that say something of most of `names`."""
    one = st.integers(0, 4).flatmap(lambda dice: what if dice < 4 else st.just(_MISSING))
    return st.fixed_dictionaries(dict.fromkeys(names, one)).map(
        lambda said: {name: value for name, value in said.items() if value is not _MISSING}
    )


readable_preferences = _says([*CATEGORY_IDS, "other", _HALF], answers)
preferences = _mostly(readable_preferences)
consents = _mostly(
    st.fixed_dictionaries({"categoryPreferences": preferences}, optional={"version": scalars})
    | st.just({"version": 2}),
    {},
)
contexts = _mostly(st.fixed_dictionaries({"consent": consents}, optional={"page": any_json}), {})
integrations = _mostly(_says([*NAMES, *DESTINATION_IDS, _HALF], opens))
bundled = _mostly(
    st.lists(
        st.sampled_from([*NAMES, *DESTINATION_IDS] * 3 + [1, None, ["CRM"], {}, *ODDITIES]), min_size=1, max_size=3
    )
)
metadata = _mostly(st.fixed_dictionaries({}, optional={"bundled": bundled}))
events = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track"] * 9 + ["page", "Track", None, 5, ["track"]]),
        "event": st.sampled_from(
            [CONSENT_UPDATE_EVENT] * 4 + ["Signed Up"] * 4 + [CONSENT_UPDATE_EVENT.lower(), None, 5, ["track"]]
        ),
        "context": contexts,
    },
    optional={
        "integrations": integrations,
        "_metadata": metadata,
        "properties": any_json,
        "userId": scalars,
    },
)
anything = st.integers(0, 9).flatmap(lambda dice: events if dice < 9 else any_json)
parsed = anything.filter(lambda event: not isinstance(event, str))


class _Writer:
    """Writes a value as JSON text in all the ways that mean the same: blanks, escapes, keys said twice."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def write(self, value: Any) -> str:
        return self._blank() + self._bare(value) + self._blank()

    def _bare(self, value: Any) -> str:
        if isinstance(value, dict):
            pairs = [pair for name, one in value.items() for pair in self._pairs(name, one)]
            return "{" + self._blank() + ",".join(pairs) + "}"
        if isinstance(value, list):
            return "[" + self._blank() + ",".join(self.write(one) for one in value) + "]"
        if isinstance(value, str):
            return ODDITIES.get(value) or self._string(value)
        return json.dumps(value)

    def _pairs(self, name: str, value: Any) -> list[str]:
        pair = f"{self._blank()}{self._string(name)}{self._blank()}:{self.write(value)}"
        decoys = [True, False, None, {}, {"consent": {"categoryPreferences": {"ad": True, "AD": True}}}, {"ad": True}]
        if self._random.random() < 0.9:
            return [pair]
        return [f"{self._string(name)}:{self.write(self._random.choice(decoys))}", pair]

    def _string(self, text: str) -> str:
        if text == _HALF:
            return '"\\udbff"'
        return '"' + "".join(self._character(one) for one in text) + '"'

    def _character(self, character: str) -> str:
        if ord(character) < 0x10000 and self._random.random() < 0.05:
            return f"\\u{ord(character):04x}"
        return json.dumps(character, ensure_ascii=self._random.random() < 0.5)[1:-1]

    def _blank(self) -> str:
        return self._random.choice(["", "", "", " ", "\n", "\t  "])


def json_texts(values: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """The values as JSON text, in any spelling."""
    return st.builds(lambda value, seed: _Writer(seed).write(value), values, st.integers(0, 2**32))


def read_plainly(text: str) -> Any:
    """What Python's own parser makes of JSON text; only integers of thousands of digits it refuses to read."""
    return json.loads(text, parse_int=lambda digits: int(digits) if len(digits) < 1000 else float(digits))
