"""Workspaces for Hypothesis: small ones, of few ids, so that two of them have much in common."""

from typing import Any, Final

from hypothesis import strategies as st

from assent.domain.workspace import PRESETS, Category, Consent, Destination, RuleOverrides, Source, Workspace

WRITE_KEY: Final = "WRITEKEY"
"""In every write key, and nowhere else."""

SECRET: Final = "SECRETVALUE"
"""In every value of a setting, and nowhere else."""

IDS: Final = ("a", "b", "c")
names: Final = st.sampled_from(["", "One", "Two"])
booleans: Final = st.booleans()
_values = st.sampled_from([None, f"{SECRET}1", f"{SECRET}2", {"header": f"{SECRET}3"}])
_overrides = st.builds(
    RuleOverrides,
    several_categories=st.sampled_from([None, "any", "all"]),
    unmapped_destination=st.sampled_from([None, "deliver", "withhold"]),
    no_consent=st.sampled_from([None, "deliver", "withhold"]),
)


@st.composite
def workspaces(draw: st.DrawFn) -> Workspace:
    """A valid workspace: every id once, mapped only to what is there."""
    destinations = tuple(draw(_destination(id_)) for id_ in draw(_some_ids))
    present = [one.id for one in destinations]
    categories = tuple(draw(_category(id_, present)) for id_ in draw(_some_ids))
    sources = tuple(
        Source(
            id_,
            f"{WRITE_KEY}-{id_}-{draw(st.integers(0, 1))}",
            draw(names),
            draw(booleans),
            consent_from=draw(_dialects),
        )
        for id_ in draw(_some_ids)
    )
    consent = Consent(draw(st.sampled_from(sorted(PRESETS))), draw(_overrides), categories)
    return Workspace(draw(names), consent, sources, destinations)


_dialects: Any = st.lists(st.sampled_from(["cookie", "gpc"]), unique=True).map(tuple)
_some_ids: Any = st.lists(st.sampled_from(IDS), unique=True)


def _destination(id_: str) -> st.SearchStrategy[Destination]:
    return st.builds(
        Destination,
        st.just(id_),
        names,
        enabled=booleans,
        held=booleans,
        receives_consent_updates=booleans,
        connector=st.sampled_from(["webhook", "blackhole"]),
        settings=st.dictionaries(st.sampled_from(["url", "secret"]), _values),
    )


def _category(id_: str, destinations: list[str]) -> st.SearchStrategy[Category]:
    mapped = st.lists(st.sampled_from(destinations), unique=True) if destinations else st.just([])
    signals = st.lists(st.sampled_from(["tcf:4", "gpp:sale", "gpc"]), unique=True).map(tuple)
    return st.builds(Category, st.just(id_), names, booleans, mapped.map(tuple), signals=signals)
