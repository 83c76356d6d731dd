"""A YAML text as a JSON document that knows the line of each of its parts."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from assent.engine.shape import Mistake, Path

_BOOLEAN: Final = "tag:yaml.org,2002:bool"
_NULL: Final = "tag:yaml.org,2002:null"
_NUMBER: Final = "tag:yaml.org,2002:float"
_MERGE: Final = "tag:yaml.org,2002:merge"
_TEXT: Final = "tag:yaml.org,2002:str"
_COLLECTIONS: Final = ("tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")

JSON_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$")
_MOST_VALUES: Final = 100_000
_READ_IN_TWO_WAYS: Final = ("yes", "no", "on", "off")
_TWO_WAYS: Final = "an unquoted yes, no, on or off can be read in two ways; write true or false, or write it in quotes"

_QUOTED: Final = re.compile(r"'(?!<|\\.')[^']{2,}'")
_ADVICE: Final = {
    r"'\t'": "indent with spaces",
    "alias": "put a text that begins with `*` in quotes",
    "tag": "put a text that begins with `!` in quotes",
    "cannot start": "put the text in quotes",
    "mapping values": "put a text that contains `: ` in quotes, and indent keys alike",
}


class _Loader(yaml.SafeLoader):
    """Knows the scalars of JSON alone, so that `012`, `1_000`, `12:30` and `2024-01-31` are the text they look like."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(_BOOLEAN, re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(_NULL, re.compile(r"^(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(_NUMBER, JSON_NUMBER, list("-0123456789"))
_Loader.add_implicit_resolver(_MERGE, re.compile(r"^<<$"), ["<"])


class _TooManyValues(Exception):
    """Aliases of aliases make billions of values of a few lines."""


class YamlDocument:
    """One YAML text read: its `value` as JSON would have it, and the `mistakes` that only YAML can make.

    Anchors, aliases and `<<` merges are resolved. Each mistake comes with its line; no message repeats a value, which
    may be a secret.
    """

    def __init__(self, text: str) -> None:
        self.mistakes: list[tuple[int, Mistake]] = []
        self._lines: dict[Path, int] = {(): 1}
        self._values = 0
        self.value: Any = None
        try:
            root = yaml.compose(_with_spaces(text), Loader=_Loader)
            self.value = None if root is None else self._read(root, ())
        except yaml.YAMLError as error:
            self._report_syntax(error, text)
        except _TooManyValues:
            self._refuse(1, (), f"holds too many values, over {_MOST_VALUES}, each alias counted as what it stands for")
        except RecursionError:
            self._refuse(1, (), "is nested too deeply, or an anchor contains itself")

    def line(self, path: Path) -> int:
        """The line, counted from 1, of what is at `path`, or of the nearest thing around it."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _refuse(self, line: int, path: Path, message: str) -> None:
        self.mistakes.append((line, Mistake(path, message)))

    def _report_syntax(self, error: yaml.YAMLError, text: str) -> None:
        line = 1
        if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
            line = error.problem_mark.line + 1
        elif isinstance(error, yaml.reader.ReaderError):
            line = text.count("\n", 0, error.position) + 1
        self._refuse(line, (), f"is no YAML: {_without_values(error)}")

    def _read(self, node: yaml.Node, path: Path) -> Any:
        self._count()
        self._lines.setdefault(path, _line(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag not in _COLLECTIONS:
            self._refuse_tag(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._read(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._mapping(node, path)

    def _count(self) -> None:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise _TooManyValues

    def _mapping(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        self._refuse_repeated(node, path)
        values: dict[str, yaml.Node] = {}
        for key, value in self._entries(node, path):
            name = _with_whole_characters(key.value)
            if name not in values:
                values[name] = value
                self._lines[(*path, name)] = _line(key)
        return {name: self._read(value, (*path, name)) for name, value in values.items()}

    def _entries(self, node: yaml.Node, path: Path) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """The entries of a mapping, its own before those that it merges: the first of equal keys wins."""
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if key.tag == _MERGE:
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif isinstance(key, yaml.ScalarNode):
                yield key, value
            else:
                self._refuse(_line(key), path, "a key must be text")
        for one in merged:
            self._count()
            if isinstance(one, yaml.MappingNode):
                yield from self._entries(one, path)
            else:
                self._refuse(_line(one), path, "`<<` merges mappings only; name the anchor of a mapping")

    def _refuse_repeated(self, node: yaml.Node, path: Path) -> None:
        first: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in first:
                self._refuse(_line(key), (*path, key.value), f"is given twice, first on line {first[key.value]}")
            first.setdefault(key.value, _line(key))

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text = _with_whole_characters(node.value)
        if node.tag == _TEXT:
            if node.style is None and text.lower() in _READ_IN_TWO_WAYS:
                self._refuse(_line(node), path, _TWO_WAYS)
            return text
        if node.tag == _NULL:
            return None
        if node.tag == _BOOLEAN and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if node.tag == _NUMBER and JSON_NUMBER.fullmatch(text):
            return _number(text)
        self._refuse_tag(node, path)
        return text

    def _refuse_tag(self, node: yaml.Node, path: Path) -> None:
        self._refuse(_line(node), path, "has a YAML tag; put a text that begins with `!` in quotes")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _with_spaces(text: str) -> str:
    """JSON may be indented with tabs, which PyYAML refuses."""
    return re.sub(r"^[ \t]+", " ", text, flags=re.MULTILINE) if text.lstrip().startswith("{") else text


def _with_whole_characters(text: str) -> str:
    r"""JSON writes a character beyond U+FFFF as two escapes (`\ud83d\ude00`), which PyYAML leaves as two halves."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _number(text: str) -> int | float | str:
    """A number that is too large to be one is text."""
    try:
        number: int | float = json.loads(text)
    except ValueError:
        return text
    return text if number in (math.inf, -math.inf) else number


def _without_values(error: yaml.YAMLError) -> str:
    """What PyYAML says, without the names that it quotes: `*name` and `!name` can be the start of a secret."""
    if isinstance(error, yaml.reader.ReaderError):
        return f"the character U+{int(error.character):04X} is not allowed"
    problem: str = getattr(error, "problem", None) or "it cannot be read"
    advice = next((f"; {advice}" for sign, advice in _ADVICE.items() if sign in problem), "")
    return _QUOTED.sub("…", problem) + advice
