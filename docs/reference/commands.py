"""Every command and its options, from the command line itself."""

from collections.abc import Iterator
from typing import Any

import typer

from assent.app.cli import app
from reference.markdown import code, page, table

_INTRODUCTION = """\
`assent --help` and `assent COMMAND --help` say the same. An option that names a variable takes its value from the
environment where it is not given. Exit status: 0 done, 1 something could not be done (or, for `decide`, some line was
not JSON), 2 what the command was given is wrong."""


def markdown() -> str:
    root = typer.main.get_command(app)
    commands = list(_commands(root, "assent"))
    summary = table(
        ("Command", "Does"), ((f"[`{name}`](#{_anchor(name)})", _first_line(one)) for name, one in commands)
    )
    return page("Commands", _INTRODUCTION, _parameters(root.params), summary, *(_entry(*one) for one in commands))


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words that call it."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for word, one in below.items():
        yield from _commands(one, f"{name} {word}")


def _entry(name: str, command: Any) -> str:
    options = [one for one in command.params if one.param_type_name == "option"]
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    usage = " ".join([name, *(["[OPTIONS]"] if options else []), *(_in_usage(one) for one in arguments)])
    parts = [f"## `{name}` {{ #{_anchor(name)} }}", f"```text\n{usage}\n```", command.help]
    if command.params:
        parts.append(_parameters([*arguments, *options]))
    return "\n\n".join(parts)


def _parameters(parameters: list[Any]) -> str:
    rows = [(_names(one), _default(one), _means(one)) for one in parameters]
    return table(("Option", "Default", "Means"), rows)


def _in_usage(argument: Any) -> str:
    return str(argument.metavar if argument.required else f"[{argument.metavar}]")


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return code(parameter.metavar)
    value = "" if parameter.is_flag else f" {parameter.metavar or 'TEXT'}"
    return ", ".join(code(name + value) for name in (*parameter.opts, *parameter.secondary_opts))


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    return "" if parameter.default in (None, False, "", ()) else code(parameter.default)


def _means(parameter: Any) -> str:
    variable = f" Environment: `{parameter.envvar}`." if parameter.envvar else ""
    return (parameter.help or "") + variable


def _first_line(command: Any) -> str:
    return str(command.help).partition("\n")[0]


def _anchor(name: str) -> str:
    return name.replace(" ", "-")
