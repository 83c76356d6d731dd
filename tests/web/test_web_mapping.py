"""From a tool's answers to categories: assent.js on a page and the gateway with the page's cookie say the same."""

import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from assent.domain.workspace import Category, Source
from assent.signals.translate import Translator
from harness import need, node

_HERE: Final = Path(__file__).parent
_WEB: Final = _HERE.parents[1] / "web"
_IDS: Final = ("a", "b", "c", "d")
_SIGNALS: Final = (*(f"klaro:{one}" for one in _IDS), "cookiebot:a", "gpc")


def _cases(count: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(7)
    for _ in range(count):
        answers = {one: chance.random() < 0.7 for one in chance.sample(_IDS, chance.randint(1, 4))}
        categories = [
            {"id": one, "signals": chance.sample(_SIGNALS, chance.choice((0, 0, 1, 2)))}
            for one in chance.sample((*_IDS, "e", "f"), chance.randint(0, 5))
        ]
        yield {
            "tool": "klaro",
            "preferences": answers,
            "categories": categories,
            "gpc": chance.random() < 0.3,
        }


def _by_the_gateway(case: dict[str, Any]) -> Any:
    source = Source("web", "key", consent_from=("cookie", "gpc"))
    categories = [Category(one["id"], signals=tuple(one["signals"])) for one in case["categories"]]
    consent: dict[str, Any] = {"cookie": f"klaro={quote(json.dumps(case['preferences']))}"}
    if case["gpc"]:
        consent["gpc"] = True
    event = Translator(source, categories)({"context": {"consent": consent}})
    assert event is not None
    return event["context"]["consent"]["categoryPreferences"]


def test_a_page_and_the_gateway_read_the_same_answers_alike() -> None:
    modules = _WEB / "node_modules"
    need(modules if modules.is_dir() else None, "what builds assent.js", "run `npm ci` in web/")
    cases = list(_cases(1_000))
    command = [node(), _HERE / "run_mapping.mjs", _WEB / "src/mapping.ts"]
    done = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for case, on_the_page in zip(cases, json.loads(done.stdout), strict=True):
        assert on_the_page == _by_the_gateway(case), case
