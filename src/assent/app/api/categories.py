"""Consent categories: what there is, how many events grant it, and the changes."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias
from urllib.parse import unquote

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from assent.app.api.access import owners_only
from assent.app.api.bodies import Body, Data, failures
from assent.app.api.changing import ApiRequest, change_workspace
from assent.app.api.workspace import ETAG, Comment, ExpectedVersion, IfMatch, expected
from assent.app.services.consent import DAYS, shares
from assent.app.wiring import Server
from assent.domain.errors import NotFound
from assent.domain.workspace import Category, Version
from assent.engine import edit
from assent.engine.consent_shares import ConsentShares

CategoryId: TypeAlias = Annotated[
    str,
    PathParameter(
        name="categoryId", description="The id of the category, percent-encoded where it has other characters."
    ),
]
_Id: TypeAlias = Annotated[str, msgspec.Meta(description="Case-sensitive, as events carry it.", examples=["C0002"])]
_Name: TypeAlias = Annotated[str, msgspec.Meta(examples=["Performance"])]
_Destinations: TypeAlias = Annotated[
    Sequence[str], msgspec.Meta(description="The ids of the destinations that need it.", examples=[["warehouse"]])
]


_Signals: TypeAlias = Annotated[
    Sequence[str],
    msgspec.Meta(
        description="The ids under which consent tools and standards ask for it, for sources with `consentFrom`. Of "
        "several that one tool has, all must be granted.",
        examples=[["tcf:4", "tcf:vendor 755", "gpp:sale"]],
    ),
]


class Share(Body, frozen=True):
    """Of how many events there were how many that grant a category."""

    granted: int
    of: int


class CategoryInFull(Body, frozen=True):
    """A category as it is configured."""

    id: _Id
    name: _Name
    enabled: bool
    destinations: _Destinations
    signals: _Signals


class CategoryWithShares(CategoryInFull, frozen=True):
    """A category, and how many events grant it: of those that carry consent, and of the consent updates among them.

    Events, not people: a person who visits more counts for more.
    """

    events: Share
    consent_updates: Share


class CategoryList(Body, frozen=True):
    """All categories in the order of the workspace, with what the events of so many `days` say about them."""

    categories: Sequence[CategoryWithShares]
    days: int
    events: Annotated[int, msgspec.Meta(description="All events of these days.")]
    without_consent: Annotated[int, msgspec.Meta(description="Those that carry no consent object.")]


class NewCategory(Body, frozen=True, forbid_unknown_fields=True):
    """A category to create."""

    id: _Id
    name: _Name = ""
    enabled: bool = True
    destinations: _Destinations = ()
    signals: _Signals = ()


class CategoryChanges(Body, frozen=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays. `enabled` switches the category on or off."""

    id: _Id | msgspec.UnsetType = msgspec.UNSET
    name: _Name | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    destinations: _Destinations | msgspec.UnsetType = msgspec.UNSET
    signals: _Signals | msgspec.UnsetType = msgspec.UNSET


class CategoryDeleted(Body, frozen=True):
    """The version of the workspace that no longer has the category."""

    version: int


@get("/categories", summary="All categories", operation_id="listCategories", responses=failures())
async def list_categories(server: NamedDependency[Server]) -> Data[CategoryList]:
    """The categories, with the share of events that grant each."""
    found = await shares(server)
    categories = [_with_shares(one, found) for one in server.in_force.version.workspace.categories]
    return Data(CategoryList(categories, DAYS, found.events, found.without))


@post(
    "/categories",
    status_code=200,
    summary="Create a category",
    operation_id="createCategory",
    guards=[owners_only],
    response_headers=[ETAG],
    responses=failures(400, 403, 409, 413),
)
async def create_category(
    data: JSONBody[NewCategory],
    request: ApiRequest,
    server: NamedDependency[Server],
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
    comment: Comment = "",
) -> Response[Data[CategoryInFull]]:
    """A category that destinations are mapped to needs its answer from the next event on."""
    wanted = Category(data.id, data.name, data.enabled, tuple(data.destinations), signals=tuple(data.signals))
    created = edit.add_category(wanted)
    version = await change_workspace(
        server, request, created, after=expected(if_match, expected_version), comment=comment
    )
    return _in_full(version, data.id)


@get(
    "/categories/{categoryId:str}",
    summary="One category",
    operation_id="getCategory",
    response_headers=[ETAG],
    responses=failures(400, 404),
)
async def get_category(id_: CategoryId, server: NamedDependency[Server]) -> Response[Data[CategoryInFull]]:
    """A category by its id."""
    return _in_full(server.in_force.version, unquote(id_))


@patch(
    "/categories/{categoryId:str}",
    summary="Change a category",
    operation_id="changeCategory",
    guards=[owners_only],
    response_headers=[ETAG],
    responses=failures(400, 403, 404, 409, 413),
)
async def change_category(
    id_: CategoryId,
    data: JSONBody[CategoryChanges],
    request: ApiRequest,
    server: NamedDependency[Server],
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
    comment: Comment = "",
) -> Response[Data[CategoryInFull]]:
    """Change its name, its id, its destinations or its signals, or switch it on or off. Data is impacted at once."""
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not msgspec.UNSET}
    changes: dict[str, Any] = {
        **given,
        **{name: tuple(given[name]) for name in ("destinations", "signals") if name in given},
    }
    changed = edit.change_category(unquote(id_), **changes)
    version = await change_workspace(
        server, request, changed, after=expected(if_match, expected_version), comment=comment
    )
    return _in_full(version, changes.get("id", unquote(id_)))


@delete(
    "/categories/{categoryId:str}",
    status_code=200,
    summary="Delete a category",
    operation_id="deleteCategory",
    guards=[owners_only],
    responses=failures(400, 403, 404, 409),
)
async def delete_category(
    id_: CategoryId,
    request: ApiRequest,
    server: NamedDependency[Server],
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
    comment: Comment = "",
) -> Data[CategoryDeleted]:
    """Destinations that no other category has become unmapped; the rules say what that means."""
    removed = edit.remove_category(unquote(id_))
    version = await change_workspace(
        server, request, removed, after=expected(if_match, expected_version), comment=comment
    )
    return Data(CategoryDeleted(version.number))


def _in_full(version: Version, id_: str) -> Response[Data[CategoryInFull]]:
    category = next((one for one in version.workspace.categories if one.id == id_), None)
    if category is None:
        raise NotFound(f"there is no category `{id_[:100]}`")
    content = CategoryInFull(category.id, category.name, category.enabled, category.destinations, category.signals)
    return Response(Data(content), headers={"ETag": f'"{version.number}"'})


def _with_shares(category: Category, found: ConsentShares) -> CategoryWithShares:
    return CategoryWithShares(
        category.id,
        category.name,
        category.enabled,
        category.destinations,
        category.signals,
        Share(found.granted.get(category.id, 0), found.carrying),
        Share(found.granted_in_updates.get(category.id, 0), found.updates),
    )
