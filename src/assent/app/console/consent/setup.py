"""The wizard: from an empty workspace to the first event whose consent is enforced."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, TypeAlias

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from assent.app.console.access import PageRequest, origin
from assent.app.console.charts import chart_json, sankey
from assent.app.console.consent.editing import Trouble, save
from assent.app.console.consent.mapping import show_grid, take_grid
from assent.app.console.consent.steps import steps
from assent.app.console.forms import Form, read_form
from assent.app.console.pages import page, part
from assent.app.services.category_scan import ScannedTool, creation, scan
from assent.app.services.consent import in_force
from assent.app.services.library_code import library_code
from assent.app.services.review import review
from assent.app.wiring import Server
from assent.domain.decision import Decision, explain
from assent.domain.errors import InvalidInput, NotFound
from assent.domain.record import Record
from assent.domain.workspace import Category, Workspace
from assent.engine.consent import Whole, read_preferences
from assent.engine.edit import Edit, add_category, in_turn
from assent.engine.json import decode_leniently
from assent.engine.outline import outline
from assent.engine.standing import standing
from assent.log.interface import Log
from assent.signals.tools import TOOLS, Tool, ToolCategory, find_tool

_MOST_SCANNED: Final = 2_000
_CARRIES_CONSENT: Final = b'{"context":{"consent":'
_Tool: TypeAlias = Annotated[str, QueryParameter(name="tool")]
_Source: TypeAlias = Annotated[str, QueryParameter(name="source")]
_From: TypeAlias = Annotated[int, QueryParameter(name="from", ge=0)]
_Seen: TypeAlias = Annotated[int, QueryParameter(name="seen", ge=0)]


@get("/privacy/consent/setup", sync_to_thread=True)
def show_prerequisites(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    workspace = server.in_force.version.workspace
    return page(request, server, "consent/setup/prerequisites.html", space=workspace, steps=steps(workspace))


# ------------------------------------------------------------------------------------ step 1: categories


@get("/privacy/consent/setup/categories")
async def show_step_1(request: PageRequest, server: NamedDependency[Server], tool: _Tool = "") -> Response[Any]:
    return await _step_1(request, server, tool, Form({}), None)


@post("/privacy/consent/setup/categories")
async def take_step_1(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    tool = form.text("tool")

    async def again(trouble: Trouble) -> Response[Any]:
        return await _step_1(request, server, tool, form, trouble)

    wanted = _wanted(form, (await in_force(server)).workspace)
    if not wanted:
        nothing = InvalidInput("tick the categories to add, or write one of your own", field="id")
        return await again(Trouble(nothing))
    names = ", ".join(one.title for one in wanted)
    created: Edit = in_turn(*(add_category(one) for one in wanted))
    return await save(
        request,
        server,
        form,
        created,
        then=f"/privacy/consent/setup/categories{f'?tool={tool}' if find_tool(tool) else ''}",
        notice=f"Created: {names}. Nothing changes for your data until destinations are mapped.",
        again=again,
    )


async def _step_1(
    request: PageRequest,
    server: Server,
    tool: str,
    form: Form,
    trouble: Trouble | None,
    found: Sequence[ScannedTool] = (),
) -> Response[Any]:
    version = await in_force(server)
    return await asyncio.to_thread(
        lambda: page(
            request,
            server,
            "consent/setup/categories.html",
            found=found,
            status=trouble.status if trouble is not None else 200,
            version=version.number,
            space=version.workspace,
            steps=steps(version.workspace),
            tools=TOOLS,
            tool=find_tool(tool),
            known={one.id for one in version.workspace.categories},
            form=form,
            trouble=trouble,
        )
    )


def _wanted(form: Form, workspace: Workspace) -> list[Category]:
    """The categories to create: those of the tool that were ticked, or all of them, or one that was written."""
    known = {one.id for one in workspace.categories}
    tool = find_tool(form.text("tool"))
    ready = tool.categories if tool is not None and not form.has("own") else ()
    ticked = {one.id for one in ready} if form.has("all") else set(form.texts("ready"))
    wanted = [_ready_made(tool, one) for one in ready if one.id in ticked and one.id not in known]
    if form.has("own") and form.text("id"):
        wanted.append(Category(form.text("id"), form.text("name")))
    return wanted


def _ready_made(tool: Tool | None, one: ToolCategory) -> Category:
    # The numbers of the TCF are no ids that an event has: a TC string is read by signals.
    return Category(one.id, one.name, signals=(f"tcf:{one.id}",) if tool is not None and tool.id == "tcf" else ())


# ------------------------------------------------------------------------------------ step 1: the category finder


@post("/privacy/consent/setup/find", status_code=200)
async def take_pasted(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    """What was pasted, and the categories that it could be; nothing is changed."""
    form = await read_form(request)
    try:
        found = await asyncio.to_thread(_find, form, (await in_force(server)).workspace)
    except InvalidInput as error:
        return await _step_1(request, server, form.text("tool"), form, Trouble(error))
    return await _step_1(request, server, form.text("tool"), form, None, found)


@post("/privacy/consent/setup/found")
async def take_found(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    found = await asyncio.to_thread(_find, form, (await in_force(server)).workspace)
    missing = [each for one in found for each in one.missing]
    wanted = [one for one in missing if form.has("all") or one.suggested.id in form.texts("found")]

    async def again(trouble: Trouble) -> Response[Any]:
        return await _step_1(request, server, form.text("tool"), form, trouble, found)

    if not wanted:
        return await again(Trouble(InvalidInput("tick the categories to create", field="found")))
    names = ", ".join(dict.fromkeys(one.suggested.title for one in wanted))
    return await save(
        request,
        server,
        form,
        creation(wanted),
        then="/privacy/consent/setup/categories",
        notice=f"Created: {names}. Nothing changes for your data until destinations are mapped.",
        again=again,
    )


def _find(form: Form, workspace: Workspace) -> list[ScannedTool]:
    return scan(form.text("text"), workspace, form.text("tool"))


# ------------------------------------------------------------------------------------ step 2: destinations


@get("/privacy/consent/setup/destinations")
async def show_step_2(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    return await show_grid(request, server, "consent/setup/destinations.html")


@post("/privacy/consent/setup/destinations")
async def take_step_2(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    then = "/privacy/consent/setup/sources"
    return await take_grid(request, server, form, "consent/setup/destinations.html", then=then)


# ------------------------------------------------------------------------------------ step 3: sources


@get("/privacy/consent/setup/sources", sync_to_thread=True)
def show_step_3(request: PageRequest, server: NamedDependency[Server], source: _Source = "") -> Response[Any]:
    workspace = server.in_force.version.workspace
    chosen = workspace.source(source) or next(iter(workspace.sources), None)
    ids = [one.id for one in workspace.categories if one.enabled]
    return page(
        request,
        server,
        "consent/setup/sources.html",
        space=workspace,
        steps=steps(workspace),
        source=chosen,
        samples=library_code(origin(request), chosen.write_key, ids) if chosen is not None else [],
        start=server.log.head,
        arrived=0,
    )


@get("/privacy/consent/setup/sources/first")
async def show_first(
    request: PageRequest, server: NamedDependency[Server], from_: _From, seen: _Seen = 0
) -> Response[Any]:
    """What came in since the offset `from`; no content while that is no more than was `seen`."""
    arrived = max(0, server.log.head - from_)
    found = await _first_with_consent(server.log, from_)
    if found is None and arrived == seen:
        return Response(None, status_code=204)
    workspace = server.in_force.version.workspace
    shown = _shown(server, found) if found is not None else {}
    return await asyncio.to_thread(
        lambda: part(
            request, "consent/setup/first.html", start=from_, arrived=arrived, first=found, space=workspace, **shown
        )
    )


async def _first_with_consent(log: Log, start: int) -> Record | None:
    """The first of the newest events, at most `_MOST_SCANNED`, that carries consent."""
    first = max(start, log.start, log.head - _MOST_SCANNED)
    while first < log.head:
        try:
            records = await log.read(first, _MOST_SCANNED)
        except NotFound:
            return None
        found = next(
            (one for one in records if one.routing_key.startswith(_CARRIES_CONSENT) and not one.is_erased), None
        )
        if found is not None:
            return found
        first += len(records)
    return None


def _shown(server: Server, record: Record) -> dict[str, Any]:
    """What there is to see of an event: its name, its answers, and the decision for every destination."""
    preferences = read_preferences(decode_leniently(record.routing_key))
    workspace = server.in_force.version.workspace
    source = workspace.source(record.source)
    decisions = server.in_force.policy.decide_key(record.routing_key)
    return {
        "name": outline(record).title or record.type,
        "source": source.title if source is not None else record.source,
        "answers": _answers(preferences),
        "titles": {one.id: one.title for one in workspace.categories},
        "decisions": [(one, *_explained(decisions[one.id])) for one in workspace.destinations if one.id in decisions],
    }


def _answers(preferences: Mapping[str, Any] | Whole) -> Sequence[tuple[str, str]]:
    if isinstance(preferences, Whole):
        return []
    words = {True: "granted", False: "refused"}
    return [(id_, words[one] if isinstance(one, bool) else "unreadable") for id_, one in preferences.items()][:30]


def _explained(decision: Decision) -> tuple[Decision, str]:
    return decision, explain(decision.verdict, decision.reason).title


# ------------------------------------------------------------------------------------ review


@get("/privacy/consent/setup/review")
async def show_review(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    await in_force(server)
    found = await review(server)
    workspace = found.version.workspace

    def render() -> Response[Any]:
        return page(
            request,
            server,
            "consent/setup/review.html",
            space=workspace,
            steps=steps(workspace),
            standings=[standing(workspace, one) for one in workspace.destinations],
            outlook=found.outlook,
            flow_json=chart_json(sankey(found.flow)),
            explain=explain,
        )

    return await asyncio.to_thread(render)


SETUP_PAGES: Final = [
    show_prerequisites,
    show_step_1,
    take_step_1,
    take_pasted,
    take_found,
    show_step_2,
    take_step_2,
    show_step_3,
    show_first,
    show_review,
]
