"""The workspace file: reading it, saying by file, line and key what is wrong with it, and writing it."""

import os
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import yaml

from assent.app.connectors import connector_mistakes, integration_of
from assent.app.yaml_document import JSON_NUMBER, YamlDocument
from assent.domain import workspace as nouns
from assent.domain.errors import InvalidWorkspace
from assent.engine.check import find_mistakes
from assent.engine.shape import Mistake

_DESTINATION_KEYS: Final = (
    "id",
    "name",
    "connector",
    "integration",
    "settings",
    "enabled",
    "held",
    "receives_consent_updates",
)


class Workspace(nouns.Workspace, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything one company configures here, and the way to load it from a file.

    This is `domain.workspace.Workspace` as the library shows it. That noun does no I/O, so the one method that does is
    added here, on the outside, and everything inside keeps to the noun.
    """

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The workspace in a YAML or JSON file; `$NAME` in its settings stays as written.

        Raises InvalidWorkspace, which lists every mistake, or OSError when the file cannot be read.
        """
        loaded = load(path)
        return cls(**{name: getattr(loaded, name) for name in loaded.__struct_fields__})


def load(path: str | os.PathLike[str]) -> nouns.Workspace:
    """The workspace in a file; raises InvalidWorkspace, or OSError when the file cannot be read."""
    name = os.fspath(path)
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidWorkspace(f"{name}: is not UTF-8: {error.reason} at byte {error.start}") from None
    return read_workspace(text, name)


def read_workspace(text: str, name: str) -> nouns.Workspace:
    """The workspace in a YAML text; `name` is what messages call the file.

    Raises InvalidWorkspace, whose message has a line for each mistake: file, line, key, and what is allowed.
    """
    document = YamlDocument(text)
    refused = {one.path for _, one in document.mistakes}
    others = [one for one in mistakes_in(document.value) if one.path not in refused]
    if found := [*document.mistakes, *((document.line(one.path), one) for one in others)]:
        found.sort(key=lambda each: each[0])
        raise InvalidWorkspace("\n".join(f"{name}:{line}: {one}" for line, one in found), field=found[0][1].field)
    return _convert(document.value)


def workspace_of(document: Any) -> nouns.Workspace:
    """The workspace in parsed JSON; raises InvalidWorkspace, whose message has a line for each mistake."""
    if found := mistakes_in(document):
        raise InvalidWorkspace("\n".join(map(str, found)), field=found[0].field)
    return _convert(document)


def mistakes_in(document: Any) -> list[Mistake]:
    """Everything wrong with a workspace as parsed JSON."""
    return [*find_mistakes(document), *connector_mistakes(document)]


def dump(workspace: nouns.Workspace) -> str:
    """The text of a workspace file that loads back to an equal workspace; what is as by default is left out."""
    document = msgspec.to_builtins(workspace)
    document["consent"] = {name: value for name, value in document.get("consent", {}).items() if value}
    document["destinations"] = [_tidy(destination) for destination in document.get("destinations", ())]
    written = {name: value for name, value in document.items() if value}
    return yaml.dump(written, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=120)


def _convert(document: Any) -> nouns.Workspace:
    """A document without mistakes as a workspace, each destination with the integration of its connector."""
    workspace = msgspec.convert(document, nouns.Workspace)
    destinations = tuple(
        msgspec.structs.replace(one, integration=one.integration or integration_of(one.connector))
        for one in workspace.destinations
    )
    return msgspec.structs.replace(workspace, destinations=destinations)


def _tidy(destination: dict[str, Any]) -> dict[str, Any]:
    """The keys of a destination in the order in which people look for them, without an integration that goes unsaid."""
    if destination.get("integration") == integration_of(destination.get("connector", "")):
        del destination["integration"]
    return {key: destination[key] for key in _DESTINATION_KEYS if key in destination}


class _Writer(yaml.SafeDumper):
    """Writes a list of texts on one line, no anchors, and in quotes every text that could be read as something else."""

    def ignore_aliases(self, _: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=indentless and flow)


def _represent_list(writer: _Writer, items: list[Any] | tuple[Any, ...]) -> yaml.Node:
    in_one_line = all(isinstance(item, str) for item in items)
    return writer.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=in_one_line)


def _represent_text(writer: _Writer, text: str) -> yaml.Node:
    # In other styles PyYAML folds U+0085 and its like, which it reads back as a blank.
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Writer.add_representer(str, _represent_text)
_Writer.add_representer(list, _represent_list)
_Writer.add_representer(tuple, _represent_list)
_Writer.add_implicit_resolver("tag:yaml.org,2002:float", JSON_NUMBER, list("-0123456789"))
