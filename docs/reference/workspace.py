"""Every key of a workspace file."""

from typing import Any, Final

import msgspec
from msgspec import inspect

from assent.domain.workspace import Category, Consent, Destination, Source, Workspace
from reference.markdown import code, codes, page, table

_INTRODUCTION = """\
A workspace file is YAML or JSON, in UTF-8. A key that is not listed here is a mistake, and so is a key given twice.
How to write one, step by step: [The workspace file](../guide/workspace-file.md)."""

_PARTS: Final[tuple[tuple[str, type[msgspec.Struct], str], ...]] = (
    ("The file", Workspace, ""),
    ("`consent`", Consent, "consent."),
    ("Each of `consent.categories`", Category, "consent.categories[]."),
    ("Each of `sources`", Source, "sources[]."),
    ("Each of `destinations`", Destination, "destinations[]."),
)

_MEANS: Final = {
    "workspace": "Its name, for people. At most 64 characters.",
    "consent": "Preset, rules and categories.",
    "sources": "Where events come from.",
    "destinations": "Who receives them.",
    "held": "`true` stops every destination: everything is accepted and kept, nothing is delivered or lost.",
    "observe": "`true`: consent is decided and counted, but not enforced; everything flows. "
    "[Observe](../guide/undo-and-backfill.md#observe) says what that is for.",
    "backfill_later_grants": "`true`: a backfill also sends what a person refused then and has granted since. Ask a "
    "lawyer first: a consent given later need not cover what was done before it.",
    "consent.preset": "The named set of [rules](rules.md).",
    "consent.rules": "[Rules](rules.md) set one by one; what is left out is as the preset says.",
    "consent.categories": "The purposes that a person can refuse.",
    "consent.categories[].id": "The key in `categoryPreferences`. Case-sensitive; 1 to 64 characters, no `.`; unique.",
    "consent.categories[].name": "For people. At most 64 characters; by default the id.",
    "consent.categories[].enabled": "`false` switches it off; the rule `disabled_category` says what that means.",
    "consent.categories[].destinations": "The ids of the destinations that need it. A destination may be in several.",
    "consent.categories[].held": "`true` keeps what would be delivered because of this category: it is passed over, "
    "and decided anew once the category is released.",
    "consent.categories[].signals": "The ids under which consent tools and standards ask for it, such as `tcf:4`: "
    "[Consent stated otherwise](../guide/consent-stated-otherwise.md#what-a-tool-calls-it).",
    "sources[].id": "1 to 64 letters (a to z), digits, `_`, `-` and `.`, a letter or digit first; unique.",
    "sources[].write_key": "What clients send to name the source: 1 to 128 letters, digits, `_`, `-`, `.` and `~`; "
    "unique. It is public: a web page shows it to everybody.",
    "sources[].name": "For people. At most 64 characters; by default the id.",
    "sources[].enabled": "`false` discards what it sends, as `source_disabled`.",
    "sources[].held": "`true` keeps what comes from here and would be delivered: it is passed over, and decided anew "
    "once the source is released.",
    "sources[].consent_from": "In which other ways, beside `categoryPreferences`, it "
    "[states consent](../guide/consent-stated-otherwise.md).",
    "destinations[].id": "As a source's; unique. Accounts and cursor are kept under it.",
    "destinations[].name": "For people, and a key that an event's `integrations` object may use. At most 64 "
    "characters; by default the id.",
    "destinations[].integration": "The other key that an event's `integrations` object may use; by default the "
    "connector's.",
    "destinations[].enabled": "`false` withholds everything from it, as `destination_disabled`.",
    "destinations[].held": "`true` keeps its events for it: nothing is delivered, nothing is lost. Once it is "
    "released, each is decided anew. At most as long as the log keeps events.",
    "destinations[].receives_consent_updates": "Whether it gets every *Segment Consent Preference Updated* event, "
    "whatever the person chose.",
    "destinations[].connector": "The [connector](connectors.md). Needed to serve; `assent decide` and the library do "
    "without.",
    "destinations[].settings": "The [settings of the connector](connectors.md). A text that is wholly `$NAME` is taken "
    "from the environment; `$$` at the start is a dollar sign.",
}


def markdown() -> str:
    return page("Workspace file", _INTRODUCTION, *(_part(*one) for one in _PARTS))


def _part(heading: str, struct: type[msgspec.Struct], prefix: str) -> str:
    described: Any = inspect.type_info(struct)
    rows = [
        (code(one.encode_name), _type(one.type), _default(one), _MEANS[prefix + one.name]) for one in described.fields
    ]
    return f"## {heading}\n\n" + table(("Key", "Type", "Default", "Means"), rows)


def _type(described: Any) -> str:
    if isinstance(described, inspect.LiteralType):
        return codes(described.values)
    if isinstance(described, inspect.VarTupleType):
        item = _type(described.item_type)
        return f"list of {item}" if isinstance(described.item_type, inspect.LiteralType) else f"list of {item}s"
    names = {inspect.StrType: "text", inspect.BoolType: "true or false", inspect.DictType: "mapping"}
    return names.get(type(described), "mapping")


def _default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return code(msgspec.json.encode(default).decode()) if isinstance(default, str | bool) and default != "" else ""
