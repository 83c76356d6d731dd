"""`assent ledger`: the record of what people consented to: checked, looked up, worked out anew, filled and exported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assent.app.cli.options import DataOption

if TYPE_CHECKING:
    from assent.app.services.ledger import Person

ledger = typer.Typer(help="The record of what people consented to.", no_args_is_help=True)


@ledger.callback()
def _commands() -> None:
    """The record of what people consented to."""


@ledger.command()
def verify(data: DataOption) -> None:
    """Check every receipt against the one before it, and name the first that does not hold; then the exit status is 1.

    A server may be running.
    """
    from assent.app.cli.complaints import FAILED, complaints
    from assent.app.cli.data_directory import existing_stores

    with complaints(), existing_stores(data) as stores:
        number = stores.ledger.state().number
        with counting("verifying", number) as told:
            broken = stores.ledger.verify(told)
    if broken is not None:
        typer.echo(f"The chain breaks at receipt {broken.number}, `{broken.id}`: {broken.why}.", err=True)
        raise typer.Exit(FAILED)
    typer.echo(f"The chain holds: {number:,} receipts.")


@ledger.command()
def show(
    data: DataOption, any_id: Annotated[str, typer.Argument(metavar="ID", help="A user id or anonymous id.")]
) -> None:
    """Print what is known of a person, and every receipt about them, the newest first."""
    from assent.app.cli.complaints import complaints
    from assent.app.cli.data_directory import existing_stores
    from assent.app.services.ledger import look_up

    with complaints(), existing_stores(data) as stores:
        _print_person(look_up(stores, any_id, limit=1_000))


@ledger.command()
def rebuild(data: DataOption) -> None:
    """Work out all profiles anew from the receipts. They are a function of these alone, so that nothing changes.

    A running server waits meanwhile with its deliveries.
    """
    from assent.app.cli.complaints import complaints
    from assent.app.cli.data_directory import existing_stores

    with complaints(), existing_stores(data) as stores:
        with counting("rebuilding", stores.ledger.state().number) as told:
            people = stores.ledger.rebuild(told)
        typer.echo(f"{people:,} people have a profile.")


@ledger.command()
def export(
    data: DataOption,
    format_: Annotated[
        Literal["csv", "jsonl", "iso-27560"], typer.Option("--format", help="`iso-27560`: as ISO/IEC TS 27560 has it.")
    ] = "csv",
) -> None:
    """Write all receipts to standard output, the newest first."""
    from assent.app.cli.complaints import complaints
    from assent.app.cli.data_directory import existing_stores
    from assent.app.services.receipt_export import exported

    with complaints(), existing_stores(data) as stores:
        for text in exported(stores, format_):
            typer.echo(text, nl=False)


@ledger.command("import")
def import_file(
    data: DataOption,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, JSON lines or Parquet, by its ending.")],
    columns: Annotated[
        list[str],
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="What a column holds: `userId`, `anonymousId`, `occurredAt`, `noticeVersion`, `noticeLanguage`, "
            "`jurisdiction`, or `category:ID`. Once for each column; a column that is named like its field needs none.",
        ),
    ] = [],  # noqa: B006 # as Typer has it
    source: Annotated[str, typer.Option(help="Where it comes from, as receipts will say.")] = "import",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, and write nothing.")] = False,
    rejected: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the rows that were rejected, with the reasons.")
    ] = None,
) -> None:
    """Put on record what people chose elsewhere. What cannot be read is rejected by row, with the reason.

    The same file again changes nothing: rows that are on record are passed over.
    """
    from assent.app.cli.complaints import FAILED, complaints
    from assent.app.cli.data_directory import existing_stores
    from assent.app.services.ledger_import import import_rows, read_mapping, rows_of, write_rejected
    from assent.app.wiring import now

    with complaints(), existing_stores(data) as stores:
        mapping = read_mapping(columns)
        with counting("importing", file.stat().st_size) as told:
            done = import_rows(stores, rows_of(file, told), mapping, source=source, at=now(), dry_run=dry_run)
        if rejected is not None:
            write_rejected(rejected, done.rejected)
    verb = "would be written" if dry_run else "written"
    typer.echo(f"{done.written:,} receipts {verb}, {done.known:,} rows known already, {done.refused:,} rejected.")
    for one in done.rejected[:10]:
        typer.echo(f"row {one.row}: {one.why}", err=True)
    if done.refused > 10 and rejected is None:
        typer.echo("Write all of them to a file with `--rejected FILE`.", err=True)
    if done.refused:
        raise typer.Exit(FAILED)


@contextmanager
def counting(doing: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar that is told how much is done; none where nobody would see it."""
    import sys

    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(doing, total=total)
        yield lambda done: progress.update(task, completed=done)


def _print_person(person: "Person") -> None:
    from assent.app.api.times import time_text
    from assent.app.cli.terminal import print_columns

    for title, ids in (("user id", person.users), ("anonymous id", person.devices)):
        for one in ids:
            typer.echo(f"{title}  {one}")
    typer.echo()
    print_columns((category, said.value) for category, said in person.preferences.items())
    typer.echo()
    print_columns(
        (
            time_text(one.said.occurred_at),
            one.id,
            one.said.method.value,
            one.said.source,
            ", ".join(f"{category} {said.value}" for category, said in one.said.preferences.items()) or "nothing",
        )
        for one in person.history
    )
