"""IAB Global Privacy Platform: its header, the sections of the United States, of Canada and of the European Union."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from assent.signals.bits import BadBits, Bits
from assent.signals.reading import Answer, Cookies, Reader, Reading, Vendors, answer, together
from assent.signals.tcf import PURPOSES, SPECIAL_FEATURES, read_tc_string
from assent.signals.text import object_of

_TCF_EU: Final = 2
_TCF_CA: Final = 5
_USP: Final = 6
_US_NATIONAL: Final = 7
_GPC_SEGMENT: Final = 1
_MOST_SECTIONS: Final = 27

Fields: TypeAlias = Mapping[str, int | list[int]]


class Section(msgspec.Struct, frozen=True):
    """How one American section is laid out.

    `fields` come after the version, two bits each, or as many times two bits as their number says. `after_dot` says
    what the second segment holds: the GPC signal, or sensitive data.
    """

    name: str
    fields: tuple[tuple[str, int], ...]
    after_dot: str = "gpc"


def _fields(words: str) -> tuple[tuple[str, int], ...]:
    """`a b*3` as a field of one value and one of three, which is a list even where it has one."""
    return tuple((name, int(count or 0)) for name, _, count in (one.partition("*") for one in words.split()))


_MSPA = "mspa_covered mspa_opt_out mspa_service_provider"
_STATE = "notice sale_notice targeted_advertising_notice sale targeted_advertising"
_LATER = "mspa_covered mspa_mode notice sale_notice targeted_advertising_notice sale targeted_advertising"

_NATIONAL_1 = _fields(
    "notice sale_notice sharing_notice targeted_advertising_notice sensitive_data_notice sensitive_data_limit_notice "
    f"sale sharing targeted_advertising sensitive_data*12 known_child*2 personal_data {_MSPA}"
)
_NATIONAL_2 = _fields(
    "notice sale_notice sharing_notice targeted_advertising_notice sensitive_data_notice sensitive_data_limit_notice "
    f"sale sharing targeted_advertising sensitive_data*16 known_child*3 personal_data {_MSPA}"
)


def _state(sensitive: int, children: str, more: str = "additional_data ") -> tuple[tuple[str, int], ...]:
    return _fields(f"{_STATE} sensitive_data*{sensitive} {children} {more}{_MSPA}")


SECTIONS: Final[Mapping[int, Section]] = {
    7: Section("usnat", _NATIONAL_2),
    8: Section(
        "usca",
        _fields(
            "sale_notice sharing_notice sensitive_data_limit_notice sale sharing sensitive_data*9 known_child*2 "
            f"personal_data {_MSPA}"
        ),
    ),
    9: Section("usva", _state(8, "known_child", "")),
    10: Section("usco", _state(7, "known_child", "")),
    11: Section(
        "usut",
        _fields(
            "notice sale_notice targeted_advertising_notice sensitive_data_notice sale targeted_advertising "
            f"sensitive_data*8 known_child {_MSPA}"
        ),
    ),
    12: Section("usct", _state(8, "known_child*3", "")),
    13: Section("usfl", _state(8, "known_child*3")),
    14: Section("usmt", _state(8, "known_child*3")),
    15: Section("usor", _state(11, "known_child*3")),
    16: Section("ustx", _state(8, "known_child")),
    17: Section("usde", _state(9, "known_child*5")),
    18: Section(
        "usia",
        _fields(
            "notice sale_notice targeted_advertising_notice sensitive_data_notice sale targeted_advertising "
            f"sensitive_data*8 known_child {_MSPA}"
        ),
    ),
    19: Section("usne", _state(8, "known_child")),
    20: Section("usnh", _state(8, "known_child*3")),
    21: Section("usnj", _state(10, "known_child*5")),
    22: Section("ustn", _state(8, "known_child")),
    23: Section("usmn", _state(8, "known_child")),
    24: Section("usmd", _fields(f"{_LATER} additional_data")),
    25: Section("usin", _fields(f"{_LATER} known_child additional_data"), "sensitive_data"),
    26: Section("usky", _fields(f"{_LATER} known_child additional_data"), "sensitive_data"),
    27: Section("usri", _fields(f"{_LATER} known_child additional_data"), "sensitive_data"),
}

_CHOICES: Final = ("sale", "sharing", "targeted_advertising", "sensitive_data", "known_child", "personal_data")
"""The fields that are a person's choices. In all of them 1 closes, whether it is written *opted out* (usca) or *no
consent* (usnat, where it is said of sensitive data); 2 opens; 0, not applicable, is no grant."""
_MEANINGS: Final = {1: Answer.DENIED, 2: Answer.GRANTED}


def section_ids(header: str) -> Sequence[int] | None:
    """The ids of the sections that follow a header; None for what is no header."""
    try:
        bits = Bits(header)
        if bits.number(6) != 3 or bits.number(6) != 1:
            return None
        return bits.fibonacci_range().numbers()
    except BadBits:
        return None


def decode_section(id_: int, text: str) -> Fields | None:
    """The fields of an American section, with `gpc` where its second segment is there; None where it cannot be read."""
    if id_ == _USP:
        return _usp(text)
    section = SECTIONS.get(id_)
    if section is None:
        return None
    core, *others = text.split(".")
    try:
        fields = _read_fields(id_, section, Bits(core))
        for segment in others:
            fields |= _second_segment(section, Bits(segment))
    except BadBits:
        return None
    return fields


def _read_fields(id_: int, section: Section, bits: Bits) -> dict[str, int | list[int]]:
    # Sensitive data and children have grown: an older string of the nation's section is shorter by ten bits.
    layout = _NATIONAL_1 if id_ == _US_NATIONAL and len(bits) < 70 else section.fields
    fields: dict[str, int | list[int]] = {"version": bits.number(6)}
    for name, count in layout:
        fields[name] = bits.numbers(count) if count else bits.number(2)
    return fields


def _second_segment(section: Section, bits: Bits) -> dict[str, int | list[int]]:
    if section.after_dot == "sensitive_data":
        return {"sensitive_data": bits.numbers(8)}
    return {"gpc": int(bits.flag())} if bits.number(2) == _GPC_SEGMENT else {}


def _usp(text: str) -> Fields | None:
    """The US Privacy string, such as `1YNN`: version, notice, sale opted out, covered by an agreement."""
    if len(text) != 4 or not text[0].isdigit() or any(one not in "YN-" for one in text[1:]):
        return None
    notice, sale, agreement = ({"Y": 1, "N": 2, "-": 0}[one] for one in text[1:])
    return {"version": int(text[0]), "notice": notice, "sale": sale, "mspa_covered": agreement}


# ------------------------------------------------------------------------------------ Canada


class CanadianString(msgspec.Struct, frozen=True):
    """The core of a Canadian section: what was granted expressly, and what by not objecting."""

    updated: int
    policy: int
    vendor_list: int
    special_features: set[int]
    express: set[int]
    implied: set[int]
    express_vendors: Vendors
    implied_vendors: Vendors


def decode_canadian(text: str) -> CanadianString | None:
    """The content of section 5. Its vendors were written in another way before 2025: both are tried."""
    for is_old in (False, True):
        try:
            return _canadian(Bits(text.partition(".")[0]), is_old=is_old)
        except BadBits:
            continue
    return None


def _canadian(bits: Bits, *, is_old: bool) -> CanadianString:
    vendors = bits.optimized_range if is_old else bits.optimized_fibonacci_range
    restricted = bits.fixed_range if is_old else bits.optimized_fibonacci_range
    if bits.number(6) != 1:
        raise BadBits("another version")
    bits.milliseconds()
    updated = bits.milliseconds()
    bits.take(12 + 12 + 6 + 12)
    vendor_list, policy = bits.number(12), bits.number(6)
    bits.flag()
    special, express, implied = bits.ticked(12), bits.ticked(24), bits.ticked(24)
    found = CanadianString(updated, policy, vendor_list, special, express, implied, vendors(), vendors())
    for _ in range(bits.number(12) if len(bits) >= 12 else 0):
        bits.take(8)
        restricted()
    if not bits.is_padding():
        raise BadBits("something is left")
    return found


def _read_canadian(text: str) -> Reading | None:
    found = decode_canadian(text)
    if found is None:
        return None
    granted = found.express | found.implied
    purposes = {str(one): answer(one in granted) for one in range(1, PURPOSES + 1)}
    features = {
        f"special feature {one}": answer(one in found.special_features) for one in range(1, SPECIAL_FEATURES + 1)
    }
    return Reading(
        tool="tcf",
        preferences=purposes | features,
        at=found.updated,
        vendors=Vendors(found.express_vendors.bits | found.implied_vendors.bits),
    )


# ------------------------------------------------------------------------------------ the whole string


def read_gpp_string(text: Any) -> Reading | None:
    """The answers of all sections together: `sale`, `sharing`, `targeted_advertising`, `sensitive_data_1`, ..., and
    the purposes of the TCF as its own reader has them. Of two sections that name the same, the worse answer counts.

    None for what is no GPP string, or has a section that is cut off or unknown here.
    """
    found = read_gpp_sections(text)
    return _joined(found, text) if found is not None else None


def read_gpp_sections(text: Any) -> list[Reading] | None:
    """Each section by itself: those of the TCF as of the tool `tcf`."""
    if not isinstance(text, str):
        return None
    header, *sections = text.split("~")
    ids = section_ids(header)
    if ids is None or len(ids) > _MOST_SECTIONS or len(ids) != len(sections):
        return None
    readings = [_read_section(id_, section) for id_, section in zip(ids, sections, strict=True)]
    found = [one for one in readings if one is not None]
    return found if len(found) == len(readings) else None


def _read_section(id_: int, text: str) -> Reading | None:
    if id_ == _TCF_EU:
        return read_tc_string(text)
    if id_ == _TCF_CA:
        return _read_canadian(text)
    fields = decode_section(id_, text)
    if fields is None:
        return None
    gpc = fields.get("gpc")
    preferences = dict(_choices(fields)) | ({"gpc": Answer.DENIED} if gpc else {})
    return Reading(tool="gpp", preferences=preferences, gpc=bool(gpc) if gpc is not None else None)


def _choices(fields: Fields) -> Iterator[tuple[str, Answer]]:
    for name in _CHOICES:
        value = fields.get(name)
        if isinstance(value, list):
            for number, one in enumerate(value, 1):
                yield f"{name}_{number}", _MEANINGS.get(one, Answer.UNKNOWN)
        elif value is not None:
            # The states that have one field for children write it without a number: it is the first of the others'.
            yield f"{name}_1" if name == "known_child" else name, _MEANINGS.get(value, Answer.UNKNOWN)


def _joined(readings: Sequence[Reading], text: str) -> Reading:
    ids = dict.fromkeys(id_ for one in readings for id_ in one.preferences)
    signals = [one.gpc for one in readings if one.gpc is not None]
    vendors = [one.vendors for one in readings if one.vendors is not None]
    return Reading(
        tool="gpp",
        preferences={id_: together(one.preferences[id_] for one in readings if id_ in one.preferences) for id_ in ids},
        at=max((one.at for one in readings if one.at is not None), default=None),
        version="1",
        vendors=_all_of(vendors) if vendors else None,
        gpc=any(signals) if signals else None,
        raw=text,
    )


def _all_of(vendors: Sequence[Vendors]) -> Vendors:
    """The vendors that every section with vendors grants."""
    bits = vendors[0].bits
    for one in vendors[1:]:
        bits &= one.bits
    return Vendors(bits)


def _read_object(value: Any) -> Reading | None:
    """What `__gpp("ping", ...)` gives, or the data of its events."""
    found = object_of(value)
    inner = object_of(found.get("pingData")) or found
    reading = read_gpp_string(inner.get("gppString"))
    return reading and msgspec.structs.replace(reading, raw=value)


def _read_cookies(cookies: Cookies) -> Reading | None:
    return next((one for name in READER.cookies if (one := read_gpp_string(cookies.get(name)))), None)


READER: Final = Reader("gpp", ("IABGPP_HDR_GppString", "OTGPPConsent"), _read_cookies, _read_object)
