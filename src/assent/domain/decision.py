"""A decision: verdict, reason and the categories that settled it; and the texts of every reason."""

from enum import StrEnum
from typing import Final

import msgspec


class Verdict(StrEnum):
    """What happens to one event at one destination."""

    DELIVER = "deliver"
    WITHHOLD = "withhold"


class Reason(StrEnum):
    """Why; a closed list."""

    CONSENTED = "consented"
    CONSENT_UPDATE = "consent_update"
    CONSENT_ABSENT = "consent_absent"
    DESTINATION_UNMAPPED = "destination_unmapped"
    CATEGORY_DENIED = "category_denied"
    CONSENT_UNREADABLE = "consent_unreadable"
    CATEGORY_MISSING = "category_missing"
    CATEGORY_DISABLED = "category_disabled"
    INTEGRATIONS_OBJECT = "integrations_object"
    SENT_CLIENT_SIDE = "sent_client_side"
    DESTINATION_DISABLED = "destination_disabled"
    SUBJECT_REVOKED = "subject_revoked"
    SUBJECT_SUPPRESSED = "subject_suppressed"


BY_CONSENT: Final = frozenset(
    {
        Reason.CATEGORY_DENIED,
        Reason.CONSENT_UNREADABLE,
        Reason.CATEGORY_MISSING,
        Reason.CATEGORY_DISABLED,
        Reason.DESTINATION_UNMAPPED,
        Reason.CONSENT_ABSENT,
    }
)
"""The reasons for which the consent that an event carries, or does not, withholds it."""


SAID_SINCE: Final = frozenset({Reason.SUBJECT_REVOKED, Reason.SUBJECT_SUPPRESSED})
"""The reasons that no event gives by itself: what its person said since it came in."""


class Decision(msgspec.Struct, frozen=True):
    """The verdict on one event at one destination, why, and the ids of the categories that settled it.

    `observed` says that consent would withhold it, for this reason, and that it is delivered all the same, because the
    workspace observes.
    """

    verdict: Verdict
    reason: Reason
    categories: tuple[str, ...] = ()
    observed: bool = False

    @property
    def enforced(self) -> "Decision":
        """What it would be if consent were enforced; the decision itself, unless it is observed."""
        return Decision(Verdict.WITHHOLD, self.reason, self.categories) if self.observed else self


class ReasonText(msgspec.Struct, frozen=True):
    """What console, API, docs and command line say about one reason under one verdict; `observed` as in Decision."""

    verdict: Verdict
    reason: Reason
    title: str
    what_happened: str
    remedy: str
    segment_code: str | None = None
    observed: bool = False


_BY_CONSENT = "FILTERED_BY_END_USER_CONSENT"

