"""The workspace file: what it may say, how its mistakes are reported, and that writing and reading agree."""

import json
import traceback
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from assent.app.workspace_file import dump, load, read_workspace, workspace_of
from assent.domain.errors import InvalidWorkspace
from assent.domain.workspace import PRESETS, Category, Consent, Destination, RuleOverrides, Source, Workspace

CORPUS = Path(__file__).parents[3] / "shared" / "spec" / "decisions.yaml"
CORPUS_WORKSPACES = yaml.safe_load(CORPUS.read_text(encoding="utf-8"))["workspaces"]


def mistakes(text: str) -> list[str]:
    with pytest.raises(InvalidWorkspace) as raised:
        read_workspace(text, "w.yaml")
    return raised.value.message.splitlines()


def mistake(text: str) -> str:
    [only] = mistakes(text)
    return only


# ------------------------------------------------------------------ what a file may say


@pytest.mark.parametrize("name", CORPUS_WORKSPACES)
def test_each_workspace_of_the_corpus_is_a_workspace_file(name: str) -> None:
    document = CORPUS_WORKSPACES[name]
    expected = msgspec.convert(document, Workspace)
    assert read_workspace(yaml.safe_dump(document), name) == expected
    assert read_workspace(json.dumps(document, indent="\t"), name) == expected
    assert workspace_of(document) == expected


def test_everything_a_file_may_say() -> None:
    workspace = read_workspace(
        """
        workspace: Shop
        sources:
          - {id: web, name: Website, write_key: k1}
          - {id: app, write_key: k2, enabled: false}
        consent:
          preset: strict
          rules: {no_consent: deliver}
          categories:
            - {id: "1", name: Ads, enabled: false, destinations: [hook, slack]}
        destinations:
          - id: hook
            name: My hook
            connector: webhook
            settings: {url: $URL, headers: {Authorization: $TOKEN}, batch_size: 50}
            receives_consent_updates: true
          - {id: slack, integration: Slack, enabled: false}
        """,
        "w.yaml",
    )
    hook = Destination(
        id="hook",
        name="My hook",
        connector="webhook",
        integration="Webhook",
        settings={"url": "$URL", "headers": {"Authorization": "$TOKEN"}, "batch_size": 50},
        receives_consent_updates=True,
    )
    assert workspace == Workspace(
        workspace="Shop",
        sources=(Source(id="web", name="Website", write_key="k1"), Source(id="app", write_key="k2", enabled=False)),
        consent=Consent(
            preset="strict",
            rules=RuleOverrides(no_consent="deliver"),
            categories=(Category(id="1", name="Ads", enabled=False, destinations=("hook", "slack")),),
        ),
        destinations=(hook, Destination(id="slack", integration="Slack", enabled=False)),
    )


def test_an_integration_of_its_own_wins_over_the_connectors() -> None:
    text = "destinations: [{id: a, connector: blackhole}, {id: b, connector: blackhole, integration: Amplitude}]"
    assert [one.integration for one in read_workspace(text, "w.yaml").destinations] == ["Blackhole", "Amplitude"]


