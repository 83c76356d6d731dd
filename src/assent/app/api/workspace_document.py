"""Reading the workspace document in the body of a request: JSON or YAML, and all that is wrong with it."""

from collections.abc import Iterator

import msgspec

from assent.app.api.errors import WorkspaceMistakes
from assent.app.workspace_file import mistakes_in, workspace_of
from assent.app.yaml_document import YamlDocument
from assent.domain.errors import InvalidInput
from assent.domain.workspace import Workspace
from assent.engine.json import JSON_ERRORS
from assent.engine.shape import Mistake


def read_document(body: bytes, media_type: str) -> Workspace:
    """The workspace in `body`: JSON where the media type says so, else YAML, of which JSON is a part.

    Raises WorkspaceMistakes, with everything that is wrong; InvalidInput for what cannot be read at all.
    """
    if media_type.endswith("json"):
        document = _json(body)
        found = mistakes_in(document)
    else:
        yaml = YamlDocument(_text(body))
        document = yaml.value
        found = list(_yaml_mistakes(yaml))
    if found:
        raise WorkspaceMistakes(found)
    return workspace_of(document)


def _json(body: bytes) -> object:
    try:
        document: object = msgspec.json.decode(body)
    except JSON_ERRORS as error:
        raise InvalidInput(f"the body is not JSON: {error}; send YAML as `application/yaml`") from None
    return document


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None


def _yaml_mistakes(document: YamlDocument) -> Iterator[Mistake]:
    """All mistakes, each with its line in the message, in the order of the lines."""
    refused = {one.path for _, one in document.mistakes}
    others = [one for one in mistakes_in(document.value) if one.path not in refused]
    located = [*document.mistakes, *((document.line(one.path), one) for one in others)]
    for line, one in sorted(located, key=lambda each: each[0]):
        yield Mistake(one.path, f"{one.message} (line {line})")
