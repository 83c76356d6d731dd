"""Decoding JSON that strangers send."""

import json
from typing import Any

import msgspec
import pytest
from decision_strategies import any_json, json_texts, read_plainly
from hypothesis import example, given
from hypothesis import strategies as st

from assent.domain.errors import InvalidInput
from assent.engine.json import check_utf8, decode_leniently, mend_surrogates


@given(json_texts(any_json))
def test_reads_what_python_reads_but_for_halves_of_surrogate_pairs(text: str) -> None:
    assert decode_leniently(text.encode()) == mended(read_plainly(text))


def mended(value: Any) -> Any:
    if isinstance(value, str):
        return "".join("\ufffd" if 0xD800 <= ord(one) < 0xE000 else one for one in value)
    if isinstance(value, list):
        return [mended(one) for one in value]
    if isinstance(value, dict):
        return {mended(name): mended(one) for name, one in value.items()}
    return value


@given(json_texts(any_json))
def test_what_was_read_can_be_written_again(text: str) -> None:
    assert msgspec.json.encode(decode_leniently(text.encode()))


@given(st.text(alphabet='\\ud8DcCu0"fa', max_size=30))
@example(r"\ud83d\ude00")
@example(r"\ud83d\\ude00")
@example(r"\\\ud800\udc00\udc00")
def test_mending_changes_halves_of_pairs_only(inner: str) -> None:
    text = f'"{inner}"'
    try:
        plain = json.loads(text)
    except ValueError:
        return
    once = mend_surrogates(text.encode())
    assert json.loads(once) == mended(plain)
    assert mend_surrogates(once) == once
    assert (once == text.encode()) == (mended(plain) == plain)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"{}}", b"nul", b"NaN", b"[Infinity]", b"-Infinity", b"'a'", b"01", b"1.", b"{a: 1}", b"{} {}"),
        *(
            b'"\n"',
            b'"\\x"',
            b'"\\ud8"',
            b"\xef\xbb\xbf{}",
            '{"a": 1}'.encode("utf-16"),
            '{"a": 1}'.encode("utf-32-le"),
        ),
    ],
)
def test_refuses_what_is_not_json(body: bytes) -> None:
    with pytest.raises(InvalidInput, match="the body is not JSON"):
        decode_leniently(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_refuses_what_is_too_deep(opening: bytes) -> None:
    with pytest.raises(InvalidInput, match="nested too deeply"):
        decode_leniently(opening * 100_000)


def test_the_last_of_equal_keys_wins() -> None:
    assert decode_leniently(b'{"a": 1, "b": 2, "\\u0061": 3}') == {"a": 3, "b": 2}


def test_a_number_out_of_range_is_written_as_null() -> None:
    assert msgspec.json.encode(decode_leniently(b"[1e999, -1e999, %b]" % (b"9" * 5000))) == b"[null,null,null]"


@given(st.binary(max_size=20))
@example(b"\xed\xa0\x80")
@example(b"\xc0\x80")
def test_utf8_is_checked_as_python_decodes_it(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        with pytest.raises(InvalidInput, match=f"at byte {error.start}"):
            check_utf8(body)
    else:
        check_utf8(body)
