"""`assent regulation ...` and `assent person export`: what a person may ask for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from assent.app.cli.workspace import DataOption, TokenOption, UrlOption, target_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assent.app.api.regulations import NewRegulation, Regulation


class Target(Protocol):
    """Where people are suppressed, deleted and exported."""

    def regulate(self, new: "NewRegulation") -> "Regulation": ...
    def regulations(self) -> "Sequence[Regulation]": ...
    def regulation(self, regulation_id: str) -> "Regulation": ...
    def export_person(self, id_: str, to: Path) -> int: ...


regulation = typer.Typer(no_args_is_help=True, help="Suppress and delete people who ask for it.")
person = typer.Typer(no_args_is_help=True, help="What is known of one person.")


@person.callback()
def _commands() -> None:
    """What is known of one person."""


@regulation.command("new")
def new(
    context: typer.Context,
    type_: Annotated[
        str,
        typer.Argument(metavar="TYPE", help="suppress-only, delete-only, suppress-with-delete, unsuppress, ..."),
    ],
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="User ids, as your sources send them.")],
    anonymous: Annotated[bool, typer.Option("--anonymous", help="These are anonymous ids.")] = False,
    why: Annotated[
        str, typer.Option("--why", metavar="TEXT", help="The reason, for the record. Better not an id.")
    ] = "",
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Have people suppressed or deleted: a running server does the work. A deletion cannot be taken back.

    The types are Segment's; those that end in -internal tell no destination.
    """
    from assent.app.api.regulations import NewRegulation
    from assent.app.cli.complaints import complaints
    from assent.app.cli.workspace import confirm
    from assent.domain.errors import InvalidInput
    from assent.domain.regulation import RegulationType, SubjectType

    with complaints():
        try:
            wanted = RegulationType(type_.upper().replace("-", "_"))
        except ValueError:
            known = ", ".join(one.lower().replace("_", "-") for one in RegulationType)
            raise InvalidInput(f"`{type_}` is no type of regulation: use one of {known}") from None
        kind = SubjectType.ANONYMOUS_ID if anonymous else SubjectType.USER_ID
        asked = NewRegulation(regulation_type=wanted, subject_type=kind, subject_ids=ids, why=why)
        target = _target(context, data, url, token)
        if wanted.deletes and not yes:
            number = len(ids)
            confirm(f"Delete {number} {'person' if number == 1 else 'people'} for good?", "nobody was deleted")
        typer.echo(_line(target.regulate(asked)))


@regulation.command("list")
def list_regulations(
    context: typer.Context, data: DataOption = None, url: UrlOption = None, token: TokenOption = None
) -> None:
    """Print what was asked for, the newest first."""
    from assent.app.cli.complaints import complaints

    with complaints():
        for one in _target(context, data, url, token).regulations():
            typer.echo(_line(one))


@regulation.command("show")
def show(
    context: typer.Context,
    regulation_id: Annotated[str, typer.Argument(metavar="REGULATION", help="The id of one.", show_default=False)],
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Say how far one is, and what each destination said."""
    from assent.app.cli.complaints import complaints

    with complaints():
        found = _target(context, data, url, token).regulation(regulation_id)
        typer.echo(_line(found))
        for stream in found.stream_status:
            for one in stream.destination_status:
                said = f": {one.err_string}" if one.err_string else ""
                typer.echo(f"  {one.id}: {one.status.lower().replace('_', ' ')}{said}")


@person.command("export")
def export(
    context: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="A user id or an anonymous id.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The zip file to write.")],
    data: DataOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Write everything that is known of one person into a zip file."""
    from assent.app.cli.complaints import complaints
    from assent.domain.errors import InvalidInput

    with complaints():
        if output.exists():
            raise InvalidInput(f"`{output}` is there already: choose another name")
        size = _target(context, data, url, token).export_person(id_, output)
        typer.echo(f"{output}: {size:,} bytes.")


def _line(one: "Regulation") -> str:
    kind = "user id" if one.subject_type == "USER_ID" else "anonymous id"
    what = f"{one.regulation_type.lower().replace('_', '-')} {one.subjects} {kind}{'s' if one.subjects != 1 else ''}"
    erased = f", {one.events_erased:,} events erased" if one.regulation_type.deletes else ""
    return f"{one.id} {one.created_at} {what}: {one.overall_status.lower().replace('_', ' ')}{erased}"


def _target(context: typer.Context, data: Path | None, url: str | None, token: str | None) -> Target:
    from assent.app.cli.regulated_data import RegulatedData

    found: Target = target_of(context, data, url, token, RegulatedData)
    return found
