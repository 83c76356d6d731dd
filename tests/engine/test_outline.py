"""What people look for an event by."""

from typing import Any

import pytest

from assent.domain.record import Record
from assent.engine.outline import outline
from assent.testing import a_record


def of_body(body: bytes, event_type: str = "track") -> Record:
    return Record("web", 0, event_type, "m", b"{}", body)


@pytest.mark.parametrize(
    ("event_type", "fields", "title"),
    [
        ("track", {"event": "Ordered", "name": "not its name"}, "Ordered"),
        ("page", {"event": 7, "name": "Home"}, "Home"),
        ("screen", {"name": "Home"}, "Home"),
        ("page", {"event": "not its name"}, None),
        ("identify", {"event": "not its name", "name": "Ada"}, None),
        ("group", {"name": ["not text"], "groupId": "g"}, None),
    ],
)
def test_an_event_is_called_what_its_type_says(event_type: str, fields: dict[str, Any], title: str | None) -> None:
    assert outline(a_record("m", event_type=event_type, **fields)).title == title


def test_the_ids_are_those_of_the_subject() -> None:
    found = outline(a_record("m", userId=None, anonymousId="a-1"))
    assert (found.user_id, found.anonymous_id) == (None, "a-1")


def test_what_cannot_be_read_has_no_outline() -> None:
    deep = b'{"userId": 5, "x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    assert outline(of_body(deep)).title is None
    assert outline(of_body(b'{"event": "E", "userId": 5}')).user_id is None
    assert outline(of_body(b'{"event": "E", "userId": 5}')).title == "E"
