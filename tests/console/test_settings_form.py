"""The form of a connector's settings: every kind of setting has its field, and no secret is ever in it."""

from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from multidict import MultiDict

from assent.app.console.forms import Form
from assent.app.console.settings_form import filled_in, read_settings_form, settings_of, typed_again
from assent.destinations.connector import Secret, Settings
from assent.destinations.registry import CONNECTORS, connector_class
from assent.domain.errors import InvalidInput


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Everything(Settings, frozen=True):
    """A setting of every kind."""

    text: Annotated[str, msgspec.Meta(title="A text", description="Said `so`.", examples=["for example"])]
    whole: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 7
    number: Annotated[float, msgspec.Meta(gt=0)] = 2.5
    switch: bool = False
    maybe: bool | None = None
    choice: Literal["a", "b"] = "a"
    colour: Colour = Colour.RED
    lines: tuple[str, ...] = ()
    secret: Annotated[Secret | None, msgspec.Meta(title="Secret")] = None
    headers: Annotated[dict[str, Secret], msgspec.Meta(title="Headers")] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)


SETTINGS = settings_of(Everything)


def form(*fields: tuple[str, str]) -> Form:
    return Form(MultiDict([(f"settings.{name}", value) for name, value in fields]))


def read(*fields: tuple[str, str], saved: dict[str, Any] | None = None) -> dict[str, Any]:
    return read_settings_form(SETTINGS, form(*fields), saved or {})


def test_each_setting_has_its_kind_and_its_words() -> None:
    assert {one.name: one.kind for one in SETTINGS} == {
        "text": "text",
        "whole": "whole",
        "number": "number",
        "switch": "switch",
        "maybe": "choice",
        "choice": "choice",
        "colour": "choice",
        "lines": "lines",
        "secret": "text",
        "headers": "rows",
        "tags": "rows",
    }
    by_name = {one.name: one for one in SETTINGS}
    text, whole, number = by_name["text"], by_name["whole"], by_name["number"]
    assert (text.title, text.description, text.example, text.is_required) == (
        "A text",
        "Said `so`.",
        "for example",
        True,
    )
    assert (whole.title, whole.standard, whole.bounds) == ("Whole", "7", "At least 1, at most 1,000")
    assert number.bounds == "More than 0"
    assert {one.name for one in SETTINGS if one.is_secret} == {"secret", "headers"}


def test_what_is_typed_becomes_settings_that_the_type_takes() -> None:
    settings = read(
        ("text", " t "),
        ("whole", "12"),
        ("number", "0.5"),
        ("switch", "on"),
        ("maybe", "no"),
        ("choice", "b"),
        ("colour", "blue"),
        ("lines", "one\n\n two "),
        ("secret", " s "),
        ("headers.name", "X-A"),
        ("headers.value", "v"),
        ("headers.name", ""),
        ("headers.value", ""),
        ("tags.name", "k"),
        ("tags.value", ""),
    )
    assert settings == {
        "text": "t",
        "whole": 12,
        "number": 0.5,
        "switch": True,
        "maybe": False,
        "choice": "b",
        "colour": "blue",
        "lines": ["one", "two"],
        "secret": " s ",
        "headers": {"X-A": "v"},
        "tags": {"k": ""},
    }
    assert msgspec.convert(settings, Everything).colour is Colour.BLUE


def test_what_is_left_empty_is_left_out() -> None:
    assert read(("text", ""), ("whole", ""), ("choice", ""), ("secret", "")) == {}


@pytest.mark.parametrize(
    ("name", "text"), [("whole", "ten"), ("whole", "1.5"), ("number", "1e9"), ("whole", "$NAME"), ("number", "nan")]
)
def test_what_is_no_number_is_said_of_its_field(name: str, text: str) -> None:
    with pytest.raises(InvalidInput, match="is no") as raised:
        read((name, text))
    assert raised.value.field == f"settings.{name}"


def test_a_value_without_a_name_is_not_lost_silently() -> None:
    with pytest.raises(InvalidInput, match="without a name"):
        read(("headers.name", ""), ("headers.value", "v"))


SAVED = {
    "text": "t",
    "secret": "$stored:abc",
    "headers": {"X-A": "$stored:def", "X-B": "$FROM_ENVIRONMENT"},
    "switch": True,
    "number": 3.0,
}


def test_secrets_left_empty_stay_and_one_can_be_removed() -> None:
    rows = [("headers.name", "X-A"), ("headers.value", ""), ("headers.name", "X-B"), ("headers.value", "new")]
    kept = read(("text", "t"), ("secret", ""), *rows, saved=SAVED)
    assert kept["secret"] == "$stored:abc"
    assert kept["headers"] == {"X-A": "$stored:def", "X-B": "new"}
    assert "secret" not in read(("secret", ""), ("secret.clear", "on"), saved=SAVED)
    assert "headers" not in read(("headers.name", ""), ("headers.value", ""), saved=SAVED)
    assert read(("text", "t"), saved=SAVED)["switch"] is False


def test_no_field_holds_a_secret() -> None:
    shown = filled_in(SETTINGS, SAVED)
    by_name = {one.setting.name: one for one in shown}
    assert (by_name["secret"].value, by_name["secret"].saved) == ("", "saved")
    assert [(one.name, one.value, one.saved) for one in by_name["headers"].rows] == [
        ("X-A", "", "saved"),
        ("X-B", "", "$FROM_ENVIRONMENT"),
    ]
    assert (by_name["text"].value, by_name["number"].value, by_name["switch"].is_on) == ("t", "3", True)
    again = typed_again(
        SETTINGS,
        form(("text", "typed"), ("secret", "typed-secret"), ("headers.name", "X-C"), ("headers.value", "typed-secret")),
        SAVED,
    )
    assert "typed-secret" not in str(again)
    assert "$stored" not in str(again) + str(shown)
    assert {one.setting.name: one for one in again}["text"].value == "typed"


@pytest.mark.parametrize("name", CONNECTORS)
def test_every_connector_has_a_form_with_words_for_each_setting(name: str) -> None:
    for one in settings_of(connector_class(name).settings_type):
        assert one.title
        assert one.description
