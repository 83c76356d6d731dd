"""Global Privacy Control: one signal, which can only refuse."""

from typing import Any, Final

from assent.signals.reading import Answer, Reader, Reading

ID: Final = "gpc"
_ON: Final = frozenset({"1", "true"})
_OFF: Final = frozenset({"0", "false"})


def read_gpc(value: Any) -> Reading | None:
    """The signal as JSON has it: `true`, `1` or `"1"`. Where it is off it says nothing: it is no consent."""
    if isinstance(value, dict):
        value = value.get("globalPrivacyControl", value.get("gpc"))
    said = str(value).lower() if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)) else value
    if not isinstance(said, str) or said not in _ON | _OFF:
        return None
    is_on = said in _ON
    return Reading(tool="gpc", preferences={ID: Answer.DENIED} if is_on else {}, gpc=is_on, raw=value)


def is_on(values: list[str]) -> bool:
    """Whether the values of the request header `Sec-GPC` say so: only exactly `1` does, once is enough."""
    return "1" in values


READER: Final = Reader("gpc", (), lambda _: None, read_gpc)
