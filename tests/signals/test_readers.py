"""The contract of all readers, and real-shaped samples of every tool with what must be read from them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.signals.readers import READERS, find_reader, read_cookies
from assent.signals.reading import MOST_ID_CHARACTERS, MOST_IDS, Answer, Reader, Reading
from assent.signals.tools import find_tool

SAMPLES = {
    path.stem: yaml.safe_load(path.read_text()) for path in sorted((Path(__file__).parent / "samples").glob("*.yaml"))
}
NAMED = [
    pytest.param(tool, sample, id=f"{tool}: {sample['name']}") for tool, many in SAMPLES.items() for sample in many
]
by_tool = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.tool)


def read(reader: Reader, sample: dict[str, Any]) -> Reading | None:
    if "cookies" in sample:
        return reader.read_cookies(sample["cookies"])
    if "header" in sample:
        return next((one for one in read_cookies(sample["header"]) if one.tool == reader.tool), None)
    return reader.read_object(sample["object"])


def listed(reading: Reading) -> dict[str, list[str]]:
    return {
        str(answer): ids
        for answer in Answer
        if (ids := [id_ for id_, said in reading.preferences.items() if said is answer])
    }


@pytest.mark.parametrize(("tool", "sample"), NAMED)
def test_sample(tool: str, sample: dict[str, Any]) -> None:
    reader = find_reader(tool)
    assert reader is not None
    found = read(reader, sample)
    expected = sample["expect"]
    if expected is None:
        assert found is None
        return
    assert found is not None
    answers = {name: ids for name in map(str, Answer) if (ids := expected.pop(name, None))}
    assert listed(found) == answers
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.tool == tool
    assert found.raw is not None


@by_tool
def test_a_tool_has_samples_and_a_place_in_the_catalogue(reader: Reader) -> None:
    assert len(SAMPLES[reader.tool]) >= 6
    assert len({one["name"] for one in SAMPLES[reader.tool]}) == len(SAMPLES[reader.tool])
    assert find_tool(reader.tool) is not None


def test_no_samples_are_left_over() -> None:
    assert set(SAMPLES) == {one.tool for one in READERS}


# ------------------------------------------------------------------------------------ whatever comes

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
_KEYS = [
    "groups", "Groups", "CustomGroupId", "GroupName", "active", "consent", "categories", "state", "services",
    "categorySlug", "status", "purposes", "vendors", "enabled", "grants", "consentedPurposes", "_id", "name",
    "vendorGrant", "purposeGrants", "consentDecision", "source", "timestamp", "version", "id",
    "isUserActionCompleted", "consentID", "accepted", "rejected", "detail", "consents", "confirmed", "config",
    "title", "essential", "analytics", "ANALYTICS", "OPT_OUT", "necessary", "statistics", "marketing", "method",
    "tcString", "purpose", "eventStatus", "gppString", "pingData", "gdpr", "gpc", "ad_storage", "user_id",
    "updated", "1", "2",
]  # fmt: skip
_alike = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**20)
    | st.sampled_from(["granted", "EXPLICIT", "asserted", ",a,", ""]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=6),
    max_leaves=25,
)


def mutated(text: str, at: int, what: str) -> str:
    place = at % (len(text) + 1)
    return text[:place] + what + text[place + len(what) :]


def check(reader: Reader, found: Reading | None) -> None:
    """What holds of every reading, whatever it was read from."""
    if found is None:
        return
    assert found.tool == reader.tool
    assert len(found.preferences) <= MOST_IDS
    for id_, answer in found.preferences.items():
        assert isinstance(answer, Answer)
        assert 0 < len(id_) <= MOST_ID_CHARACTERS
    assert found.explicit in (True, False, None)
    assert found.at is None or (isinstance(found.at, int) and 0 < found.at < 253_402_300_800_000)
    assert isinstance(found.version, str)
    assert isinstance(found.consent_id, str)
    assert all(isinstance(one, str) for pair in found.names.items() for one in pair)
    assert found.raw is not None


@by_tool
@settings(max_examples=60, deadline=None)
@given(value=_json | _alike, text=st.text())
def test_anything_is_read_without_an_exception(reader: Reader, value: Any, text: str) -> None:
    check(reader, reader.read_object(value))
    cookies = {name.replace("*", "1"): text for name in reader.cookies}
    check(reader, reader.read_cookies(cookies))
    as_json = {name: json.dumps(value) for name in cookies}
    check(reader, reader.read_cookies(as_json))
    assert reader.read_cookies({}) is None
    assert reader.read_cookies({"another": text}) is None


@by_tool
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_damaged_sample_is_read_without_an_exception(reader: Reader, data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(SAMPLES[reader.tool]))
    at, what = data.draw(st.integers(0, 5000)), data.draw(st.text(max_size=8))
    if "cookies" in sample:
        damaged = {name: mutated(text, at, what) for name, text in sample["cookies"].items()}
        check(reader, reader.read_cookies(damaged))
        check(reader, reader.read_cookies({name: text[: at % (len(text) + 1)] for name, text in damaged.items()}))
    elif isinstance(sample.get("object"), str):
        check(reader, reader.read_object(mutated(sample["object"], at, what)))


@by_tool
def test_a_long_text_takes_no_time(reader: Reader) -> None:
    """What a stranger may send in one event, in the shapes that are slow to match."""
    for piece in ("a", "a:", "{a:'", "1,", "permit 1", "%2525", "C0001:1,", "_", "0", '{"a":', "[", "A~"):
        text = (piece * 32_768)[:32_768]
        check(reader, reader.read_object(text))
        check(reader, reader.read_cookies({name.replace("*", "1"): text for name in reader.cookies}))
