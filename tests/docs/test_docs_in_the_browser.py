"""The browser examples of the documents, in Chromium: the event arrives, from the page that they make."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from desk import Desk
from pages import ROOT, Block, blocks
from playwright.sync_api import Browser, sync_playwright

from harness import chromium, node_modules, wait_until
from harness.website import Site, running_site

_IMPORT: Final = re.compile(r"^import \{ (\w+) \} from '@segment/analytics-next'$", re.MULTILINE)
_EXAMPLES: Final = [
    block
    for page in ("README.md", "docs/guide/sending-events.md")
    for block in blocks(ROOT / page)
    if block.language == "html" or (block.language == "js" and "analytics-node" not in block.text)
]
_IMPORTS: Final = """
<script type="importmap">{"imports": {
  "@segment/analytics-consent-tools": "/node_modules/@segment/analytics-consent-tools/dist/esm/index.js",
  "@segment/analytics-generic-utils": "/node_modules/@segment/analytics-generic-utils/dist/esm/index.js"
}}</script>
<script>
  window.yourConsentTool = {
    hasAnswer: () => true,
    answers: () => ({ analytics: true, advertising: false }),
    onChange: () => {},
  }
</script>
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    flags = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    executable = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def website() -> Iterator[Site]:
    with running_site(node_modules()) as site:
        yield site


def test_there_are_examples_for_npm_snippet_and_consent() -> None:
    assert len(_EXAMPLES) == 4


@pytest.mark.parametrize("example", _EXAMPLES, ids=lambda one: one.where)
def test_a_browser_example_sends_its_event(example: Block, browser: Browser, website: Site, tmp_path: Path) -> None:
    with Desk(tmp_path) as desk:
        shown = ROOT / example.where.partition(":")[0]
        desk.write("workspace.yaml", next(one.text for one in blocks(shown) if one.title == "workspace.yaml"))
        desk.serve()
        website.pages["/example.html"] = _page(desk, example)
        page = browser.new_page()
        page.goto(f"{website.url}/example.html")
        if "createWrapper" in example.text:
            page.evaluate("window.analytics.track('Product Viewed').then(() => {})")
        wait_until(lambda: desk.accepted >= 1, "the event is accepted")
        desk.settle()
        got = (tmp_path / "warehouse.jsonl").read_text()
        page.close()
    assert ('"categoryPreferences":{"analytics":true,"advertising":false}' in got) == ("createWrapper" in example.text)
    assert '"type":"track"' in got or '"type":"page"' in got


def _page(desk: Desk, example: Block) -> str:
    """A page with the example on it, which has the library's global in the place of a bundler's import."""
    start = '<!doctype html><title>Shop</title><link rel="icon" href="data:,">'
    if example.language == "html":
        return start + desk.here(example.text)
    script = _IMPORT.sub(r"const { \1 } = AnalyticsNext", desk.here(example.text))
    library = f'<script>window.analytics = {{ _cdn: "http://{desk.host}" }}</script>'
    library += '<script src="/node_modules/@segment/analytics-next/dist/umd/index.js"></script>'
    return f'{start}{_IMPORTS}{library}<script type="module">{script}\nwindow.analytics = analytics</script>'
