"""What OneTrust tells: purposes become categories, a withdrawal a refusal, and what is no answer stays unknown."""

from typing import Any

import msgspec
import pytest

from assent.app.services.onetrust import choice_of, is_event
from assent.domain.errors import InvalidInput
from assent.domain.receipt import Preference, Subject
from assent.domain.workspace import Category

MAIL, CALLS, ADS = (f"3e900659-de89-4184-bb1a-0bca2e822b3{one}" for one in (1, 2, 3))
CATEGORIES = (
    Category("marketing", signals=(f"onetrust:{MAIL}", f"onetrust:{CALLS}")),
    Category("advertising", signals=(f"onetrust:{ADS}", "tcf:4")),
    Category("analytics", signals=("onetrust:C0002", "gpc")),
)


def event(*profiles: tuple[str, Any], **others: Any) -> dict[str, Any]:
    """The event 3010, *Data Subject Profile Updated*."""
    return {
        "eventId": "1afcc0cb-48ee-4a3a-a409-1b20a5399d9e",
        "eventTime": "2026-01-09T16:35:26.277+0000",
        "eventType": "3010",
        "payload": {
            "dataSubjectGuid": "aa85841a-0141-4441-86af-c320ed6f0d7e",
            "dataSubjectEmail": "ann@shop.example",
            "contactFields": {"Language": "en-GB", "Password": "hunter2", "MagicLink": "ceb2uY3u"},
            "profiles": [
                {
                    "purposeId": purpose,
                    "collectionPointGuid": "21f16e84-8b2a-4217-8f52-b7bf6880df52",
                    "collectionPointVersion": 1,
                    "topics": [],
                    "customPreferences": [],
                    "profileFields": {"ConsentDate": "1767976526", "TransactionStatus": status},
                }
                for purpose, status in profiles
            ],
            **others,
        },
    }


def receipt(*purposes: tuple[str, Any], **others: Any) -> dict[str, Any]:
    """The body of a consent receipt."""
    return {
        "identifier": "ann@shop.example",
        "requestInformation": "eyJhbGciOiJSUzUxMiJ9.secret",
        "language": "de",
        "interactionDate": "2026-01-09T16:35:26Z",
        "purposes": [{"Id": purpose, "TransactionType": kind} for purpose, kind in purposes],
        "dsDataElements": {"FirstName": "Ann"},
        **others,
    }


def said(document: Any) -> dict[str, str]:
    choice = choice_of(document, CATEGORIES)
    return {} if choice is None else {category: one.value for category, one in choice.preferences.items()}


def test_an_event_says_who_chose_what_and_when() -> None:
    choice = choice_of(event((MAIL, "ACTIVE"), (CALLS, "ACTIVE"), (ADS, "WITHDRAWN")), CATEGORIES)
    assert choice is not None
    assert choice.subject == Subject(user_id="ann@shop.example")
    assert choice.preferences == {"marketing": Preference.GRANTED, "advertising": Preference.DENIED}
    assert choice.occurred_at == 1_767_976_526_277
    assert choice.notice.language == "en-GB"


def test_a_receipt_says_the_same() -> None:
    choice = choice_of(receipt((ADS, "CONFIRMED"), ("C0002", "WITHDRAWN")), CATEGORIES)
    assert choice is not None
    assert choice.subject == Subject(user_id="ann@shop.example")
    assert choice.preferences == {"advertising": Preference.GRANTED, "analytics": Preference.DENIED}
    assert choice.occurred_at == 1_767_976_526_000
    assert choice.notice.language == "de"


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("ACTIVE", "granted"),
        ("always_active", "granted"),
        ("CONFIRMED", "granted"),
        ("WITHDRAWN", "denied"),
        ("OPT_OUT", "denied"),
        ("HARD_OPT_OUT", "denied"),
        ("NO_CONSENT", "denied"),
        ("NOTGIVEN", "denied"),
        ("PENDING", "unknown"),
        ("EXPIRED", "unknown"),
        ("NONE", "unknown"),
        ("what comes next", "unknown"),
        (None, "unknown"),
        (1, "unknown"),
        ({"ACTIVE": True}, "unknown"),
    ],
)
def test_only_what_is_an_answer_counts_as_one(status: Any, meaning: str) -> None:
    assert said(event((ADS, status))) == {"advertising": meaning}
    assert said(receipt((ADS, status))) == {"advertising": meaning}


@pytest.mark.parametrize(
    ("profiles", "marketing"),
    [
        ([(MAIL, "ACTIVE"), (CALLS, "ACTIVE")], "granted"),
        ([(MAIL, "ACTIVE"), (CALLS, "WITHDRAWN")], "denied"),
        ([(MAIL, "ACTIVE")], "unknown"),  # nobody said that calls are granted, and both are needed
        ([(CALLS, "WITHDRAWN")], "denied"),
        ([(MAIL, "ACTIVE"), (CALLS, "ACTIVE"), (MAIL, "WITHDRAWN")], "denied"),  # from another collection point
    ],
)
def test_a_category_of_several_purposes_takes_all_of_them(profiles: list[tuple[str, str]], marketing: str) -> None:
    assert said(event(*profiles)) == {"marketing": marketing}


def test_a_purpose_without_a_category_is_kept_by_its_own_id() -> None:
    assert said(event(("9c0f", "ACTIVE"), (ADS, "WITHDRAWN"))) == {"advertising": "denied", "9c0f": "granted"}


def test_a_category_may_be_called_like_a_purpose() -> None:
    unmapped = choice_of(event((ADS, "ACTIVE")), [Category(ADS)])
    assert unmapped is not None
    assert unmapped.preferences == {ADS: Preference.GRANTED}


def test_evidence_has_nothing_that_proves_no_choice() -> None:
    for document in (event((ADS, "ACTIVE")), receipt((ADS, "CONFIRMED"))):
        choice = choice_of(document, CATEGORIES)
        assert choice is not None
        kept = msgspec.json.encode(choice.evidence).decode()
        assert ADS in kept
        assert not any(one in kept for one in ("hunter2", "ceb2uY3u", "secret", "FirstName"))


def test_a_time_that_cannot_be_read_loses_no_refusal() -> None:
    choice = choice_of({**event((ADS, "WITHDRAWN")), "eventTime": "yesterday"}, CATEGORIES)
    assert choice is not None
    assert (choice.occurred_at, choice.preferences) == (None, {"advertising": Preference.DENIED})


def test_tests_and_what_names_no_purpose_say_nothing() -> None:
    assert choice_of(receipt((ADS, "CONFIRMED"), test=True), CATEGORIES) is None
    assert choice_of(event(), CATEGORIES) is None
    assert choice_of(receipt(), CATEGORIES) is None


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ([], "no JSON object"),
        ({}, "nothing that OneTrust sends"),
        ({"payload": []}, "`payload`"),
        (event((ADS, "ACTIVE"), dataSubjectEmail=None), "`dataSubjectEmail`"),
        (event(profiles={}), "`profiles`"),
        (event(profiles=[{"profileFields": {}}]), "`purposeId`"),
        (event(profiles=["ACTIVE"]), "`purposeId`"),
        (receipt((ADS, "CONFIRMED"), identifier=""), "`identifier`"),
        (receipt((5, "CONFIRMED")), "`Id`"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(document: Any, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        choice_of(document, CATEGORIES)


def test_only_an_event_has_an_id_of_its_own() -> None:
    assert is_event(event())
    assert not is_event(receipt())
    assert not is_event({**event(), "eventId": ""})
