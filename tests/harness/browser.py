"""Headless Chromium as the tests use it: no name resolves, so nothing can reach another host."""

import contextlib
from collections.abc import Iterator
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from harness.tools import chromium

_FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser with a fresh profile, until the end of the block."""
    executable = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, headless=True, args=_FLAGS)
        yield browser
        browser.close()