def test_anchors_aliases_and_merges() -> None:
    workspace = read_workspace(
        """
        consent:
          categories:
            - {id: a, destinations: &both [x, y]}
            - {id: b, destinations: *both}
        destinations:
          - &first {id: x, enabled: false, integration: One}
          - {<<: *first, id: y, enabled: true}
          - {<<: [{id: z, integration: Two}, *first]}
        """,
        "w.yaml",
    )
    assert workspace.categories[1].destinations == ("x", "y")
    assert workspace.destinations[1] == Destination(id="y", integration="One")
    assert workspace.destinations[2] == Destination(id="z", integration="Two", enabled=False)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("012", "012"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-01-31", "2024-01-31"),
        ("0x1F", "0x1F"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("'1'", "1"),
        ("1e3", 1000.0),
        ("-7", -7),
        ("1.5", 1.5),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ('"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        ('"\\ud83d"', "\N{REPLACEMENT CHARACTER}"),
        ("[1, a]", [1, "a"]),
        ("{1: a}", {"1": "a"}),
    ],
)
def test_a_scalar_is_what_json_has_and_else_the_text_it_looks_like(written: str, meant: Any) -> None:
    workspace = read_workspace(f"destinations:\n  - id: a\n    settings:\n      x: {written}\n", "w.yaml")
    assert workspace.destinations[0].settings == {"x": meant}
    assert type(workspace.destinations[0].settings["x"]) is type(meant)


# ------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "w.yaml:1: is empty"),
        ("# nothing\n", "w.yaml:1: is empty"),
        ("[]", "w.yaml:1: must be a mapping; the keys are workspace, consent, sources, destinations, held, observe, "
            "backfill_later_grants, controller"),
        ("workspace: a\nworkspace: b", "w.yaml:2: workspace: is given twice, first on line 1"),
        ("{workspace: a, workspace: b}", "w.yaml:1: workspace: is given twice, first on line 1"),
        (
            "workspace: a\nconsents: {}",
            "w.yaml:2: consents: `consents` is no key here; did you mean `consent`? "
            "the keys are workspace, consent, sources, destinations, held, observe, backfill_later_grants, controller",
        ),
        (
            "consent:\n  categories:\n    - id: 1\n",
            "w.yaml:3: consent.categories[0].id: `1` is a number, and text is wanted; write it in quotes",
        ),
        (
            "consent:\n  categories:\n    - id: ad\n    - id: true\n",
            "w.yaml:4: consent.categories[1].id: `true` is true or false, and text is wanted; write it in quotes",
        ),
        (
            "consent:\n  categories:\n    - id: No\n",
            "w.yaml:3: consent.categories[0].id: an unquoted yes, no, on or off can be read in two ways; "
            "write true or false, or write it in quotes",
        ),
        (
            "destinations:\n  - id: a\n    enabled: on\n",
            "w.yaml:3: destinations[0].enabled: an unquoted yes, no, on or off can be read in two ways; "
            "write true or false, or write it in quotes",
        ),
        (
            "destinations:\n  - id: a\n    enabled: maybe\n",
            "w.yaml:3: destinations[0].enabled: `maybe` is not allowed; write true or false, without quotes",
        ),
        (
            "destinations:\n  - name: a\n    enabled: true\n",
            "w.yaml:2: destinations[0]: the key `id` is missing",
        ),
        (
            "destinations: [{id: facebook}, {id: amplitude}]\nconsent:\n  categories:\n"
            "    - id: a\n    - id: b\n      destinations:\n        - amplitude\n        - facebok\n",
            "w.yaml:8: consent.categories[1].destinations[1]: `facebok` is no destination; did you mean `facebook`? "
            "the destinations are facebook, amplitude",
        ),
        (
            "destinations: [{id: a}]\nconsent: {categories: [{id: c, destinations: [a,\n a]}]}",
            "w.yaml:3: consent.categories[0].destinations[1]: `a` is already in this category; name it once",
        ),
        (
            "destinations:\n  - id: a\n  - id: a\n",
            "w.yaml:3: destinations[1].id: `a` is already used at destinations[0].id; each must be unique",
        ),
        (
            "destinations:\n  - id: a\n    connector: webhok\n",
            "w.yaml:3: destinations[0].connector: `webhok` is no connector; did you mean `webhook`? "
            "the connectors are blackhole, file, segment, webhook",
        ),
        (
            "destinations:\n  - id: a\n    connector: blackhole\n    settings:\n      dealy: 5\n",
            "w.yaml:5: destinations[0].settings.dealy: `dealy` is no setting; did you mean `delay`? "
            "the settings of `blackhole` are delay",
        ),
        (
            "destinations:\n  - id: a\n    connector: file\n    settings: {}\n",
            "w.yaml:4: destinations[0].settings: `file` needs the setting `path`",
        ),
        (
            "destinations:\n  - id: a\n    connector: file\n",
            "w.yaml:2: destinations[0].settings: `file` needs the setting `path`",
        ),
        ("a: b: c", "w.yaml:1: is no YAML: mapping values are not allowed here; "
                    "put a text that contains `: ` in quotes, and indent keys alike"),
        ("workspace: a\n\tb: c", "w.yaml:2: is no YAML: "
                    "found character '\\t' that cannot start any token; indent with spaces"),
        ("workspace: a\n\nx: \x07", "w.yaml:3: is no YAML: the character U+0007 is not allowed"),
        ("? [a]\n: b", "w.yaml:1: a key must be text"),
        ("workspace: a\n<<: b", "w.yaml:2: `<<` merges mappings only; name the anchor of a mapping"),
        ("workspace: !secret x", "w.yaml:1: workspace: has a YAML tag; put a text that begins with `!` in quotes"),
        ("consent: !!omap {}", "w.yaml:1: consent: has a YAML tag; put a text that begins with `!` in quotes"),
        ("workspace: !!bool yes", "w.yaml:1: workspace: has a YAML tag; put a text that begins with `!` in quotes"),
        ("workspace: a\n---\nworkspace: b", "w.yaml:2: is no YAML: but found another document"),
        ("consent: &a {rules: *a}", "w.yaml:1: is nested too deeply, or an anchor contains itself"),
        ("consent: &a {<<: *a}", "w.yaml:1: is nested too deeply, or an anchor contains itself"),
        ("[" * 5000, "w.yaml:1: is nested too deeply, or an anchor contains itself"),
    ],
)  # fmt: skip
def test_a_mistake_names_file_line_and_key_and_what_is_allowed(text: str, expected: str) -> None:
    assert mistake(text) == expected


