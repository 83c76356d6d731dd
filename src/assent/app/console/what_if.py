"""What if: an event to try, and what would become of it if the person had answered otherwise."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from assent.app.console.access import FOR_MEMBERS, PageRequest
from assent.app.console.forms import Form, read_form
from assent.app.console.pages import page, part
from assent.app.services.decide_event import Decided, decide_everywhere, read_event
from assent.app.services.explain_event import Explainer, choose
from assent.app.services.fates import Fates
from assent.app.wiring import Server
from assent.delivery.in_force import InForce
from assent.domain.decision import ReasonText, explain_decision
from assent.domain.errors import InvalidInput
from assent.domain.workspace import Workspace
from assent.engine.forward import forward
from assent.engine.restamp import (
    Event,
    Stance,
    carries_consent,
    named,
    restamped,
    stance,
    with_consent,
    without_consent,
)
from assent.engine.rule import DecisiveRule

_MOST_VERSIONS: Final = 100

MessageId: TypeAlias = Annotated[str | None, QueryParameter(name="event")]
Source: TypeAlias = Annotated[str | None, QueryParameter(name="source")]
ReceivedAt: TypeAlias = Annotated[int | None, QueryParameter(name="receivedAt")]
Number: TypeAlias = Annotated[int | None, QueryParameter(name="version", ge=0)]


class Trial(NamedTuple):
    """What is tried: the text of an event, by a version of the workspace; and what it is compared with."""

    text: str
    version: int
    original: str
    original_version: int


class Control(NamedTuple):
    """What the event says of one category, to be changed."""

    id: str
    title: str
    enabled: bool
    stance: Stance


class Outcome(NamedTuple):
    """What would become of the event at one destination; `before` is what would have, where that was something else."""

    title: str
    text: ReasonText
    categories: Sequence[str]
    rules: Sequence[DecisiveRule]
    before: ReasonText | None
    is_new: bool


@get("/what-if")
async def show_what_if(
    request: PageRequest,
    server: NamedDependency[Server],
    explainer: NamedDependency[Explainer],
    fates: NamedDependency[Fates],
    message_id: MessageId = None,
    source: Source = None,
    received_at: ReceivedAt = None,
    number: Number = None,
) -> Response[Any]:
    in_force = server.in_force
    if message_id is None:
        text = _written(_example(in_force.version.workspace))
    else:
        chosen, _ = choose(await explainer.explain(message_id), message_id, source, received_at)
        text = _written(forward(chosen.found.record))
    trial = Trial(text, in_force.number if number is None else number, text, in_force.number)
    return await asyncio.to_thread(_show, request, server, fates, trial)


@post("/what-if", opt={FOR_MEMBERS: True}, status_code=200)
async def take_what_if(
    request: PageRequest, server: NamedDependency[Server], fates: NamedDependency[Fates]
) -> Response[Any]:
    form = await read_form(request)
    if not request.headers.get("hx-request"):
        return await asyncio.to_thread(_show, request, server, fates, _trial(form))
    touched = request.headers.get("hx-trigger-name", "")
    return await asyncio.to_thread(_answer, request, fates, form, touched)


def _trial(form: Form) -> Trial:
    try:
        return Trial(form.raw("event"), form.version(), form.raw("original"), int(form.raw("original_version")))
    except ValueError:
        raise InvalidInput("this form is not whole: load the page again") from None


def _show(request: PageRequest, server: Server, fates: Fates, trial: Trial) -> Response[Any]:
    tried = _tried(fates, trial)
    return page(
        request,
        server,
        "what_if/page.html",
        status=400 if tried["error"] else 200,
        versions=server.stores.versions.numbers()[:_MOST_VERSIONS] or [0],
        in_force=server.in_force.number,
        **tried,
    )


def _answer(request: PageRequest, fates: Fates, form: Form, touched: str) -> Response[Any]:
    """The parts of the page that another consent changes. What somebody is typing is never written over."""
    trial = _touched(_trial(form), form, touched)
    return part(request, "what_if/answer.html", is_rewritten=touched != "event", **_tried(fates, trial))


def _touched(trial: Trial, form: Form, touched: str) -> Trial:
    """The trial after one of its controls was used."""
    if touched == "reset":
        return trial._replace(text=trial.original, version=trial.original_version)
    if touched == "compare":
        return trial._replace(original=trial.text, original_version=trial.version)
    try:
        event = read_event(trial.text.encode())
    except (InvalidInput, UnicodeEncodeError):
        return trial
    if touched == "consent":
        event = with_consent(event) if form.raw("consent") == "yes" else without_consent(event)
    elif touched.startswith("answer-"):
        category = form.raw(f"category-{touched.removeprefix('answer-')}")
        event = restamped(event, category, Stance(form.raw(touched)))
    else:
        return trial
    return trial._replace(text=_written(event))


def _tried(fates: Fates, trial: Trial) -> dict[str, Any]:
    """What the templates show of a trial."""
    deciding = fates.version(trial.version)
    workspace = deciding.version.workspace
    error, event = None, {}
    try:
        event = read_event(trial.text.encode())
    except UnicodeEncodeError:
        error = "this has half of a character in it, which is not JSON"
    except InvalidInput as found:
        error = re.sub(r" \(char \d+\)$", "", found.message).replace("the body", "this")
    outcomes = [] if error else _outcomes(fates, trial, deciding, event)
    return {
        "trial": trial,
        "workspace_tried": workspace,
        "error": error,
        "controls": [Control(one.id, one.title, one.enabled, stance(event, one.id)) for one in workspace.categories],
        "carries_consent": carries_consent(event),
        "strangers": [one for one in named(event) if one not in {each.id for each in workspace.categories}],
        "outcomes": outcomes,
        "changed": sum(one.before is not None or one.is_new for one in outcomes),
        "is_as_it_was": trial.text == trial.original and trial.version == trial.original_version,
    }


def _outcomes(fates: Fates, trial: Trial, deciding: InForce, event: Event) -> list[Outcome]:
    workspace = deciding.version.workspace
    titles = {one.id: one.title for one in workspace.categories}
    before = _before(fates, trial)
    outcomes = []
    for one in decide_everywhere(deciding, event):
        found = workspace.destination(one.destination)
        earlier = before.get(one.destination) if before is not None else one
        is_other = earlier is not None and _text(earlier) != _text(one)
        outcomes.append(
            Outcome(
                found.title if found is not None else one.destination,
                _text(one),
                [titles.get(id_, id_) for id_ in one.decision.categories],
                one.rules,
                before=_text(earlier) if earlier is not None and is_other else None,
                is_new=earlier is None,
            )
        )
    return outcomes


def _text(decided: Decided) -> ReasonText:
    return explain_decision(decided.decision)


def _before(fates: Fates, trial: Trial) -> Mapping[str, Decided] | None:
    """The decisions on the event as it was; None where that cannot be read."""
    deciding = fates.version(trial.original_version)
    try:
        event = read_event(trial.original.encode())
    except (InvalidInput, UnicodeEncodeError):
        return None
    return {one.destination: one for one in decide_everywhere(deciding, event)}


def _written(event: Event) -> str:
    try:
        return msgspec.json.format(msgspec.json.encode(event), indent=2).decode()
    except RecursionError:
        raise InvalidInput("this is nested too deeply to be changed here") from None


def _example(workspace: Workspace) -> Event:
    """An event of somebody who granted the first category of this workspace and refused the others."""
    answers = {one.id: number == 0 for number, one in enumerate(workspace.categories)}
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": "user-17",
        "context": {"consent": {"categoryPreferences": answers}},
        "properties": {"order_id": "order-4711", "total": 39.9, "currency": "EUR"},
    }


WHAT_IF_PAGES: Final = [show_what_if, take_what_if]
