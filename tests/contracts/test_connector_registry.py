"""The registry: every mistake in a destination's settings is named, and no value is ever repeated."""

import subprocess
import sys
from typing import Any

import pytest
from rich.pretty import pretty_repr

from assent.destinations.registry import CONNECTORS, connector_class, read_settings, secret_paths
from assent.destinations.webhook import WebhookSettings
from assent.domain.errors import InvalidWorkspace

URL = "https://hooks.example.com/events"


def mistake(name: str, settings: dict[str, Any], environment: dict[str, str] | None = None) -> InvalidWorkspace:
    with pytest.raises(InvalidWorkspace) as raised:
        read_settings(name, settings, environment or {})
    return raised.value


def webhook_settings(settings: dict[str, Any], environment: dict[str, str] | None = None) -> WebhookSettings:
    read = read_settings("webhook", settings, environment or {})
    assert isinstance(read, WebhookSettings)
    return read


def test_an_unknown_connector_is_named_with_those_there_are() -> None:
    with pytest.raises(InvalidWorkspace) as raised:
        connector_class("carrier-pigeon")
    assert str(raised.value) == (
        "`carrier-pigeon` is no connector: use one of `blackhole`, `file`, `segment`, `webhook`"
    )
    assert raised.value.field == "connector"


def test_connectors_are_imported_only_when_asked_for() -> None:
    code = "import sys, assent.destinations.registry; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("name", CONNECTORS)
def test_secrets_are_found_by_their_type(name: str) -> None:
    expected = {"webhook": {"secret", "headers"}, "segment": {"write_key"}}
    assert secret_paths(name) == expected.get(name, set())


# --- the environment


def test_a_value_that_is_a_variable_is_the_environments() -> None:
    settings = {"url": "$HOOK_URL", "secret": "$S3", "headers": {"X-Key": "$KEY", "X-Plain": "as it is"}}
    read = webhook_settings(settings, {"HOOK_URL": URL, "S3": "s", "KEY": "k", "UNUSED": "u"})
    assert (read.url, read.secret, read.headers) == (URL, "s", {"X-Key": "k", "X-Plain": "as it is"})
    assert settings["url"] == "$HOOK_URL"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("$$HOME", "$HOME"),
        ("$$", "$"),
        ("$$$", "$$"),
        ("costs $HOME", "costs $HOME"),
        ("$HOME/x", "$HOME/x"),
        ("${HOME}", "${HOME}"),
        ("$5", "$5"),
        ("$", "$"),
        ("$HOME\n", "$HOME\n"),
    ],
)
def test_only_a_value_that_is_wholly_a_variable_is_replaced(written: str, read: str) -> None:
    assert webhook_settings({"url": URL, "secret": written}, {"HOME": "/home/me"}).secret == read


def test_what_the_environment_holds_is_not_read_as_a_variable() -> None:
    assert webhook_settings({"url": URL, "secret": "$A"}, {"A": "$B", "B": "b"}).secret == "$B"


def test_a_missing_variable_is_named_with_the_setting_that_takes_it() -> None:
    error = mistake("webhook", {"url": URL, "headers": {"X-Key": "$NOT_THERE"}})
    assert str(error).startswith("the environment has no `NOT_THERE`, which `settings.headers.X-Key` takes: ")
    assert error.field == "settings.headers.X-Key"


def test_lists_are_looked_into() -> None:
    assert mistake("webhook", {"url": URL, "headers": ["as it is", "$NOT_THERE"]}).field == "settings.headers[1]"


# --- mistakes


def test_an_unknown_setting_is_named_with_those_there_are() -> None:
    error = mistake("webhook", {"url": URL, "sekret": "hidden-value"})
    assert str(error) == (
        "`sekret` is no setting of `webhook`: use `url`, `secret`, `headers`, `batch_size`, `concurrency`, `timeout`"
    )
    assert error.field == "settings.sekret"


def test_a_missing_setting_is_named() -> None:
    error = mistake("segment", {})
    assert str(error) == "`segment` needs the setting `write_key`"
    assert error.field == "settings.write_key"


@pytest.mark.parametrize(
    ("settings", "field", "said"),
    [
        ({"url": "ftp://hidden"}, "settings.url", "not in the form it needs"),
        ({"url": "https://user:hidden@example.com"}, "settings.url", "not in the form it needs"),
        ({"url": "https://example.com/ hidden"}, "settings.url", "not in the form it needs"),
        ({"url": "https://example.com/hidden\n"}, "settings.url", "not in the form it needs"),
        ({"url": 1}, "settings.url", "expected `str`, got `int`"),
        ({"url": URL, "batch_size": "hidden"}, "settings.batch_size", "expected `int`, got `str`"),
        ({"url": URL, "batch_size": 0}, "settings.batch_size", "expected `int` >= 1"),
        ({"url": URL, "batch_size": 1001}, "settings.batch_size", "expected `int` <= 1000"),
        ({"url": URL, "timeout": 0}, "settings.timeout", "expected `float` > 0.0"),
        ({"url": URL, "secret": ""}, "settings.secret", "not in the form it needs"),
        ({"url": URL, "secret": "whsec_hidden!"}, "settings.secret", "not in the form it needs"),
        ({"url": URL, "secret": "whsec_"}, "settings.secret", "not in the form it needs"),
        ({"url": URL, "secret": ["hidden"]}, "settings.secret", "expected `str | null`, got `array`"),
        ({"url": URL, "headers": {"X-A": "hidden\r\nX-B: 1"}}, "settings.headers", "not in the form it needs"),
        ({"url": URL, "headers": {"X-A": "hidden\n"}}, "settings.headers", "not in the form it needs"),
        ({"url": URL, "headers": {"X A": "hidden"}}, "settings.headers", "not in the form it needs"),
        ({"url": URL, "headers": {"CONTENT-length": "1"}}, "settings.headers", "not in the form it needs"),
    ],
)
def test_a_wrong_value_is_not_repeated_but_its_setting_explained(
    settings: dict[str, Any], field: str, said: str
) -> None:
    error = mistake("webhook", settings)
    assert error.field == field
    assert str(error).startswith(f"`{field}`: {said}. ")
    assert "hidden" not in str(error)


def test_a_wrong_value_of_the_environment_is_not_repeated() -> None:
    error = mistake("webhook", {"url": "$HOOK", "secret": "$S"}, {"HOOK": "not-a-url-hidden", "S": "hidden"})
    assert error.field == "settings.url"
    assert "hidden" not in str(error)


@pytest.mark.parametrize("write_key", ["", "with:colon", "with space", "line\n"])
def test_a_write_key_that_cannot_travel_is_refused(write_key: str) -> None:
    assert mistake("segment", {"write_key": write_key}).field == "settings.write_key"


# --- secrets


def test_no_secret_is_in_any_text_of_the_settings() -> None:
    read = webhook_settings({"url": URL, "secret": "hidden", "headers": {"X-Key": "hidden"}})
    for text in (repr(read), str(read), f"{read}", pretty_repr(read)):
        assert "hidden" not in text
        assert URL in text
    assert repr(read) == (
        f"WebhookSettings(url='{URL}', secret='(secret)', headers='(secret)', batch_size=1, concurrency=8, timeout=10)"
    )


def test_the_settings_say_where_no_secret_is_set() -> None:
    assert "secret=None, headers={}" in repr(webhook_settings({"url": URL}))
