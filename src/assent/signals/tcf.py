"""IAB Transparency and Consent Framework 2.2 and 2.3: the TC string, and what `__tcfapi` gives in the browser."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from assent.signals.bits import BadBits, Bits
from assent.signals.reading import MOST_IDS, Answer, Cookies, Reader, Reading, Vendors, answer, by_id
from assent.signals.text import object_of, word

COOKIE: Final = "euconsent-v2"
PURPOSES: Final = 11
SPECIAL_FEATURES: Final = 2
_DISCLOSED: Final = 1
_ALLOWED: Final = 2
_PUBLISHER: Final = 3


class Restriction(msgspec.Struct, frozen=True):
    """What a publisher allows some vendors to do for a purpose: 0 nothing, 1 with consent, 2 by legitimate interest."""

    purpose: int
    kind: int
    vendors: Vendors


class TcString(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded TC string. Times are UTC epoch milliseconds. `disclosed` is None where the segment is not there."""

    created: int
    updated: int
    cmp_id: int
    cmp_version: int
    screen: int
    language: str
    vendor_list: int
    policy: int
    is_service_specific: bool
    has_custom_texts: bool
    special_features: set[int]
    purposes: set[int]
    legitimate_interests: set[int]
    purpose_one_treatment: bool
    country: str
    vendors: Vendors
    vendor_interests: Vendors
    restrictions: tuple[Restriction, ...]
    disclosed: Vendors | None = None


def decode_tc_string(text: str) -> TcString | None:
    """The content of a TC string; None for anything that is none, or is cut off."""
    core, *others = text.split(".")
    try:
        decoded = _core(Bits(core))
        disclosed = None
        for segment in others:
            bits = Bits(segment)
            kind = bits.number(3)
            if kind == _DISCLOSED:
                disclosed = bits.optimized_range()
            elif kind not in (_ALLOWED, _PUBLISHER):
                return None
    except BadBits:
        return None
    return decoded and msgspec.structs.replace(decoded, disclosed=disclosed)


def _core(bits: Bits) -> TcString | None:
    if bits.number(6) != 2:
        return None
    return TcString(
        created=bits.milliseconds(),
        updated=bits.milliseconds(),
        cmp_id=bits.number(12),
        cmp_version=bits.number(12),
        screen=bits.number(6),
        language=bits.letters(2),
        vendor_list=bits.number(12),
        policy=bits.number(6),
        is_service_specific=bits.flag(),
        has_custom_texts=bits.flag(),
        special_features=bits.ticked(12),
        purposes=bits.ticked(24),
        legitimate_interests=bits.ticked(24),
        purpose_one_treatment=bits.flag(),
        country=bits.letters(2),
        vendors=bits.optimized_range(),
        vendor_interests=bits.optimized_range(),
        restrictions=tuple(
            Restriction(bits.number(6), bits.number(2), bits.fixed_range()) for _ in range(bits.number(12))
        ),
    )


def read_tc_string(text: Any) -> Reading | None:
    """The answers of a TC string: purposes as `1` to `11`, then `special feature 1`, `legitimate interest 2`."""
    decoded = decode_tc_string(text) if isinstance(text, str) else None
    if decoded is None:
        return None
    return Reading(
        tool="tcf",
        preferences=dict(_answers(decoded)),
        at=decoded.updated,
        version=f"policy {decoded.policy}, vendor list {decoded.vendor_list}",
        vendors=decoded.vendors,
        raw=text,
    )


def _answers(decoded: TcString) -> Iterator[tuple[str, Answer]]:
    for number in range(1, PURPOSES + 1):
        yield str(number), answer(number in decoded.purposes)
    for number in range(1, SPECIAL_FEATURES + 1):
        yield f"special feature {number}", answer(number in decoded.special_features)
    for number in range(2, PURPOSES + 1):
        yield f"legitimate interest {number}", answer(number in decoded.legitimate_interests)


def _read_cookies(cookies: Cookies) -> Reading | None:
    return read_tc_string(cookies.get(COOKIE))


def _read_object(value: Any) -> Reading | None:
    """What `__tcfapi("addEventListener", 2, ...)` gives: its TC string, or its own lists where it has none."""
    found = object_of(value)
    if "tcString" not in found or "purpose" not in found:
        return read_tc_string(found.get("tcString"))
    inner = read_tc_string(found["tcString"])
    acted = {"useractioncomplete": True, "cmpuishown": False}.get(word(found.get("eventStatus")))
    if inner is not None:
        return msgspec.structs.replace(inner, explicit=acted, raw=value)
    consents = object_of(object_of(found["purpose"]).get("consents"))
    vendors = object_of(object_of(found.get("vendor")).get("consents"))
    return Reading(
        tool="tcf",
        preferences=by_id(
            [
                *((id_, answer(one)) for id_, one in consents.items()),
                *((f"vendor {id_}", answer(one)) for id_, one in list(vendors.items())[:MOST_IDS]),
            ]
        ),
        explicit=acted,
        raw=value,
    )


READER: Final = Reader("tcf", (COOKIE,), _read_cookies, _read_object)
