"""The category finder: what it recognises, what it suggests, and the way to it by API and command line."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from assent.app.services.category_scan import creation, scan
from assent.domain.errors import InvalidInput
from assent.domain.workspace import Category, Consent, Workspace
from assent.engine.check import find_mistakes
from assent.signals.tools import TOOLS
from harness.api import Api, a_workspace, running_api
from harness.server import COMMAND

EMPTY = Workspace()
ONETRUST = "OptanonConsent=consentId=5b1d&groups=C0001%3A1%2CC0004%3A0"
TC = "CP4bJcAP4bJcAAKABAENAwFgAIKAAAAAAAYgF5wAQF5gAAAA.IF5wAQF5gAAA"
COOKIE_FILE = (
    "# Netscape HTTP Cookie File\n"
    "#HttpOnly_.example.com\tTRUE\t/\tTRUE\t0\tsession\tabc\n"
    f".example.com\tTRUE\t/\tFALSE\t1767225600\tOptanonConsent\t{ONETRUST.partition('=')[2]}\n"
)


BOTH = ["C0001", "C0004"]
PURPOSES = [str(number) for number in range(1, 12)]
VALUE = ONETRUST.partition("=")[2]


@pytest.mark.parametrize(
    ("text", "tool", "expected"),
    [
        (ONETRUST, "", {"onetrust": BOTH}),
        (f"Cookie: a=b; {ONETRUST}; euconsent-v2={TC}", "", {"onetrust": BOTH, "tcf": PURPOSES}),
        (COOKIE_FILE, "", {"onetrust": BOTH}),
        (f"session\tabc\t.example.com\nOptanonConsent\t{VALUE}\t.example.com", "", {"onetrust": BOTH}),
        (json.dumps(ONETRUST), "", {"onetrust": BOTH}),
        (f"'{ONETRUST}'", "", {"onetrust": BOTH}),
        (VALUE, "", {"onetrust": BOTH}),
        (f"\n  {TC}  \n", "", {"tcf": PURPOSES}),
        ("DBABTA~1YNN", "", {"gpp": ["sale"]}),
        ("true", "gpc", {"gpc": ["gpc"]}),
        ("permit 1,2", "", {"trustarc": ["1", "2", "3"]}),
        (",C0001,C0003,", "", {"onetrust": ["C0001", "C0003"]}),
        ('{"matomo":true}', "klaro", {"klaro": ["matomo"]}),
        ('{"purposes":{"analytics":true}}', "", {"ketch": ["analytics"]}),
        ('"{\\"ESSENTIAL\\":\\"ACCEPT\\",\\"ANALYTICS\\":\\"DENY\\"}"', "", {"osano": ["ESSENTIAL", "ANALYTICS"]}),
        ('{"essential":true,"analytics":false}', "", {"termly": ["essential", "analytics"]}),
        ('{"ad_storage":"denied"}', "", {"google": ["ad_storage"]}),
    ],
)
def test_it_recognises(text: str, tool: str, expected: dict[str, list[str]]) -> None:
    assert {one.tool: [each.id for each in one.ids] for one in scan(text, EMPTY, tool)} == expected


NOTHING = ["", "  ", "hello", "a=b; c=d", "{}", "[]", "42", "null", "OptanonConsent=broken", "\x00"]


@pytest.mark.parametrize("text", NOTHING)
def test_what_is_no_consent_tools_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"paste|copy"):
        scan(text, EMPTY)
    with pytest.raises(InvalidInput, match="characters"):
        scan("a" * 300_000, EMPTY)


def test_what_is_suggested_makes_a_workspace_and_is_known_from_then_on() -> None:
    text = f"{ONETRUST}; euconsent-v2={TC}; klaro=%7B%22google.analytics%22%3Atrue%7D; IABGPP_HDR_GppString=DBABTA~1YNN"
    found = [each for one in scan(text, EMPTY) for each in one.missing]
    made = creation(found)(EMPTY)
    document = {"consent": {"categories": [{"id": one.id, "signals": list(one.signals)} for one in made.categories]}}
    assert find_mistakes(document) == []
    by_id = {one.id: one for one in made.categories}
    assert by_id["C0004"] == Category("C0004", "Targeting")
    assert by_id["tcf-4"].signals == ("tcf:4",)
    assert by_id["google-analytics"].signals == ("klaro:google.analytics",)
    assert by_id["sale"].signals == ("gpp:sale",)
    assert [each for one in scan(text, made) for each in one.missing] == []


def test_a_category_that_has_the_id_as_a_signal_is_it() -> None:
    workspace = Workspace(consent=Consent(categories=(Category("ads", signals=("onetrust:C0004",)), Category("C0001"))))
    (found,) = scan(ONETRUST, workspace)
    assert [one.category for one in found.ids] == ["C0001", "ads"]


def test_every_tool_but_ones_own_says_what_to_type() -> None:
    assert [one.id for one in TOOLS if not one.line] == ["own"]


# ------------------------------------------------------------------------------------ API


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("scan"), a_workspace(warehouse="blackhole", pixel="blackhole")) as api:
        yield api


def test_the_api_finds_them_for_members_too(api: Api) -> None:
    answer = api.member.post("/category-scan", json={"text": ONETRUST})
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["data"]["tools"]
    assert (found["tool"], found["title"], found["explicit"], found["at"]) == ("onetrust", "OneTrust", False, None)
    assert found["ids"][1] == {
        "id": "C0004",
        "name": "Targeting",
        "answer": "denied",
        "category": None,
        "suggested": {"id": "C0004", "name": "Targeting", "signals": []},
    }
    assert api.owner.post("/categories", json=found["ids"][1]["suggested"]).status_code == 200
    again = api.member.post("/category-scan", json={"text": ONETRUST}).json()["data"]["tools"][0]
    assert again["ids"][1]["category"] == "C0004"


def test_the_api_says_that_nothing_was_recognised(api: Api) -> None:
    answer = api.owner.post("/category-scan", json={"text": "hello"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "text"


# ------------------------------------------------------------------------------------ command line


def test_the_command_prints_them_and_creates_them(tmp_path: Path) -> None:
    cookies, workspace, data = tmp_path / "cookies.txt", tmp_path / "workspace.yaml", tmp_path / "data"
    cookies.write_text(COOKIE_FILE)
    workspace.write_text("consent: {categories: [{id: C0001}]}\n")

    def run(*arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [*COMMAND, *map(str, arguments)]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)

    assert run("apply", workspace, "--data", data, "--yes").returncode == 0
    made = run("categories", "scan", "--cookie-file", cookies, "--data", data, "--create")
    assert made.returncode == 0, made.stderr
    lines = [" ".join(one.split()) for one in made.stdout.splitlines()]
    assert lines == [
        "OneTrust (onetrust): by default, nobody answered",
        "C0001 Strictly Necessary granted is C0001",
        "C0004 Targeting denied not here",
        "Created: C0004. Version 2 is in force.",
    ]
    nothing = run("categories", "scan", "--paste", given="hello")
    assert nothing.returncode == 2
    assert "nothing of a consent tool" in nothing.stderr
    assert "--cookie-file FILE" in run("categories", "scan").stderr
