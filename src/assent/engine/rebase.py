"""Bringing edits to what somebody else changed meanwhile: where they touch different things, nothing is lost."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from assent.domain.errors import Conflict
from assent.domain.workspace import Category, Consent, Destination, RuleOverrides, Source, Workspace
from assent.engine.sentences import sentences

_Thing = TypeVar("_Thing", Source, Category, Destination)
_Value = TypeVar("_Value")


class _BothChanged(Exception):
    """The two changed the same thing in different ways."""


def rebase(base: Workspace, mine: Workspace, theirs: Workspace, called: str = "") -> Workspace:
    """`theirs` with everything that I changed since `base`; a destination's place in a category is one thing.

    Raises Conflict, which says in words what both changed, where that is the same thing in different ways: `theirs` is
    a version in force and `mine` a draft, or with `called` they are a draft and what that names.
    """
    try:
        return Workspace(
            consent=_consent(base.consent, mine.consent, theirs.consent),
            sources=_things(base.sources, mine.sources, theirs.sources),
            destinations=_things(base.destinations, mine.destinations, theirs.destinations),
            **{
                name: _one(getattr(base, name), getattr(mine, name), getattr(theirs, name))
                for name in Workspace.__struct_fields__
                if name not in ("consent", "sources", "destinations")
            },
        )
    except _BothChanged:
        if called:
            raise Conflict(
                f"the draft says otherwise. In the draft: {_said(base, theirs)}. And {called}: {_said(base, mine)}."
            ) from None
        raise Conflict(
            f"both changed the same thing. Since then, in force: {_said(base, theirs)}. "
            f"In the draft: {_said(base, mine)}."
        ) from None


def _said(old: Workspace, new: Workspace) -> str:
    return "; ".join(sentences(old, new))


def _consent(base: Consent, mine: Consent, theirs: Consent) -> Consent:
    rules = {
        name: _one(getattr(base.rules, name), getattr(mine.rules, name), getattr(theirs.rules, name))
        for name in RuleOverrides.__struct_fields__
    }
    return Consent(
        preset=_one(base.preset, mine.preset, theirs.preset),
        rules=RuleOverrides(**rules),
        categories=_things(base.categories, mine.categories, theirs.categories),
    )


def _one(base: _Value, mine: _Value, theirs: _Value) -> _Value:
    if mine == base:
        return theirs
    if theirs not in (base, mine):
        raise _BothChanged
    return mine


def _things(base: Sequence[_Thing], mine: Sequence[_Thing], theirs: Sequence[_Thing]) -> tuple[_Thing, ...]:
    """In their order, with what I added last."""
    before: dict[str, _Thing] = _by_id(base)
    own: dict[str, _Thing] = _by_id(mine)
    others: dict[str, _Thing] = _by_id(theirs)
    merged = [_thing(before.get(one), own.get(one), others.get(one)) for one in {**others, **own}]
    return tuple(one for one in merged if one is not None)


def _by_id(things: Sequence[_Thing]) -> dict[str, _Thing]:
    return {one.id: one for one in things}


def _thing(base: _Thing | None, mine: _Thing | None, theirs: _Thing | None) -> _Thing | None:
    if base is None or mine is None or theirs is None:
        return _one(base, mine, theirs)
    changed = {
        name: _one(getattr(base, name), getattr(mine, name), getattr(theirs, name))
        for name in base.__struct_fields__
        if name != "destinations"
    }
    if isinstance(base, Category) and isinstance(mine, Category) and isinstance(theirs, Category):
        changed["destinations"] = _members(base.destinations, mine.destinations, theirs.destinations)
    return msgspec.structs.replace(theirs, **changed)


def _members(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> tuple[str, ...]:
    """Theirs, without what I took out, and with what I put in at the end: two answers to yes or no never differ."""
    kept = tuple(one for one in theirs if one in mine or one not in base)
    return (*kept, *(one for one in mine if one not in base and one not in theirs))
