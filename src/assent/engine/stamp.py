"""Consent from the ledger on an event that carries none, and what a refusal since means for one that carries some."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from assent.domain.decision import Decision, Reason, Verdict
from assent.domain.receipt import Preference, Profile, settled
from assent.domain.workspace import Rules
from assent.engine.policy import Policy, event_of
from assent.engine.receipts import choice_of
from assent.engine.routing import routing_key

_REMEMBERED: Final = 2_000

STAMPED_BY: Final = "assent"
"""What `context.consent.stampedBy` says of an event that we stamped."""

Answers = tuple[tuple[str, bool], ...]


class Stamp(NamedTuple):
    """The consent that an event gets from the ledger: its routing key with it, and the answers."""

    key: bytes
    answers: Answers


def stamp_for(rules: Rules, key: bytes, profile: Profile | None) -> Stamp | None:
    """What an event with this routing key is stamped with; None where it is not. `profile` is what was known of its
    person when it came in."""
    if rules.unstamped_events != "stamp" or profile is None or not profile.spoke or not is_unstamped(key):
        return None
    answers = answers_of(profile, rules)
    return Stamp(_key_with(key, answers), answers)


def answers_of(profile: Profile, rules: Rules) -> Answers:
    """A profile as a consent object has it: what is not granted is refused, and what is unknown is not named."""
    return tuple(
        (category, said is Preference.GRANTED)
        for category, standing in sorted(profile.answers.items())
        if (said := settled(standing, rules.joined_profiles)) is not Preference.UNKNOWN
    )


@lru_cache(_REMEMBERED)
def is_unstamped(key: bytes) -> bool:
    """Whether an event with this routing key carries no consent object."""
    return choice_of(key) is None


@lru_cache(_REMEMBERED)
def _key_with(key: bytes, answers: Answers) -> bytes:
    event: Any = event_of(key)
    event = event if isinstance(event, dict) else {}
    return routing_key({**event, "context": {"consent": {"categoryPreferences": dict(answers)}}})


def stamped(event: dict[str, Any], answers: Answers) -> dict[str, Any]:
    """The event as destinations get it: with the consent that it was decided by, and a mark that it is from us."""
    context = event.get("context")
    kept = context if isinstance(context, Mapping) else {}
    consent = {"categoryPreferences": dict(answers), "stampedBy": STAMPED_BY}
    return {**event, "context": {**kept, "consent": consent}}


def by_newest(policy: Policy, destination: str, key: bytes, profile: Profile | None) -> Decision | None:
    """The decision on an event if it carried what its person said last; None where they said nothing."""
    if profile is None or not profile.spoke:
        return None
    return policy.decide_key(_key_with(key, answers_of(profile, policy.rules))).get(destination)


def revoked(newest: Decision) -> Decision:
    """The decision on an event whose person has refused since."""
    return Decision(Verdict.WITHHOLD, Reason.SUBJECT_REVOKED, newest.categories)


def refusal_since(policy: Policy, destination: str, key: bytes, profile: Profile | None) -> Decision | None:
    """Under `revoked_since: newest`, what withholds an event that would be delivered; None where nothing does."""
    newest = by_newest(policy, destination, key, profile)
    if newest is None or newest.verdict is Verdict.DELIVER or newest.reason is not Reason.CATEGORY_DENIED:
        return None
    return revoked(newest)
