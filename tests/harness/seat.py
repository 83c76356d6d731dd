"""Somebody at the console: a browser that is signed in, and everything that went wrong in it."""

import re
from typing import Any, Final

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError, expect

from harness.tools import node_modules

PASSWORD: Final = "correct horse battery"
SERIOUS: Final = ("serious", "critical")


class Seat:
    """One person's browser at one console.

    It keeps what the browser's console calls an error, and requests to other hosts; `assert_undisturbed` says that
    there were none. A test that provokes an error says which, in `expected_error`.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.context = context
        self.expected_error: str | None = None
        self._errors: list[str] = []
        self._strangers: list[str] = []
        context.on("console", self._hear)
        context.on("weberror", self._catch)
        context.on("request", self._see)
        context.set_default_timeout(10_000)
        self.page: Page = context.new_page()

    def join(self, link: str, email: str, name: str) -> None:
        """Follow an invitation."""
        self.go(link)
        field = self.page.get_by_label("E-mail address")
        if field.is_editable():
            field.fill(email)
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_label("The password again").fill(PASSWORD)
        self.page.get_by_role("button", name="Join").click()
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    def go(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    def press(self, name: str) -> None:
        """Press the button, or follow the link, of this name."""
        button = self.page.get_by_role("button", name=name, exact=True)
        (button if button.count() else self.page.get_by_role("link", name=name, exact=True)).first.click()

    def sees(self, text: str | re.Pattern[str]) -> None:
        """The page says this, now or soon."""
        expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible()

    def violations(self) -> list[str]:
        """What axe-core finds on the page that is serious, with where it is."""
        self.page.evaluate((node_modules() / "axe-core" / "axe.min.js").read_text())
        found: Any = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['html'][:160]} {node['failureSummary']}"
            for one in found["violations"]
            if one["impact"] in SERIOUS
            for node in one["nodes"]
        ]

    def is_too_wide(self) -> bool:
        """Whether the page has to be scrolled sideways."""
        wide: bool = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        return wide

    def assert_undisturbed(self) -> None:
        """No error on the browser's console but what was expected, and no request to anybody else."""
        if not self.page.is_closed():
            self.page.wait_for_timeout(0)
        assert not self._strangers, f"requests to somebody else: {self._strangers}"
        expected = self.expected_error
        unexpected = [one for one in self._errors if not (expected and re.search(expected, one))]
        assert not unexpected, f"errors on the console: {unexpected}"

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._errors.append(f"{message.text} at {message.location.get('url')}")

    def _catch(self, error: WebError) -> None:
        self._errors.append(str(error.error))

    def _see(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:", "about:")):
            self._strangers.append(request.url)
