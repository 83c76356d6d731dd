"""The five rules and their presets, each explained by an example of this workspace."""

import asyncio
from typing import Any, Final, NamedTuple, get_args

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency

from assent.app.console.access import PageRequest
from assent.app.console.consent.editing import Trouble, chosen, save, show_preview
from assent.app.console.forms import Form, read_form
from assent.app.console.pages import page
from assent.app.services.consent import in_force
from assent.app.wiring import Server
from assent.domain.decision import explain
from assent.domain.errors import InvalidInput
from assent.domain.workspace import PRESETS, PresetName, RuleOverrides, Rules, Workspace
from assent.engine.edit import Edit, set_rules
from assent.engine.examples import rule_examples, truth_table


class _Rule(NamedTuple):
    """What a rule asks, and what each of its answers means."""

    name: str
    question: str
    values: dict[str, str]


RULES: Final = (
    _Rule(
        "several_categories",
        "A destination is in several categories. Must all of them be granted?",
        {"any": "Any one that is granted is enough.", "all": "All of them must be granted."},
    ),
    _Rule(
        "unmapped_destination",
        "A destination is in no category. Does it get events that carry consent?",
        {"withhold": "It gets none of them.", "deliver": "It gets all of them, whatever the person answered."},
    ),
    _Rule(
        "disabled_category",
        "A category is switched off. What of the destinations in it?",
        {
            "withhold": "The category counts as not granted: they get nothing through it.",
            "ignore": "It is as if the category did not exist.",
        },
    ),
    _Rule(
        "integrations_object",
        "The person granted consent, and the event's own integrations object says no to the destination.",
        {
            "yield": "Consent takes preference: the event is delivered.",
            "narrow": "The integrations object may still close: the event is withheld.",
        },
    ),
    _Rule(
        "no_consent",
        "An event carries no consent object at all.",
        {"deliver": "It is delivered, without enforcement.", "withhold": "It is withheld from all that need consent."},
    ),
)

PRESET_TITLES: Final[dict[PresetName, tuple[str, str]]] = {
    "segment-beta": (
        "Segment, private beta",
        "Conflicting preferences send the data. Consent takes preference over integrations. The default.",
    ),
    "segment-ga": (
        "Segment, as published later",
        "Every category must be granted. What is in no category, or in one that is switched off, gets everything.",
    ),
    "strict": ("Strict", "Nothing passes without consent, and a doubt closes."),
}


@get("/privacy/consent/rules")
async def show_rules(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    consent = (await in_force(server)).workspace.consent
    return await _form(request, server, consent.preset, consent.effective_rules, None)


@post("/privacy/consent/rules")
async def take_rules(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    preset, rules = _preset(form), _rules(form)

    async def again(trouble: Trouble) -> Response[Any]:
        if trouble.overtaken is None:
            return await _form(request, server, preset, rules, trouble)
        base, theirs = trouble.overtaken.base.consent, (await in_force(server)).workspace.consent
        name = msgspec.convert(chosen(preset, base.preset, theirs.preset), PresetName)
        return await _form(
            request, server, name, _rebased(rules, base.effective_rules, theirs.effective_rules), trouble
        )

    notice = "The rules are saved, and in force from the next event on."
    return await save(request, server, form, _edit(form), then="/privacy/consent", notice=notice, again=again)


@post("/privacy/consent/rules/preview", status_code=200)
async def preview_rules(request: PageRequest, server: NamedDependency[Server]) -> Response[Any]:
    form = await read_form(request)
    workspace = server.in_force.version.workspace
    examples = rule_examples(workspace, _rules(form))
    return await show_preview(
        request, server, form, _edit(form), examples=examples, titles=_titles(workspace), explain=explain
    )


async def _form(
    request: PageRequest, server: Server, preset: PresetName, rules: Rules, trouble: Trouble | None
) -> Response[Any]:
    version = await in_force(server)
    workspace = version.workspace
    return await asyncio.to_thread(
        lambda: page(
            request,
            server,
            "consent/rules.html",
            status=trouble.status if trouble is not None else 200,
            version=version.number,
            preset=preset,
            chosen_rules=msgspec.structs.asdict(rules),
            asked=RULES,
            presets={name: (*PRESET_TITLES[name], msgspec.structs.asdict(one)) for name, one in PRESETS.items()},
            examples=rule_examples(workspace, rules),
            titles=_titles(workspace),
            explain=explain,
            trouble=trouble,
            rules=rules,
            truths=truth_table(rules),
        )
    )


def _titles(workspace: Workspace) -> dict[str, str]:
    return {one.id: one.title for one in workspace.categories}


def _edit(form: Form) -> Edit:
    preset, rules = _preset(form), _rules(form)
    before, after = msgspec.structs.asdict(PRESETS[preset]), msgspec.structs.asdict(rules)
    overrides = {name: value for name, value in after.items() if value != before[name]}
    return set_rules(preset, RuleOverrides(**overrides))


def _preset(form: Form) -> PresetName:
    for name in get_args(PresetName):
        if form.raw("preset") == name:
            found: PresetName = name
            return found
    raise InvalidInput("choose a preset", field="preset")


def _rules(form: Form) -> Rules:
    values = {name: form.raw(name) for name in Rules.__struct_fields__}
    try:
        return msgspec.convert(values, Rules)
    except msgspec.ValidationError:
        raise InvalidInput("choose one answer to each of the five rules") from None


def _rebased(typed: Rules, base: Rules, theirs: Rules) -> Rules:
    mine, before, after = (msgspec.structs.asdict(one) for one in (typed, base, theirs))
    return msgspec.convert({name: chosen(mine[name], before[name], after[name]) for name in mine}, Rules)


RULES_PAGES: Final = [show_rules, take_rules, preview_rules]
