"""How consent is enforced: which destinations need which category, the rules, and what deserves a warning."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from litestar import Response, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from assent.app.api.access import owners_only
from assent.app.api.bodies import Body, Data, failures
from assent.app.api.changing import ApiRequest, change_workspace
from assent.app.api.workspace import ETAG, Comment, ExpectedVersion, IfMatch, expected
from assent.app.services.warnings import WarningKind, find_consent_warnings
from assent.app.wiring import Server
from assent.domain.receipt import Joining
from assent.domain.workspace import (
    DisabledCategory,
    Flow,
    IntegrationsObject,
    PresetName,
    RevokedSince,
    RuleOverrides,
    SeveralCategories,
    UnstampedEvents,
    Version,
)
from assent.engine import edit


class MappingBody(Body, frozen=True, forbid_unknown_fields=True):
    """Which destinations need which category, by their ids."""

    mapping: Annotated[
        Mapping[str, Sequence[str]],
        msgspec.Meta(
            description="Destinations by category. Categories that are left out keep theirs.",
            examples=[{"C0002": ["warehouse"], "C0004": []}],
        ),
    ]


class Overrides(Body, frozen=True, forbid_unknown_fields=True):
    """Rules set one by one; null, or left out, is as the preset says."""

    several_categories: SeveralCategories | None = None
    unmapped_destination: Flow | None = None
    disabled_category: DisabledCategory | None = None
    integrations_object: IntegrationsObject | None = None
    no_consent: Flow | None = None
    unstamped_events: UnstampedEvents | None = None
    revoked_since: RevokedSince | None = None
    joined_profiles: Joining | None = None


class EffectiveRules(Body, frozen=True):
    """What decisions follow: the preset's rules, and the overrides in their places."""

    several_categories: SeveralCategories
    unmapped_destination: Flow
    disabled_category: DisabledCategory
    integrations_object: IntegrationsObject
    no_consent: Flow
    unstamped_events: UnstampedEvents
    revoked_since: RevokedSince
    joined_profiles: Joining


class RulesBody(Body, frozen=True, forbid_unknown_fields=True):
    """A preset, and rules that override it."""

    preset: PresetName
    overrides: Overrides = Overrides()


class RulesInForce(Body, frozen=True):
    """The preset, the overrides, and what both come to."""

    preset: PresetName
    overrides: Overrides
    rules: EffectiveRules


class Warned(Body, frozen=True):
    """What is probably not meant, and what can be done about it.

    `events` is how many it concerns, null where that is not counted. `page` is where in the console it is mended.
    """

    kind: WarningKind
    message: str
    remedy: str
    page: str
    events: int | None
    category: str | None


class WarningList(Body, frozen=True):
    """All warnings; those about most events first."""

    warnings: Sequence[Warned]


@get(
    "/mapping",
    summary="Which destinations need which category",
    operation_id="getMapping",
    response_headers=[ETAG],
    responses=failures(),
)
async def get_mapping(server: NamedDependency[Server]) -> Response[Data[MappingBody]]:
    """The destinations of every category."""
    return _mapping(server.in_force.version)


@put(
    "/mapping",
    summary="Map destinations to categories",
    operation_id="putMapping",
    guards=[owners_only],
    response_headers=[ETAG],
    responses=failures(400, 403, 404, 409, 413),
)
async def put_mapping(
    data: JSONBody[MappingBody],
    request: ApiRequest,
    server: NamedDependency[Server],
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
    comment: Comment = "",
) -> Response[Data[MappingBody]]:
    """Say which destinations these categories have from now on, all others they lose. Data is impacted at once."""
    mapped = edit.map_destinations(data.mapping)
    return _mapping(
        await change_workspace(server, request, mapped, after=expected(if_match, expected_version), comment=comment)
    )


@get("/rules", summary="The rules", operation_id="getRules", response_headers=[ETAG], responses=failures())
async def get_rules(server: NamedDependency[Server]) -> Response[Data[RulesInForce]]:
    """The rules that decisions follow."""
    return _rules(server.in_force.version)


@put(
    "/rules",
    summary="Set the rules",
    operation_id="putRules",
    guards=[owners_only],
    response_headers=[ETAG],
    responses=failures(400, 403, 409, 413),
)
async def put_rules(
    data: JSONBody[RulesBody],
    request: ApiRequest,
    server: NamedDependency[Server],
    if_match: IfMatch = None,
    expected_version: ExpectedVersion = None,
    comment: Comment = "",
) -> Response[Data[RulesInForce]]:
    """Take a preset, and override some of its rules. Data is impacted at once."""
    wanted = edit.set_rules(data.preset, RuleOverrides(**msgspec.structs.asdict(data.overrides)))
    return _rules(
        await change_workspace(server, request, wanted, after=expected(if_match, expected_version), comment=comment)
    )


@get("/warnings", summary="What deserves a warning", operation_id="listWarnings", responses=failures())
async def list_warnings(server: NamedDependency[Server]) -> Data[WarningList]:
    """What is probably not meant: in how consent is set up, and in what clients have sent lately."""
    found = await find_consent_warnings(server)
    return Data(WarningList([msgspec.convert(one, Warned, from_attributes=True) for one in found]))


def _mapping(version: Version) -> Response[Data[MappingBody]]:
    content = MappingBody({one.id: one.destinations for one in version.workspace.categories})
    return Response(Data(content), headers={"ETag": f'"{version.number}"'})


def _rules(version: Version) -> Response[Data[RulesInForce]]:
    consent = version.workspace.consent
    content = RulesInForce(
        consent.preset,
        Overrides(**msgspec.structs.asdict(consent.rules)),
        EffectiveRules(**msgspec.structs.asdict(consent.effective_rules)),
    )
    return Response(Data(content), headers={"ETag": f'"{version.number}"'})
