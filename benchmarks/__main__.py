"""`python -m benchmarks [NAME ...] [--write FILE]`: run the benchmarks and print, or write, their tables."""

import argparse
import sys
from pathlib import Path

from benchmarks import accept, backfill, console, decide, delivery, ledger, memory, rights, trial
from benchmarks.table import machine

ALL = {
    "decide": decide.run,
    "accept": accept.run,
    "delivery": delivery.run,
    "memory": memory.run,
    "trial": trial.run,
    "backfill": backfill.run,
    "rights": rights.run,
    "console": console.run,
    "ledger": ledger.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ALL)}; all when none is named")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write a Markdown page")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - ALL.keys():
        parser.error(f"there is no benchmark `{', '.join(unknown)}`: choose of {', '.join(ALL)}")
    page = ["# Benchmarks", "", f"Measured on {machine()}, with `make bench`.", ""]
    print(page[2], "", sep="\n")
    for name in arguments.names or ALL:
        print(f"running `{name}` ...", file=sys.stderr)
        section = ALL[name]()
        print(section, flush=True)
        page.append(section)
    if arguments.write:
        arguments.write.write_text("\n".join(page))


if __name__ == "__main__":
    main()
