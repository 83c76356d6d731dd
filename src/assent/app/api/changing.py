"""One change of the workspace, asked for through the API."""

import asyncio
from typing import TypeAlias

from litestar import Request
from litestar.datastructures import State

from assent.app.services.workspaces import change
from assent.app.wiring import Server, now
from assent.domain.workspace import Version
from assent.engine.edit import Edit
from assent.store.tokens import Token

ApiRequest: TypeAlias = Request[Token, None, State]


async def change_workspace(
    server: Server, request: ApiRequest, edit: Edit, *, after: int | None, comment: str
) -> Version:
    """Do it in the name of the token; it is in force on return. Raises what `change` raises."""
    author = request.user.name
    version = await asyncio.to_thread(
        lambda: change(server.stores, edit, author=author, at=now(), comment=comment, after=after)
    )
    await server.follow()
    return version
