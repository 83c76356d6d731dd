"""The little Markdown that descriptions of connectors and settings use, as HTML."""

import re
from collections.abc import Iterator
from typing import Final

from markupsafe import Markup, escape

_INLINE: Final = re.compile(r"`(?P<code>[^`]+)`|\[(?P<text>[^\]]+)\]\((?P<url>https://[^)\s]+)\)")


def prose(markdown: str) -> Markup:
    """Paragraphs, with code and links in them; everything else is text. INVARIANT: all of it is escaped."""
    paragraphs = re.split(r"\n\s*\n", markdown.strip())
    return Markup("").join(Markup("<p>{}</p>").format(line(one)) for one in paragraphs if one)


def line(markdown: str) -> Markup:
    """The same within one paragraph."""
    return Markup("").join(_pieces(markdown))


def _pieces(markdown: str) -> Iterator[Markup]:
    end = 0
    for found in _INLINE.finditer(markdown):
        yield escape(markdown[end : found.start()])
        if found["code"]:
            yield Markup("<code>{}</code>").format(found["code"])
        else:
            yield Markup('<a href="{}" rel="noreferrer">{}</a>').format(found["url"], found["text"])
        end = found.end()
    yield escape(markdown[end:])
