"""TC and GPP strings that the IAB's own libraries made, 10,000 of them: they say here what they say there."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from assent.signals.gpp import SECTIONS, decode_canadian, decode_section, read_gpp_string, section_ids
from assent.signals.reading import Answer
from assent.signals.tcf import decode_tc_string, read_tc_string
from harness.tools import node, node_modules

COUNT, SEED = 10_000, 20_261_124

FIELDS = {
    "notice": ("SharingNotice", "ProcessingNotice", "Notice"),
    "sale_notice": ("SaleOptOutNotice",),
    "sharing_notice": ("SharingOptOutNotice",),
    "targeted_advertising_notice": ("TargetedAdvertisingOptOutNotice",),
    "sensitive_data_notice": ("SensitiveDataProcessingOptOutNotice", "SensitiveDataOptOutNotice"),
    "sensitive_data_limit_notice": ("SensitiveDataLimitUseNotice",),
    "sale": ("SaleOptOut",),
    "sharing": ("SharingOptOut",),
    "targeted_advertising": ("TargetedAdvertisingOptOut",),
    "sensitive_data": ("SensitiveDataProcessing",),
    "known_child": ("KnownChildSensitiveDataConsents",),
    "personal_data": ("PersonalDataConsents",),
    "additional_data": ("AdditionalDataProcessingConsent",),
    "mspa_covered": ("MspaCoveredTransaction",),
    "mspa_mode": ("MspaMode",),
    "mspa_opt_out": ("MspaOptOutOptionMode",),
    "mspa_service_provider": ("MspaServiceProviderMode",),
    "version": ("Version", "MspaVersion"),
    "gpc": ("Gpc",),
}
"""Our names of the fields, and the libraries'."""

ABSENT = {"GpcSegmentType", "GpcSegmentIncluded", "SensitiveDataConsentSegmentType"}


@pytest.fixture(scope="module")
def strings() -> list[dict[str, Any]]:
    script = node_modules().parent / "make_consent_strings.mjs"
    command = [node(), str(script), str(COUNT), str(SEED)]
    made = subprocess.run(command, capture_output=True, text=True, check=True, timeout=110).stdout.splitlines()
    assert len(made) == COUNT
    return [json.loads(one) for one in made]


def test_tc_strings(strings: list[dict[str, Any]]) -> None:
    tried = [one for one in strings if one["kind"] == "tcf"]
    assert len(tried) == COUNT // 2
    for one in tried:
        found = decode_tc_string(one["text"])
        assert found is not None, one["text"]
        said = one["said"]
        plain = [name for name in said if isinstance(said[name], int | str)]
        assert {name: getattr(found, name) for name in plain} == {name: said[name] for name in plain}
        for name in ("special_features", "purposes", "legitimate_interests"):
            assert sorted(getattr(found, name)) == said[name], (name, one["text"])
        for name in ("vendors", "vendor_interests"):
            assert getattr(found, name).numbers() == said[name], (name, one["text"])
        assert (found.disclosed.numbers() if found.disclosed is not None else None) == said["disclosed"]
        restricted = {f"{each.purpose}:{each.kind}": each.vendors.numbers() for each in found.restrictions}
        assert restricted == said["restrictions"], one["text"]


def test_gpp_strings(strings: list[dict[str, Any]]) -> None:
    tried = [one for one in strings if one["kind"] == "gpp"]
    assert len(tried) == COUNT // 2
    seen: set[int] = set()
    for one in tried:
        header, *sections = one["text"].split("~")
        ids = section_ids(header)
        assert ids == one["ids"]
        for id_, section, said in zip(ids, sections, one["said"].values(), strict=True):
            check_section(id_, section, said)
        assert read_gpp_string(one["text"]) is not None
        seen.update(ids)
    assert seen == {2, 5, 6, *SECTIONS}


def check_section(id_: int, text: str, said: Mapping[str, Any]) -> None:
    if id_ == 2:
        found = read_tc_string(text)
        assert found is not None
        assert found.vendors is not None
        assert found.vendors.numbers() == said["VendorConsents"]
        granted = [found.answer(str(number)) is Answer.GRANTED for number in range(1, 12)]
        assert granted == said["PurposeConsents"][:11]
    elif id_ == 5:
        check_canadian(text, said)
    elif id_ == 6:
        letters = {"Y": 1, "N": 2, "-": 0}
        names = {"notice": "Notice", "sale": "OptOutSale", "mspa_covered": "LspaCovered"}
        assert decode_section(id_, text) == {"version": 1} | {ours: letters[said[one]] for ours, one in names.items()}
    else:
        found_fields = decode_section(id_, text)
        assert found_fields is not None, text
        theirs = {name: said[one] for name, many in FIELDS.items() for one in many if one in said}
        assert found_fields == theirs, (id_, text)
        assert not said.keys() - {one for many in FIELDS.values() for one in many} - ABSENT


def check_canadian(text: str, said: Mapping[str, Any]) -> None:
    found = decode_canadian(text)
    assert found is not None, text
    assert sorted(found.express) == numbers(said["PurposesExpressConsent"])
    assert sorted(found.implied) == numbers(said["PurposesImpliedConsent"])
    assert sorted(found.special_features) == numbers(said["SpecialFeatureExpressConsent"])
    assert found.express_vendors.numbers() == said["VendorExpressConsent"]
    assert found.implied_vendors.numbers() == said["VendorImpliedConsent"]


def numbers(flags: Sequence[bool]) -> list[int]:
    return [number for number, flag in enumerate(flags, 1) if flag]


# ------------------------------------------------------------------------------------ vectors of the standards

HEADERS = {
    "DBABMA": [2],
    "DBABTA": [6],
    "DBABLA": [7],
    "DBABBg": [8],
    "DBABVg": [12],
    "DBABjw": [5, 6],
    "DBACOeA": [2, 5, 6],
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_names_its_sections_however_it_is_padded(header: str) -> None:
    assert section_ids(header) == HEADERS[header]
    assert section_ids(header + "A") == HEADERS[header]


@pytest.mark.parametrize("header", ["", "DBAB", "CBABMA", "DAABMA", "DBABMA=", "DBÄBMA", "DB//"])
def test_what_is_no_header(header: str) -> None:
    assert section_ids(header) is None


def test_a_californian_section() -> None:
    assert decode_section(8, "BVWSSSVY.YA") == {
        "version": 1, "sale_notice": 1, "sharing_notice": 1, "sensitive_data_limit_notice": 1, "sale": 1, "sharing": 1,
        "sensitive_data": [2, 1, 0, 2, 1, 0, 2, 1, 0], "known_child": [2, 1], "personal_data": 1,
        "mspa_covered": 1, "mspa_opt_out": 1, "mspa_service_provider": 2, "gpc": 1,
    }  # fmt: skip


def test_disclosed_vendors_of_tcf_2_3() -> None:
    found = decode_tc_string("CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA.YAAAAAAAAAAA")
    assert found is not None
    assert found.disclosed is not None
    assert found.disclosed.numbers() == [1, 2, 3, 4, 5, 100, 404]
    assert found.vendors.numbers() == [1, 2, 3, 4]


@pytest.mark.parametrize("end", range(0, 44, 3))
def test_a_tc_string_that_is_cut_off_says_nothing(end: int) -> None:
    whole = "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA"
    assert read_tc_string(whole) is not None
    assert read_tc_string(whole[: end - 3 if end > 3 else 0]) is None
