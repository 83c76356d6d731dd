"""Adding, changing and removing sources and destinations, the same for console and API."""

import re
import secrets
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from assent.app.services.workspaces import change
from assent.app.wiring import Stores, check_settings
from assent.domain.errors import InvalidInput, InvalidWorkspace
from assent.domain.workspace import Destination, Source, Version, Workspace
from assent.engine.edit import (
    Edit,
    add_destination,
    add_source,
    change_destination,
    change_source,
    in_turn,
    map_categories,
    remove_destination,
    remove_source,
)

_KEY_BYTES: Final = 24
_STEM_CHARACTERS: Final = 56
_PAGES: Final = frozenset({"new", "catalogue"})
"""Ids that are not suggested: pages of the console have these addresses."""

_Kind: TypeAlias = Literal["sources", "destinations"]


class By(NamedTuple):
    """Who changes something and when (UTC epoch milliseconds), and the version that they looked at, if they say."""

    author: str
    at: int
    after: int | None = None


# -------------------------------------------------------------------------------------------- sources


def create_source(stores: Stores, source: Source, by: By) -> Source:
    """Add a source; an empty id is made from its name, an empty write key is made up. Raises InvalidInput, Conflict."""
    taken = {one.id for one in stores.current().workspace.sources}
    source = msgspec.structs.replace(
        source,
        id=source.id or suggested_id(source.name, taken, "source"),
        write_key=source.write_key or new_write_key(),
    )
    _change(stores, "sources", source.id, add_source(source), by)
    return source


def update_source(stores: Stores, source_id: str, by: By, **changes: object) -> Version:
    """Give some of its fields other values. Raises NotFound, InvalidInput, Conflict."""
    return _change(stores, "sources", source_id, change_source(source_id, **changes), by)


def rotate_write_key(stores: Stores, source_id: str, by: By) -> str:
    """Give it a new write key, which is returned: the old one is refused from now on. Raises NotFound, Conflict."""
    write_key = new_write_key()
    update_source(stores, source_id, by, write_key=write_key)
    return write_key


def delete_source(stores: Stores, source_id: str, by: By) -> Version:
    """Raises NotFound, Conflict."""
    return _change(stores, "sources", source_id, remove_source(source_id), by)


# -------------------------------------------------------------------------------------------- destinations


def create_destination(stores: Stores, destination: Destination, categories: Collection[str], by: By) -> Destination:
    """Add a destination, in these categories; an empty id is made from its name. Raises InvalidInput, Conflict."""
    taken = {one.id for one in stores.current().workspace.destinations}
    name = destination.name or destination.connector
    id_ = destination.id or suggested_id(name, taken, "destination")
    destination = msgspec.structs.replace(destination, id=id_)
    _check_settings_of(stores, destination)
    edit = in_turn(add_destination(destination), map_categories(id_, categories))
    _change(stores, "destinations", id_, edit, by)
    return destination


def update_destination(
    stores: Stores, destination_id: str, by: By, categories: Collection[str] | None = None, **changes: object
) -> Version:
    """Give some of its fields other values; `categories` are all that it is in from now on, None leaves them.

    Raises NotFound, InvalidInput, Conflict.
    """
    edit = change_destination(destination_id, **changes)
    if categories is not None:
        edit = in_turn(edit, map_categories(destination_id, categories))
    changed = edit(stores.current().workspace).destination(destination_id)
    if "settings" in changes and changed is not None:
        _check_settings_of(stores, changed)
    return _change(stores, "destinations", destination_id, edit, by)


def delete_destination(stores: Stores, destination_id: str, by: By) -> Version:
    """Raises NotFound, Conflict."""
    return _change(stores, "destinations", destination_id, remove_destination(destination_id), by)


# -------------------------------------------------------------------------------------------- parts


def new_write_key() -> str:
    """A key that nobody guesses: 32 letters, digits, `-` and `_`."""
    return secrets.token_urlsafe(_KEY_BYTES)


def suggested_id(name: str, taken: Collection[str], otherwise: str) -> str:
    """An id for something of this name: `Web shop` becomes `web-shop`, the next one `web-shop-2`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_STEM_CHARACTERS].strip("-") or otherwise
    numbered = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    return next(one for one in numbered if one not in taken and one not in _PAGES)


def _change(stores: Stores, kind: _Kind, id_: str, edit: Edit, by: By) -> Version:
    with _said_of_one(kind, _position(stores.current().workspace, kind, id_)):
        return change(stores, edit, author=by.author, at=by.at, after=by.after)


def _position(workspace: Workspace, kind: _Kind, id_: str) -> int:
    """Where this one is in the list of its kind; a new one comes last."""
    ids = [one.id for one in (workspace.sources if kind == "sources" else workspace.destinations)]
    return ids.index(id_) if id_ in ids else len(ids)


def _check_settings_of(stores: Stores, destination: Destination) -> None:
    """Raises InvalidInput, whose field is such as `settings.url`."""
    with _said_of_one("destinations", 0):
        check_settings(Workspace(destinations=(destination,)), stores.secrets)


@contextmanager
def _said_of_one(kind: _Kind, position: int) -> Iterator[None]:
    """Mistakes of a whole workspace, said of the one thing in it that is edited: `sources[2].id` is then `id`."""
    try:
        yield
    except InvalidWorkspace as error:
        place = f"{kind}[{position}]."
        field = error.field or ""
        if not field.startswith(place):
            raise
        own = field.removeprefix(place)
        said = error.message.partition("\n")[0].removeprefix(f"{field}: ").removeprefix(f"`{own}`: ")
        raise InvalidInput(said, field=own) from None
