"""`assent decide`: events in, for each the decisions of every destination out."""

import os
import re
import sys
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from assent.app.cli.decision_lines import Answer, JsonAnswers
from assent.app.cli.progress import progress_bar
from assent.app.workspace_file import load
from assent.domain.errors import InvalidInput, InvalidWorkspace
from assent.engine.policy import Policy

LINE_BYTES: Final = 1024 * 1024
_CHUNK_BYTES: Final = 256 * 1024
_STANDARD_INPUT: Final = "-"
_BOM: Final = b"\xef\xbb\xbf"


def decide(
    workspace: Annotated[Path, typer.Option("--workspace", metavar="FILE", help="The workspace file.")],
    events: Annotated[
        str, typer.Argument(metavar="EVENTS.jsonl | -", help="Events, one JSON object a line; - is standard input.")
    ] = _STANDARD_INPUT,
    explain: Annotated[bool, typer.Option("--explain", help="Print tables for people instead of JSON.")] = False,
) -> None:
    """Decide for each event which destinations may have it, and say why. Sends nothing.

    Prints one JSON line an event. A line that is not JSON is reported on standard error; then the exit status is 1.
    """
    try:
        policy = Policy(load(workspace))
        with _opened(events) as stream:
            all_decided = _decide_all(stream, _tables(policy) if explain else JsonAnswers(policy))
    except BrokenPipeError:
        # The reader has seen enough (`| head`).
        _give_up_output()
        return
    except InvalidWorkspace as error:
        _fail(error.message)
    except OSError as error:
        _give_up_output()
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror))
    if not all_decided:
        raise typer.Exit(1)


def _opened(events: str) -> BufferedReader:
    if events == _STANDARD_INPUT:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    return open(events, "rb")


def _tables(policy: Policy) -> Answer:
    # Here, not above: who pipes JSON need not wait for Rich.
    from assent.app.cli.explain import ExplainingAnswers

    return ExplainingAnswers(policy)


def _give_up_output() -> None:
    """Without this, Python tries to write the rest as it ends, and complains."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(2)


def _decide_all(stream: BufferedReader, answer: Answer) -> bool:
    """Whether every line was decided; answers are written as lines come in, so that those of a slow stream are seen."""
    read, all_decided = 0, True
    with progress_bar(stream, "deciding") as bar:
        for lines in _batches(stream):
            answers, complaints = _answer_all(lines, read + 1, answer)
            with bar.out_of_the_way(sys.stdout.isatty() or bool(complaints)):
                sys.stdout.buffer.write(b"".join(answers))
                sys.stdout.buffer.flush()
                sys.stderr.writelines(complaints)
            bar.advance()
            read += len(lines)
            all_decided = all_decided and not complaints
    return all_decided


def _batches(stream: BufferedReader) -> Iterator[list[bytes]]:
    """The lines of a stream as they come in, many at once; one longer than `LINE_BYTES` is cut, but stays longer."""
    rest = b""
    while chunk := stream.read1(_CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[: LINE_BYTES + 1]
        yield lines
    yield [rest]


def _answer_all(lines: list[bytes], first: int, answer: Answer) -> tuple[list[bytes], list[str]]:
    answers, complaints = [], []
    for number, line in enumerate(lines, first):
        body = line.removeprefix(_BOM) if number == 1 else line
        if not body or body.isspace():
            continue
        try:
            answers.append(answer(_of_bearable_length(body)))
        except InvalidInput as error:
            complaints.append(f"line {number}: {_of_one_line(error.message)}\n")
    return answers, complaints


def _of_one_line(message: str) -> str:
    """A message about a body as one about a line, whose number is the file's."""
    return re.sub(r"line 1 (column \d+) \(char \d+\)", r"\1", message.removeprefix("the body "))


def _of_bearable_length(body: bytes) -> bytes:
    if len(body) > LINE_BYTES:
        raise InvalidInput(f"is longer than {LINE_BYTES} bytes; put each event on a line of its own")
    return body
