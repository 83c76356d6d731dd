"""Drafts: edits that are collected, tried on real events, shared by their address, and put into force together."""

import asyncio
from typing import Annotated, Any, Final, TypeAlias, get_args

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter

from assent.app.console.access import PageRequest
from assent.app.console.forms import Form, Hours, read_form
from assent.app.console.pages import done, page, part
from assent.app.console.words import titles
from assent.app.services import drafts
from assent.app.services.trials import Tried
from assent.app.wiring import Server, now
from assent.app.workspace_file import dump, read_workspace
from assent.domain.decision import Verdict, explain
from assent.domain.draft import Draft
from assent.domain.errors import AssentError, Conflict, InvalidInput
from assent.engine.changes import changes
from assent.engine.put_back import Kind
from assent.engine.sentences import sentences

_HERE: Final = "/drafts"
_COMMENT_CHARACTERS: Final = 1_000
_MOST_BYTES: Final = 512 * 1024

_Id: TypeAlias = Annotated[str, PathParameter(name="draft_id")]


# ------------------------------------------------------------------------------------ the list


@get("/drafts", sync_to_thread=True)
def show_drafts(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return _list(request, server)


@post("/drafts")
async def begin_draft(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)

    def begin() -> Response[Any]:
        try:
            draft = drafts.create(server.stores, form.text("name"), author=request.user.email, at=now())
        except InvalidInput as error:
            return _list(request, server, form, error)
        return done(
            request, server, f"{_HERE}/{draft.id}", f"The draft {draft.name} is begun. Nothing is in force yet."
        )

    return await asyncio.to_thread(begin)


def _list(
    request: PageRequest, server: Server, form: Form | None = None, error: AssentError | None = None
) -> Response[Any]:
    found = server.stores.drafts.all()
    return page(
        request,
        server,
        "drafts/list.html",
        status=error.status if error is not None else 200,
        drafts=[(one, sentences(drafts.base_of(server.stores, one), one.workspace)) for one in found],
        form=form or Form({}),
        error=error,
    )


# ------------------------------------------------------------------------------------ one draft


@get("/drafts/{draft_id:str}", sync_to_thread=True)
def show_draft(request: PageRequest, server: NamedDependency[Server], draft_id: _Id) -> Response[Any]:
    return _draft(request, server, draft_id)


@get("/drafts/{draft_id:str}/trial")
async def show_trial(
    request: PageRequest, server: NamedDependency[Server], draft_id: _Id, hours: Hours = 24
) -> Response[Any]:
    """What the draft would change: apart from the page, which does not wait."""
    tried: Tried | None = None
    error: AssentError | None = None
    try:
        tried = await drafts.try_draft(server.stores, server.log, draft_id, hours=hours, at=now())
    except (Conflict, InvalidInput) as wrong:
        error = wrong

    def render() -> Response[Any]:
        draft = server.stores.drafts.get(draft_id)
        names = {**titles(server.in_force.version.workspace), **titles(draft.workspace)}
        return part(request, "drafts/trial.html", tried=tried, error=error, titles=names)

    return await asyncio.to_thread(render)


@post("/drafts/{draft_id:str}/name")
async def rename_draft(request: PageRequest, server: NamedDependency[Server], draft_id: _Id) -> Response[Any]:
    form = await read_form(request)
    author = request.user.email

    def rename() -> None:
        drafts.rename(server.stores, draft_id, form.text("name"), author=author, at=now())

    return await _take(request, server, draft_id, form, rename, "The draft has another name.")


@post("/drafts/{draft_id:str}/take-out")
async def take_out_of_draft(request: PageRequest, server: NamedDependency[Server], draft_id: _Id) -> Response[Any]:
    form = await read_form(request)
    author = request.user.email

    def take_out() -> None:
        kind = _kind(form)
        revision = _revision(form)
        drafts.take_out(server.stores, draft_id, kind, form.raw("id"), author=author, at=now(), after=revision)

    return await _take(request, server, draft_id, form, take_out, "It is no longer in the draft.")


@get("/drafts/{draft_id:str}/shadow", sync_to_thread=True)
def show_shadow(request: PageRequest, server: NamedDependency[Server], draft_id: _Id) -> Response[Any]:
    """What the draft has done otherwise so far, as the shadow: asked for again and again while the page is open."""
    return part(request, "drafts/shadow.html", **shadow_content(server, draft_id))


@post("/drafts/{draft_id:str}/shadow")
async def take_shadow(request: PageRequest, server: NamedDependency[Server], draft_id: _Id) -> Response[Any]:
    form = await read_form(request)
    on, author = form.raw("action") == "begin", request.user.email

    def switch() -> None:
        drafts.set_shadow(server.stores, draft_id, on, author=author, at=now())

    notice = "It decides on live events from now on, unenforced." if on else "It is the shadow no longer."
    answer = await _take(request, server, draft_id, form, switch, notice)
    await server.follow()
    return answer


@post("/drafts/{draft_id:str}/apply")
async def apply_draft(request: PageRequest, server: NamedDependency[Server], draft_id: _Id) -> Response[Any]:
    form = await read_form(request)

    def put() -> Response[Any]:
        try:
            draft = server.stores.drafts.get(draft_id)
            if draft.revision != _revision(form):
                raise Conflict(
                    "somebody else changed the draft meanwhile: see what it says now, then put it into force"
                )
            version = drafts.put_into_force(
                server.stores, draft_id, author=request.user.email, at=now(), comment=_comment(form)
            )
        except (InvalidInput, Conflict) as error:
            return _draft(request, server, draft_id, form, error)
        said = f"The draft is in force, as version {version.number}. Its page has the way back."
        return done(request, server, f"/versions/{version.number}", said)

    answer = await asyncio.to_thread(put)
    await server.follow()
    return answer


@post("/drafts/{draft_id:str}/discard", sync_to_thread=True)
def discard_draft(request: PageRequest, server: NamedDependency[Server], draft_id: _Id) -> Response[Any]:
    name = server.stores.drafts.get(draft_id).name
    server.stores.drafts.delete(draft_id, author=request.user.email, at=now())
    return done(request, server, _HERE, f"The draft {name} is discarded. What is in force did not change.")


async def _take(
    request: PageRequest, server: Server, draft_id: str, form: Form, change: Any, notice: str
) -> Response[Any]:
    def take() -> Response[Any]:
        try:
            change()
        except (InvalidInput, Conflict) as error:
            return _draft(request, server, draft_id, form, error)
        return done(request, server, f"{_HERE}/{draft_id}", notice)

    return await asyncio.to_thread(take)


def shadow_content(server: Server, draft_id: str) -> dict[str, Any]:
    """What is shown of a shadow: its differences by destination."""
    draft = server.stores.drafts.get(draft_id)
    workspace = server.in_force.version.workspace
    counts = [
        (one, explain(Verdict.DELIVER if one.direction == "delivered" else Verdict.WITHHOLD, one.reason).title)
        for one in server.stores.drafts.shadow_counts(draft)
    ]
    return {"draft": draft, "counts": counts, "titles": titles(workspace)}


def _draft(
    request: PageRequest,
    server: Server,
    draft_id: str,
    form: Form | None = None,
    error: AssentError | None = None,
) -> Response[Any]:
    draft = server.stores.drafts.get(draft_id)
    base = drafts.base_of(server.stores, draft)
    return page(
        request,
        server,
        "drafts/draft.html",
        status=error.status if error is not None else 200,
        draft=draft,
        changes=changes(base, draft.workspace),
        words=sentences(base, draft.workspace),
        newest=server.stores.versions.current_number(),
        form=form or Form({}),
        error=error,
        **{name: value for name, value in shadow_content(server, draft_id).items() if name != "draft"},
    )


# ------------------------------------------------------------------------------------ as a file


@get("/drafts/{draft_id:str}/file", sync_to_thread=True)
def show_draft_file(request: PageRequest, server: NamedDependency[Server], draft_id: _Id) -> Response[Any]:
    draft = server.stores.drafts.get(draft_id)
    return _file(request, server, draft, dump(draft.workspace), draft.revision)


@post("/drafts/{draft_id:str}/file")
async def take_draft_file(request: PageRequest, server: NamedDependency[Server], draft_id: _Id) -> Response[Any]:
    form = await read_form(request)

    def put() -> Response[Any]:
        text = form.raw("text").replace("\r\n", "\n")
        draft = server.stores.drafts.get(draft_id)
        try:
            if len(text) > _MOST_BYTES:
                raise InvalidInput(f"a workspace file may have at most {_MOST_BYTES:,} characters")
            wanted = read_workspace(text, "line")
            author, revision = request.user.email, _revision(form)
            drafts.put(server.stores, draft_id, wanted, author=author, at=now(), after=revision)
        except InvalidInput as error:
            return _file(request, server, draft, text, _revision(form), error)
        except Conflict as error:
            return _file(request, server, draft, text, draft.revision, error)
        return done(request, server, f"{_HERE}/{draft_id}", "The draft says what the file says.")

    return await asyncio.to_thread(put)


def _file(
    request: PageRequest, server: Server, draft: Draft, text: str, revision: int, error: AssentError | None = None
) -> Response[Any]:
    return page(
        request,
        server,
        "drafts/file.html",
        status=error.status if error is not None else 200,
        draft=draft,
        text=text,
        revision=revision,
        theirs=dump(draft.workspace) if isinstance(error, Conflict) else None,
        mistakes=error.message.splitlines() if error is not None else [],
    )


# ------------------------------------------------------------------------------------ what was typed


def _kind(form: Form) -> Kind:
    for kind in get_args(Kind):
        if form.raw("kind") == kind:
            found: Kind = kind
            return found
    raise InvalidInput("this form is not whole: load the page again")


def _revision(form: Form) -> int:
    text = form.raw("revision")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidInput("this form is not whole: load the page again")
    return int(text)


def _comment(form: Form) -> str:
    comment = form.text("comment")
    if len(comment) > _COMMENT_CHARACTERS:
        raise InvalidInput(f"say it in at most {_COMMENT_CHARACTERS:,} characters", field="comment")
    return comment


DRAFT_PAGES: Final = [
    show_drafts,
    begin_draft,
    show_draft,
    show_trial,
    show_shadow,
    take_shadow,
    rename_draft,
    take_out_of_draft,
    apply_draft,
    discard_draft,
    show_draft_file,
    take_draft_file,
]
