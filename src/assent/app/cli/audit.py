"""`assent audit`: whether everything that came in is accounted for at every destination."""

from typing import TYPE_CHECKING

import typer

from assent.app.cli.options import DataOption

if TYPE_CHECKING:
    from rich.table import Table

    from assent.engine.audit import Audit


def audit(data: DataOption) -> None:
    """Check that the accounts balance, and say which do not; then the exit status is 1.

    Received = accepted + discarded, and for each destination accepted = delivered + withheld + retrying + failed + held
    + not yet read. A server may be running.
    """
    from assent.app.cli.complaints import FAILED, complaints
    from assent.app.cli.data_directory import DataDirectory

    with complaints():
        found = DataDirectory(data).audit()
        print_audit(found)
    if found.problems:
        raise typer.Exit(FAILED)


def print_audit(found: "Audit") -> None:
    """Print a table of all accounts, and below it that they balance or what does not."""
    from assent.app.cli.terminal import plain_console

    console = plain_console()
    log = found.log
    received = f"{log.accepted + log.discarded:,} received = {log.accepted:,} accepted + {log.discarded:,} discarded"
    console.print(received)
    ledger = found.ledger
    unread = max(log.head - ledger.position, 0)
    console.print(f"consent ledger: {ledger.receipts:,} on record, {unread:,} events still to read\n")
    console.print(_table(found))
    console.print()
    for problem in found.problems:
        console.print(problem, style="red")
    if not found.problems:
        console.print("The accounts balance.", style="green")


def _table(found: "Audit") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Destination")
    for heading in ("Accepted", "Delivered", "Withheld", "Retrying", "Failed", "Held", "Unread", "Off by"):
        table.add_column(heading, justify="right")
    for one in found.balances:
        figures = (one.accepted, one.delivered, one.withheld, one.retrying, one.failed, one.held, one.unread)
        difference = Text(f"{one.difference:,}", style="red" if one.difference else "")
        table.add_row(Text(one.destination), *(f"{figure:,}" for figure in figures), difference)
    return table
