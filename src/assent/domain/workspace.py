"""A workspace: sources, consent categories, rules and destinations, as one company configures them."""

from typing import Any, Literal, TypeAlias

import msgspec

SeveralCategories: TypeAlias = Literal["any", "all"]
Flow: TypeAlias = Literal["deliver", "withhold"]
DisabledCategory: TypeAlias = Literal["withhold", "ignore"]
IntegrationsObject: TypeAlias = Literal["yield", "narrow"]
PresetName: TypeAlias = Literal["segment-beta", "segment-ga", "strict"]
Dialect: TypeAlias = Literal[
    "rudderstack", "mparticle", "consent-manager", "segment-old", "cookie", "tcf", "gpp", "gpc"
]
"""How a source says what people consented to, where it is not in Segment's way."""

SIGNAL_TOOLS: tuple[str, ...] = (
    "onetrust",
    "cookiebot",
    "usercentrics",
    "didomi",
    "trustarc",
    "ketch",
    "osano",
    "iubenda",
    "cookieyes",
    "klaro",
    "termly",
    "sourcepoint",
    "tcf",
    "gpp",
    "gpc",
    "google",
    "rudderstack",
    "mparticle",
    "consent-manager",
    "segment-old",
)
"""Whose ids the signals of a category can be: consent tools, standards, and dialects with ids of their own."""


class Rules(msgspec.Struct, frozen=True):
    """The five choices that decisions follow (DESIGN.md, section 2)."""

    several_categories: SeveralCategories
    unmapped_destination: Flow
    disabled_category: DisabledCategory
    integrations_object: IntegrationsObject
    no_consent: Flow


PRESETS: dict[PresetName, Rules] = {
    "segment-beta": Rules("any", "withhold", "withhold", "yield", "deliver"),
    "segment-ga": Rules("all", "deliver", "ignore", "narrow", "deliver"),
    "strict": Rules("all", "withhold", "withhold", "narrow", "withhold"),
}


class RuleOverrides(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Rules set one by one; what is left out is as the preset says."""

    several_categories: SeveralCategories | None = None
    unmapped_destination: Flow | None = None
    disabled_category: DisabledCategory | None = None
    integrations_object: IntegrationsObject | None = None
    no_consent: Flow | None = None


class Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A purpose that a person can refuse, and the ids of the destinations that need it.

    `held` keeps what would be delivered because of it, to be decided anew when it is released. `signals` are the ids
    under which consent tools and standards ask for it, such as `tcf:4` or `tcf:vendor 755`; of several that one tool
    has, all must be granted. A tool that calls it by its own id needs none.
    """

    id: str
    name: str = ""
    enabled: bool = True
    destinations: tuple[str, ...] = ()
    held: bool = False
    signals: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return self.name or self.id


class Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The consent part of a workspace: a preset, rules that override it, and the categories."""

    preset: PresetName = "segment-beta"
    rules: RuleOverrides = RuleOverrides()
    categories: tuple[Category, ...] = ()

    @property
    def effective_rules(self) -> Rules:
        overrides = {
            name: value for name in Rules.__struct_fields__ if (value := getattr(self.rules, name)) is not None
        }
        return msgspec.structs.replace(PRESETS[self.preset], **overrides)


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where events come from; clients name it by its write key.

    `held` keeps its events, to be decided anew when it is released. `consent_from` are the ways in which it says what
    people consented to, beside `context.consent.categoryPreferences`.
    """

    id: str
    write_key: str
    name: str = ""
    enabled: bool = True
    held: bool = False
    consent_from: tuple[Dialect, ...] = ()

    @property
    def title(self) -> str:
        return self.name or self.id


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A configured receiver of events.

    `settings` are the connector's, as written: a value such as `$TOKEN` is not yet the environment's.
    `integration` is its key in an event's `integrations` object, beside its own name. `held` stops its cursor: events
    are kept for it and decided anew when it is released.
    """

    id: str
    name: str = ""
    integration: str = ""
    enabled: bool = True
    receives_consent_updates: bool = False
    held: bool = False
    connector: str = ""
    settings: dict[str, Any] = {}

    @property
    def title(self) -> str:
        return self.name or self.id


class Workspace(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything one company configures here.

    `held` stops all cursors: everything is accepted and kept, and nothing is delivered. While it is to
    `observe`, consent is decided and counted, but not enforced: what it would withhold is delivered. With
    `backfill_later_grants` a backfill also sends what a person refused then and has granted since.
    """

    workspace: str = ""
    consent: Consent = Consent()
    sources: tuple[Source, ...] = ()
    destinations: tuple[Destination, ...] = ()
    held: bool = False
    observe: bool = False
    backfill_later_grants: bool = False

    @property
    def rules(self) -> Rules:
        return self.consent.effective_rules

    @property
    def categories(self) -> tuple[Category, ...]:
        return self.consent.categories

    def destination(self, destination_id: str) -> Destination | None:
        return next((one for one in self.destinations if one.id == destination_id), None)

    def source(self, source_id: str) -> Source | None:
        return next((one for one in self.sources if one.id == source_id), None)


class Version(msgspec.Struct, frozen=True):
    """One immutable numbered snapshot of a workspace; `at` is UTC epoch milliseconds."""

    number: int
    workspace: Workspace
    at: int
    author: str
    comment: str = ""
