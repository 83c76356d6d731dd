"""The built site as the tests see it: what is a heading, what is in a table, what is asked from elsewhere."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Final, NamedTuple

_LOADED: Final = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}


class Page(NamedTuple):
    """One page: its headings, the texts of its tables' cells, and the addresses of what a browser loads for it."""

    headings: list[str]
    cells: list[str]
    loaded: list[str]


class Site:
    """The built site in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def page(self, path: str) -> Page:
        """The page at a path such as `reference/metrics`."""
        reader = _Reader()
        reader.feed((self.directory / path / "index.html").read_text())
        return Page(reader.headings, reader.cells, reader.loaded)

    def paths(self) -> list[str]:
        """The paths of all pages."""
        return [str(one.parent.relative_to(self.directory)) for one in self.directory.rglob("index.html")]

    def styles(self) -> str:
        """The text of all style sheets."""
        return "\n".join(one.read_text() for one in self.directory.rglob("*.css"))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.cells: list[str] = []
        self.loaded: list[str] = []
        self._into: list[str] | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if re.fullmatch("h[1-6]", tag):
            self._begin(self.headings)
        elif tag in ("td", "th"):
            self._begin(self.cells)
        given = dict(attributes)
        for name, value in attributes:
            if (tag, name) in _LOADED and value and given.get("rel") not in ("canonical", "next", "prev"):
                self.loaded.append(value)

    def _begin(self, into: list[str]) -> None:
        into.append("")
        self._into = into

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += unescape(data)

    def handle_endtag(self, tag: str) -> None:
        if re.fullmatch("h[1-6]|td|th", tag) and self._into is not None:
            self._into[-1] = self._into[-1].strip().removesuffix("#").strip()
            self._into = None
