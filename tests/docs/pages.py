"""The documents as the tests see them: pages, and the fenced blocks in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
AT_THE_ROOT: Final = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")

_FENCE: Final = re.compile(
    r"^(?:<!-- untested: (?P<why>.+) -->\n)?```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


class Block(NamedTuple):
    """One fenced block. `title` is the name of the file that it shows; `untested` says why it is not tried."""

    where: str
    language: str
    title: str | None
    text: str
    untested: str | None


def pages() -> list[Path]:
    """Every page written by hand."""
    return [*(ROOT / name for name in AT_THE_ROOT), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text()
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start("language")) + 1
        where = f"{page.relative_to(ROOT)}:{line}"
        yield Block(where, found["language"], found["title"], found["text"], found["why"])