def test_all_mistakes_come_at_once_in_the_order_of_lines() -> None:
    found = mistakes(
        """workspace: 1
sources:
  - {id: web, write_key: a b}
consent:
  preset: none
  rules: {no_consent: sometimes}
  categories:
    - {id: a.b, destinations: [x, x, nobody]}
    - {id: ad, enabled: yes}
destinations:
  - {id: x, colour: red}
  - {id: x, connector: nothing}
"""
    )
    assert [one.split(": ")[:2] for one in found] == [
        ["w.yaml:1", "workspace"],
        ["w.yaml:3", "sources[0].write_key"],
        ["w.yaml:5", "consent.preset"],
        ["w.yaml:6", "consent.rules.no_consent"],
        ["w.yaml:8", "consent.categories[0].id"],
        ["w.yaml:8", "consent.categories[0].destinations[1]"],
        ["w.yaml:8", "consent.categories[0].destinations[2]"],
        ["w.yaml:9", "consent.categories[1].enabled"],
        ["w.yaml:11", "destinations[0].colour"],
        ["w.yaml:12", "destinations[1].id"],
        ["w.yaml:12", "destinations[1].connector"],
    ]


def test_a_mistake_in_a_merged_mapping_has_the_line_where_it_is_written() -> None:
    text = "destinations:\n  - &a\n    id: a\n    enabled: 1\n  - <<: *a\n    id: b\n"
    assert [one.split(": ")[:2] for one in mistakes(text)] == [
        ["w.yaml:4", "destinations[0].enabled"],
        ["w.yaml:4", "destinations[1].enabled"],
    ]


def test_the_error_names_the_field_of_the_first_mistake() -> None:
    with pytest.raises(InvalidWorkspace) as raised:
        workspace_of({"destinations": [{"id": "a"}, {"id": "a"}]})
    assert raised.value.field == "destinations[1].id"
    assert raised.value.message == "destinations[1].id: `a` is already used at destinations[0].id; each must be unique"


@pytest.mark.parametrize(
    "destination",
    [
        "settings: hunter2",
        "settings: [hunter2]",
        "settings: {url: hunter2}",
        "settings: {url: [hunter2]}",
        "settings: {url: {a: hunter2}}",
        "settings: {url: *hunter2}",
        "settings: {url: !hunter2 x}",
        "settings: {url: !hunter2!x x}",
        "settings: {url: @hunter2}",
        "settings: {url: %hunter2}",
        "settings: {url: `hunter2`}",
        "settings: {url: &hunter2}",
        "settings: {url: 'hunter2}",
        'settings: {url: "hunter2\\q"}',
        "settings: {url: hunter2: x}",
        "settings: {url: on, secret: hunter2}",
        "settings: {url: 'http://x', url: hunter2}",
        "settings: {url: 'http://x', batch_size: hunter2}",
        "settings: {url: 'http://x', secret: whsec_hunter2}",
        "settings: {url: 'http://x', secret: [hunter2]}",
        "settings: {url: 'http://x', headers: {a: {hunter2: hunter2}}}",
        "settings: {url: 'http://x', headers: hunter2}",
        "settings: {url: 'http://x', secrett: hunter2}",
        "secret: hunter2",
    ],
)
def test_no_message_repeats_what_may_be_a_secret(destination: str) -> None:
    text = f"destinations:\n  - id: a\n    connector: webhook\n    {destination}\n"
    with pytest.raises(InvalidWorkspace) as raised:
        read_workspace(text, "w.yaml")
    assert raised.value.message.startswith(("w.yaml:2: ", "w.yaml:4: ", "w.yaml:5: "))
    assert "hunter2" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("value", ["$NOT_SET", "[$NOT_SET]", "{a: $NOT_SET}"])
