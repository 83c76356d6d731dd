"""A visitor of the site: one fresh browser profile, and everything that went wrong in it."""

import json
import re
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError


class Visitor:
    """One person's browser. It keeps what the console calls an error, and requests to hosts that are not of the test.

    A test that provokes console errors says which, in `expected_error`.
    """

    def __init__(self, context: BrowserContext, site: str, assent: str) -> None:
        self.expected_error: str | None = None
        self._site = site
        self._assent = assent
        self._context = context
        self._errors: list[str] = []
        self._strangers: list[str] = []
        context.on("console", self._hear)
        context.on("weberror", self._catch)
        context.on("request", self._see)
        self.page: Page = context.new_page()

    def open(self, page: str, **query: Any) -> None:
        """Go to a page of the site that uses Assent; a query value that is no text is given as JSON."""
        values = {name: value if isinstance(value, str) else json.dumps(value) for name, value in query.items()}
        self.page.goto(f"{self._site}/{page}?{urlencode({'host': self._assent, **values})}")

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression on the page; of a promise, what it resolves to."""
        return self.page.evaluate(script)

    def track(self, event: str, **preferences: bool) -> None:
        """Call `track`, stamped by hand with the preferences, if any; return once the library is done with it."""
        options = {"consent": {"categoryPreferences": preferences}} if preferences else {}
        self.page.evaluate("([event, options]) => shop.track(event, {}, options).then(() => {})", [event, options])

    def assert_undisturbed(self) -> None:
        """No error on the console but what was expected, and no request to anybody else."""
        if not self.page.is_closed():
            self.page.wait_for_timeout(0)
        assert not self._strangers, f"requests to somebody else: {self._strangers}"
        expected = self.expected_error
        unexpected = [one for one in self._errors if not (expected and re.search(expected, one))]
        assert not unexpected, f"errors on the console: {unexpected}"

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._errors.append(message.text)

    def _catch(self, error: WebError) -> None:
        self._errors.append(str(error.error))

    def _see(self, request: Request) -> None:
        if not request.url.startswith((self._site, self._assent, "data:", "blob:", "about:")):
            self._strangers.append(request.url)
