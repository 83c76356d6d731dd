"""Profiles: everything about one person."""

import asyncio
from typing import Annotated, TypeAlias
from urllib.parse import unquote

from litestar import Request, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, QueryParameter
from litestar.response import Stream

from assent.app.api.bodies import failures
from assent.app.services.fates import Fates
from assent.app.services.person_export import export, record_export, subjects_of
from assent.app.wiring import Server, now
from assent.domain.regulation import SubjectType
from assent.store.tokens import Token

_Request: TypeAlias = Request[Token, None, State]
PersonId: TypeAlias = Annotated[
    str, PathParameter(name="profileId", description="A user id or an anonymous id, percent-encoded.", min_length=1)
]
OfType: TypeAlias = Annotated[
    SubjectType | None, QueryParameter(name="subjectType", description="Which of the two it is; left out: either.")
]


@get(
    "/profiles/{profileId:str}/export",
    summary="Everything about a person",
    operation_id="exportProfile",
    media_type="application/zip",
    responses={**failures(400), 200: ResponseSpec(bytes, media_type="application/zip", generate_examples=False)},
)
async def export_profile(
    server: NamedDependency[Server],
    fates: NamedDependency[Fates],
    request: _Request,
    id_: PersonId,
    subject_type: OfType = None,
) -> Stream:
    """A zip file of JSON lines: the person's events, with what became of them and why, and what they asked for. It goes
    on record that somebody made it."""
    subjects = subjects_of(unquote(id_), subject_type)
    author, at = request.user.name, now()
    await asyncio.to_thread(lambda: record_export(server.stores, author=author, at=at))
    content = export(server.stores, server.log, fates, subjects, server.in_force.version.workspace, at=at)
    headers = {"Content-Disposition": 'attachment; filename="person.zip"'}
    return Stream(content, media_type="application/zip", headers=headers)