def test_what_the_environment_will_say_is_not_judged(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    settings = f"{{batch_size: {value}, url: $NOT_SET, headers: {value}}}"
    read_workspace(f"destinations: [{{id: a, connector: webhook, settings: {settings}}}]", "w.yaml")


def test_what_is_written_out_is_judged_beside_what_the_environment_will_say() -> None:
    settings = "{url: $URL, batch_size: 0, headers: $HEADERS}"
    found = mistake(f"destinations: [{{id: a, connector: webhook, settings: {settings}}}]")
    assert found.startswith("w.yaml:1: destinations[0].settings.batch_size: expected `int` >= 1")


# ------------------------------------------------------------------ files


def test_a_file_may_begin_with_a_byte_order_mark_and_end_lines_as_windows_does(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_bytes(b"\xef\xbb\xbfworkspace: Shop\r\ndestinations:\r\n  - id: a\r\n")
    assert load(file) == Workspace(workspace="Shop", destinations=(Destination(id="a"),))


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_bytes(b"workspace: caf\xe9\n")
    with pytest.raises(InvalidWorkspace) as raised:
        load(file)
    assert raised.value.message == f"{file}: is not UTF-8: invalid continuation byte at byte 14"


def test_a_missing_file_is_an_error_of_the_operating_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "w.yaml")


# ------------------------------------------------------------------ writing


def test_what_is_written_is_tidy_and_leaves_out_what_goes_without_saying() -> None:
    text = """\
workspace: Shop
consent:
  preset: segment-ga
  rules:
    no_consent: withhold
  categories:
    - id: '1'
      name: 'Yes'
      destinations: [hook, slack]
sources:
  - id: web
    write_key: k1
destinations:
  - id: hook
    connector: webhook
    settings:
      url: $URL
      headers:
        Authorization: $TOKEN
    receives_consent_updates: true
  - id: slack
    integration: Slack
    enabled: false
"""
    assert dump(read_workspace(text, "w.yaml")) == text


def test_an_empty_workspace_can_be_written() -> None:
    assert read_workspace(dump(Workspace()), "w.yaml") == Workspace()
    assert dump(Workspace(consent=Consent(rules=RuleOverrides()))) == dump(Workspace())


@pytest.mark.parametrize(
    "name", ["\x85", "a\u2028b", "\ufeff", "a\nb\n", " a ", "\t", "\x07", "\N{GRINNING FACE}", "'\"\\"]
)
def test_texts_that_yaml_would_fold_or_refuse_are_written_so_that_they_stay(name: str) -> None:
    workspace = Workspace(destinations=(Destination(id="a", name=name),))
    assert read_workspace(dump(workspace), "w.yaml") == workspace


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=64)
_tricky = st.sampled_from(
    ["yes", "on", "1", "1e3", "-1.5E+7", "null", "~", "", "2024-01-01", "<<", "0x1", "a: b", "# c", "!x"]
)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _tricky
    | _texts
    | st.text(" ab\n\\'\"\u2028", min_size=100, max_size=200),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_tricky | _texts, inner, max_size=4),
    max_leaves=10,
)
_id = st.sampled_from(["1", "1e3", "yes", "null"]) | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
_ids = st.lists(_id, max_size=4, unique=True)
_flows = st.none() | st.sampled_from(["deliver", "withhold"])


@st.composite
def workspaces(draw: st.DrawFn) -> Workspace:
    ids = draw(_ids)
    seen = _texts.filter(lambda text: text.isprintable() and "." not in text and text != "")
    categories = [
        Category(
            id=one, name=draw(_tricky | _texts), enabled=draw(st.booleans()), destinations=tuple(draw(_some_of(ids)))
        )
        for one in draw(st.lists(seen | st.sampled_from(["1", "off"]), max_size=3, unique=True))
    ]
    return Workspace(
        workspace=draw(_tricky | _texts),
        consent=Consent(
            preset=draw(st.sampled_from(list(PRESETS))),
            rules=RuleOverrides(no_consent=draw(_flows), unmapped_destination=draw(_flows)),
            categories=tuple(categories),
        ),
        sources=tuple(Source(id=one, write_key=f"k{one}", enabled=draw(st.booleans())) for one in ids),
        destinations=tuple(draw(_destinations(one)) for one in ids),
    )


def _some_of(ids: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(ids), unique=True) if ids else st.just([])


@st.composite
def _destinations(draw: st.DrawFn, destination_id: str) -> Destination:
    connector, integration, settings = draw(
        st.tuples(st.just(""), _tricky | _texts, st.dictionaries(_tricky | _texts, _json, max_size=3))
        | st.tuples(st.just("blackhole"), st.sampled_from(["Blackhole", "Other"]), st.just({"delay": 5}))
    )
    return Destination(
        id=destination_id,
        name=draw(_tricky | _texts),
        connector=connector,
        integration=integration,
        settings=settings,
        enabled=draw(st.booleans()),
        receives_consent_updates=draw(st.booleans()),
    )


@given(workspaces())
def test_what_is_written_reads_as_it_was(workspace: Workspace) -> None:
    again = read_workspace(dump(workspace), "w.yaml")
    assert again == workspace
    # `==` takes 1, 1.0 and true for the same.
    for one, other in zip(again.destinations, workspace.destinations, strict=True):
        assert json.dumps(one.settings, sort_keys=True) == json.dumps(other.settings, sort_keys=True)
