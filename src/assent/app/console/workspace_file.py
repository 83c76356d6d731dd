"""Settings, workspace file: the workspace in force as a file, and another one put in its place after a look at it."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from litestar import Response, get, post
from litestar.di import NamedDependency

from assent.app.console.access import FOR_MEMBERS, PageRequest
from assent.app.console.forms import Form, read_form
from assent.app.console.pages import done, page
from assent.app.services.workspaces import apply, plan
from assent.app.wiring import Server, now
from assent.app.workspace_file import dump, read_workspace
from assent.domain.errors import AssentError, Conflict, InvalidInput, InvalidWorkspace, NotFound
from assent.domain.workspace import Workspace
from assent.engine.changes import Change, changes
from assent.log.interface import KeyCounts

_FILE: Final = "/settings/file"
_MOST_BYTES: Final = 512 * 1024
_HOUR_MS: Final = 3_600_000


@get("/settings/file", sync_to_thread=True)
def show_file(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return _file(request, server, "", None)


@get("/settings/file/download", sync_to_thread=True)
def download_file(server: NamedDependency[Server]) -> Response[str]:
    """As `assent export` prints it: secrets are references."""
    version = server.in_force.version
    headers = {"Content-Disposition": f'attachment; filename="workspace-{version.number}.yaml"'}
    return Response(dump(version.workspace), media_type="application/yaml", headers=headers)


@post("/settings/file/plan", opt={FOR_MEMBERS: True})
async def plan_file(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    """What the file would change. Changes nothing."""
    form = await read_form(request)
    last_day = await _last_day(server)

    def show() -> Response[Any]:
        text = ""
        try:
            text = _text(form)
            return _plan(request, server, text, _read(text), last_day, Form({}))
        except InvalidInput as error:
            return _file(request, server, text, error)

    return await asyncio.to_thread(show)


@post("/settings/file/apply")
async def apply_file(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    last_day = await _last_day(server)

    def put() -> Response[Any]:
        text = _text(form)
        try:
            workspace, after = _read(text), form.version()
        except InvalidInput as error:
            return _file(request, server, text, error)
        author, comment = request.user.email, form.text("comment")
        try:
            version = apply(server.stores, workspace, author=author, at=now(), comment=comment, after=after)
        except InvalidWorkspace as error:
            return _file(request, server, text, error)
        except Conflict:
            meanwhile = _meanwhile(server, after)
            return _plan(request, server, text, workspace, last_day, form, status=409, meanwhile=meanwhile)
        return done(request, server, _FILE, f"Version {version.number} is in force.")

    answer = await asyncio.to_thread(put)
    await server.follow()
    return answer


def _file(request: PageRequest, server: Server, text: str, error: AssentError | None) -> Response[Any]:
    return page(
        request,
        server,
        "settings/file.html",
        status=error.status if error is not None else 200,
        version=server.in_force.version,
        in_force=dump(server.in_force.version.workspace),
        text=text,
        mistakes=error.message.splitlines() if error is not None else [],
    )


def _plan(
    request: PageRequest,
    server: Server,
    text: str,
    workspace: Workspace,
    last_day: KeyCounts,
    form: Form,
    *,
    status: int = 200,
    meanwhile: Sequence[Change] = (),
) -> Response[Any]:
    return page(
        request,
        server,
        "settings/plan.html",
        status=status,
        plan=plan(server.stores, workspace, last_day),
        text=text,
        comment=form.text("comment"),
        is_overtaken=status != 200,
        meanwhile=meanwhile,
    )


def _text(form: Form) -> str:
    """The file that was chosen, or what was pasted where none was. Raises InvalidInput."""
    upload = form.upload("file")
    if upload:
        try:
            text = upload.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"the file is not UTF-8: {error.reason} at byte {error.start}") from None
    else:
        text = form.raw("text").replace("\r\n", "\n")
    if not text.strip():
        raise InvalidInput("choose a file, or paste one")
    if len(text) > _MOST_BYTES:
        raise InvalidInput(f"a workspace file may have at most {_MOST_BYTES:,} characters")
    return text


def _read(text: str) -> Workspace:
    return read_workspace(text, "line")


def _meanwhile(server: Server, after: int) -> list[Change]:
    """What others changed since the version that the plan was made for."""
    try:
        seen = server.stores.versions.get(after).workspace
    except NotFound:  # before the first version there was nothing
        seen = Workspace()
    return changes(seen, server.stores.current().workspace)


async def _last_day(server: Server) -> KeyCounts:
    hour = now() // _HOUR_MS
    return await server.log.key_counts(hour - 23, hour + 1)


FILE_PAGES: Final = [show_file, download_file, plan_file, apply_file]
