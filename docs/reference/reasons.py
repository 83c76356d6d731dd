"""Every reason that a decision can have."""

from assent.domain.decision import REASONS, ReasonText, Verdict
from reference.markdown import page, table

_INTRODUCTION = """\
Every decision has one of these reasons. Command line, API, metrics and accounts use the same codes. A decision also
names the *categories* that settled it, where categories did. The last column is Segment's own code for the same thing,
so that what you know from Segment's Delivery Overview you find again here."""

_ORDER = """\
When several categories refuse for different reasons, the first of these is the one you see: `category_denied`,
`consent_unreadable`, `category_missing`, `category_disabled`. The order in which everything else is asked is in
[Rules and presets](../guide/rules.md#the-order)."""


def markdown() -> str:
    summary = table(
        ("Reason", "Verdict", "In short", "Segment's code"),
        ((_link(one), one.verdict, one.title, f"`{one.segment_code}`" if one.segment_code else "") for one in REASONS),
    )
    return page(
        "Reasons",
        _INTRODUCTION,
        summary,
        _ORDER,
        *_section("## Delivered, because", Verdict.DELIVER),
        *_section("## Withheld, because", Verdict.WITHHOLD),
        *_section("## Delivered while observing, because", Verdict.DELIVER, observed=True),
    )


def _section(heading: str, verdict: Verdict, *, observed: bool = False) -> list[str]:
    return [heading, *(_entry(one) for one in REASONS if (one.verdict, one.observed) == (verdict, observed))]


def _entry(text: ReasonText) -> str:
    return (
        f"### `{text.reason}` {{ #{_anchor(text)} }}\n\n"
        f"**{text.title}.** {text.what_happened}\n\n"
        f"*What to do:* {text.remedy}"
    )


def _link(text: ReasonText) -> str:
    return f"[`{text.reason}`](#{_anchor(text)})"


def _anchor(text: ReasonText) -> str:
    return f"{'observed' if text.observed else text.verdict}-{text.reason}"