REASONS: tuple[ReasonText, ...] = (
    ReasonText(
        Verdict.DELIVER,
        Reason.CONSENTED,
        "Consented",
        "The person granted what this destination needs.",
        "Nothing to do.",
    ),
    ReasonText(
        Verdict.DELIVER,
        Reason.CONSENT_UPDATE,
        "Consent update",
        "The event reports a choice, and this destination asked to hear of every choice.",
        "To stop it, set `receives_consent_updates: false` on the destination.",
    ),
    ReasonText(
        Verdict.DELIVER,
        Reason.CONSENT_ABSENT,
        "No consent object",
        "The event carries no consent object, and the rules deliver such events without enforcement.",
        "Stamp events with a consent object at the source, or set the rule `no_consent: withhold`.",
    ),
    ReasonText(
        Verdict.DELIVER,
        Reason.DESTINATION_UNMAPPED,
        "Destination needs no consent",
        "The destination is in no category, and the rules deliver to unmapped destinations.",
        "Put the destination in a category, or set the rule `unmapped_destination: withhold`.",
    ),
    ReasonText(
        Verdict.DELIVER,
        Reason.CATEGORY_DENIED,
        "Observed: category denied",
        "Delivered although the person refused a category that this destination needs, because the workspace observes.",
        "To enforce consent, end observing.",
        observed=True,
    ),
    ReasonText(
        Verdict.DELIVER,
        Reason.CONSENT_UNREADABLE,
        "Observed: consent unreadable",
        "Delivered although nothing in its consent can be taken as granted, because the workspace observes.",
        "To enforce consent, end observing.",
        observed=True,
    ),
    ReasonText(
        Verdict.DELIVER,
        Reason.CATEGORY_MISSING,
        "Observed: category not named",
        "Delivered although the consent object does not name a needed category, because the workspace observes.",
        "To enforce consent, end observing.",
        observed=True,
    ),
    ReasonText(
        Verdict.DELIVER,
        Reason.CATEGORY_DISABLED,
        "Observed: category switched off",
        "Delivered although a category that this destination needs is switched off, because the workspace observes.",
        "To enforce consent, end observing.",
        observed=True,
    ),
    ReasonText(
        Verdict.DELIVER,
        Reason.DESTINATION_UNMAPPED,
        "Observed: destination unmapped",
        "Delivered although the destination is in no category, because the workspace observes.",
        "To enforce consent, end observing.",
        observed=True,
    ),
    ReasonText(
        Verdict.DELIVER,
        Reason.CONSENT_ABSENT,
        "Observed: no consent object",
        "Delivered although the rules withhold events without a consent object, because the workspace observes.",
        "To enforce consent, end observing.",
        observed=True,
    ),
    ReasonText(
        Verdict.WITHHOLD,
        Reason.CATEGORY_DENIED,
        "Category denied",
        "The person refused a category that this destination needs.",
        "Nothing to mend: this is the person's choice.",
        _BY_CONSENT,
    ),
    ReasonText(
        Verdict.WITHHOLD,
        Reason.CONSENT_UNREADABLE,
        "Consent unreadable",
        "The event carries consent that is not JSON true or false per category, so nothing can be taken as granted.",
        "Mend the source: `context.consent.categoryPreferences` must be an object of booleans.",
        _BY_CONSENT,
    ),
    ReasonText(
        Verdict.WITHHOLD,
        Reason.CATEGORY_MISSING,
        "Category not named",
        "The consent object does not name a category that this destination needs, which counts as refused.",
        "Compare the category ids that the source sends with those of the workspace; they are case-sensitive.",
        _BY_CONSENT,
    ),
    ReasonText(
        Verdict.WITHHOLD,
        Reason.CATEGORY_DISABLED,
        "Category switched off",
        "A category that this destination needs is switched off in the workspace.",
        "Switch the category on, or map the destination to another one.",
        _BY_CONSENT,
    ),
    ReasonText(
        Verdict.WITHHOLD,
        Reason.DESTINATION_UNMAPPED,
        "Destination unmapped",
        "The event carries consent, and the destination is in no category.",
        "Map the destination to a category, or set the rule `unmapped_destination: deliver`.",
        _BY_CONSENT,
    ),
    ReasonText(
        Verdict.WITHHOLD,
        Reason.CONSENT_ABSENT,
        "No consent object",
        "The event carries no consent object, and the rules withhold such events.",
        "Stamp events with a consent object at the source, or set the rule `no_consent: deliver`.",
        _BY_CONSENT,
    ),
    ReasonText(
        Verdict.WITHHOLD,
        Reason.INTEGRATIONS_OBJECT,
        "Closed by the integrations object",
        "The event's own `integrations` object says false for this destination.",
        "Change the `integrations` object at the source.",
        "FILTERED_BY_INTEGRATIONS_OBJECT",
    ),
    ReasonText(
        Verdict.WITHHOLD,
        Reason.SENT_CLIENT_SIDE,
        "Sent by the browser",
        "The browser already sent this event to the destination itself (`_metadata.bundled`).",
        "Nothing to do: sending it again would count it twice.",
        "MESSAGE_SENT_CLIENT_SIDE",
    ),
    ReasonText(
        Verdict.WITHHOLD,
        Reason.DESTINATION_DISABLED,
        "Destination disabled",
        "The destination was switched off or removed.",
        "Enable the destination.",
    ),
    ReasonText(
        Verdict.WITHHOLD,
        Reason.SUBJECT_REVOKED,
        "Refused since",
        "When the event was to be sent after all, the person had refused what its own consent grants.",
        "Nothing to mend: this is the person's choice.",
        _BY_CONSENT,
    ),
    ReasonText(
        Verdict.WITHHOLD,
        Reason.SUBJECT_SUPPRESSED,
        "Suppressed or deleted",
        "The person asked for no more events, or to be deleted, before this one was sent.",
        "Nothing to mend: this is the person's choice. Who comes back can be unsuppressed.",
    ),
)

_TEXTS = {(text.verdict, text.reason, text.observed): text for text in REASONS}


def explain(verdict: Verdict, reason: Reason, observed: bool = False) -> ReasonText:
    """The texts of `reason` under `verdict`; raises KeyError for a pair that no decision has.

    What was delivered for a reason that only withholds was observed, also where nobody says so, as counters do not.
    """
    return _TEXTS.get((verdict, reason, observed)) or _TEXTS[verdict, reason, True]


def explain_decision(decision: Decision) -> ReasonText:
    """The texts of the reason of a decision."""
    return explain(decision.verdict, decision.reason, decision.observed)
