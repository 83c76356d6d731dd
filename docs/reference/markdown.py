"""Pieces of Markdown that the pages share."""

from collections.abc import Iterable, Sequence


def page(title: str, *parts: str) -> str:
    """A whole page: its title and its parts, with a blank line between them."""
    return "\n\n".join((f"# {title}", *parts)) + "\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a cell may hold Markdown, and a `|` only within code."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(" ".join(cell.split()) for cell in line) + " |" for line in lines)


def code(text: object) -> str:
    return f"`{text}`"


def codes(texts: Iterable[object]) -> str:
    return ", ".join(map(code, texts))


def block(text: str, language: str = "text") -> str:
    return f"```{language}\n{text}\n```"
