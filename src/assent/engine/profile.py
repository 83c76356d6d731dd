"""From receipts to the profile of a person: who answered what last, and who disagrees with whom (WIRE.md, "Consent").

A receipt sets what it names. A complete one (a consent update, `{}`) also refuses what it does not name. What cannot be
read closes what was open, and leaves a refusal alone. The newest receipt counts, also between devices; what an
anonymous id said before it was joined stands beside what the person said, until the person says something new.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import msgspec

from assent.domain.receipt import Answer, Method, Moment, Preference, Profile, Receipt, Statement

MOST_CATEGORIES: Final = 1_000
"""Of how many a profile knows the answer: senders choose their names, and nobody asks for so many."""

_NOBODY: Final = Profile()

_RANK: Final = {Preference.GRANTED: 0, Preference.UNKNOWN: 1, Preference.DENIED: 2}
"""Of what was said at the same moment, the more careful counts, whichever came in first."""


class Said(NamedTuple):
    """What a profile needs to know of a receipt."""

    statement: Statement
    number: int
    position: int

    @property
    def moment(self) -> Moment:
        return self.statement.moment


def said(receipt: Receipt) -> Said:
    return Said(receipt.said, receipt.number, receipt.position)


def fold(receipts: Iterable[Said]) -> Profile:
    """The profile of one person, of all receipts about them in any order: those that name the user id, and those of
    the anonymous ids that some of these name too."""
    ordered = sorted(receipts, key=lambda one: one.moment)
    if len(ordered) == 1:
        return _of_one(ordered[0])
    profile = msgspec.structs.replace(_NOBODY, links=_links(ordered))
    spoke_alone = _spoke_alone(ordered, profile.links)
    for _moment, tick in groupby(ordered, key=lambda one: one.moment):
        profile = _after(profile, list(tick), spoke_alone)
    return profile


def _of_one(said: Said) -> Profile:
    """What `fold` comes to where nothing was said before, as for nearly everybody whose first receipt comes in."""
    statement, moment = said.statement, said.moment
    subject = statement.subject
    is_linked = subject.user_id is not None and subject.anonymous_id is not None
    named = sorted(statement.preferences.items(), key=lambda one: (_RANK[one[1]], one[0]))
    return Profile(
        {category: (Answer(preference, moment, said.number),) for category, preference in named[:MOST_CATEGORIES]},
        {subject.anonymous_id: moment} if is_linked and subject.anonymous_id is not None else {},
        max(_NOBODY.latest, moment),
        said.position,
        1,
        _says_something(statement),
    )


def followed(profile: Profile, newest: Said) -> Profile | None:
    """The profile after one more receipt; None where that takes all of them: it is not the newest, or joins an
    anonymous id that may have said something before."""
    subject = newest.statement.subject
    is_known = subject.user_id is None or subject.anonymous_id is None or subject.anonymous_id in profile.links
    if newest.moment <= profile.latest or not is_known:
        return None
    return _after(profile, [newest], set())


def _links(receipts: Iterable[Said]) -> dict[str, Moment]:
    """The anonymous ids that were named with the user id, since when; `receipts` are in order."""
    links: dict[str, Moment] = {}
    for one in receipts:
        subject = one.statement.subject
        if subject.user_id is not None and subject.anonymous_id is not None:
            links.setdefault(subject.anonymous_id, one.moment)
    return links


def _spoke_alone(receipts: Iterable[Said], links: Mapping[str, Moment]) -> set[str]:
    """The anonymous ids that had said something before they were named with the user id."""
    return {
        device
        for one in receipts
        if one.statement.subject.user_id is None
        and (device := one.statement.subject.anonymous_id) is not None
        and device in links
        and one.moment <= links[device]
    }


class _Voice(NamedTuple):
    """On whose behalf a receipt speaks: as `stream`, and in place of what stands under `scope`."""

    stream: str
    scope: frozenset[str]


def _after(profile: Profile, tick: Sequence[Said], spoke_alone: set[str]) -> Profile:
    """The profile after everything that was said at one moment."""
    moment = tick[0].moment
    answers = dict(profile.answers)
    heard = [(one, _voice(profile, one.statement, moment, spoke_alone)) for one in tick]
    saying = sorted(
        ((one, voice, category, preference) for one, voice in heard for category, preference in _named(one)),
        key=lambda said: _RANK[said[3]],
    )
    for one, voice, category, preference in saying:
        _set(answers, category, Answer(preference, moment, one.number, voice.stream), voice)
    for one, voice in heard:
        for category, preference in _implied(answers, one, voice):
            _set(answers, category, Answer(preference, moment, one.number, voice.stream), voice)
    return Profile(
        answers,
        profile.links,
        max(profile.latest, moment),
        max(profile.position, *[one.position for one in tick]),
        profile.receipts + len(tick),
        profile.spoke or any(_says_something(one.statement) for one in tick),
    )


def _voice(profile: Profile, statement: Statement, moment: Moment, spoke_alone: set[str]) -> _Voice:
    subject = statement.subject
    device = subject.anonymous_id
    linked = frozenset(one for one, since in profile.links.items() if since < moment)
    if device is None or (subject.user_id is None and (device in linked or device not in profile.links)):
        return _Voice("", linked | {""})
    if subject.user_id is None:
        return _Voice(device, frozenset({device}))
    is_joined_now = profile.links[device] == moment and device in spoke_alone
    if is_joined_now and statement.method in (Method.EVENT, Method.SIGNAL):
        # The stamp of a browser that was somebody's before: it repeats what that browser said, and is no new answer.
        return _Voice(device, frozenset({device}))
    return _Voice("", linked | {"", device})


def _named(said: Said) -> Iterator[tuple[str, Preference]]:
    yield from sorted(said.statement.preferences.items())


def _implied(answers: dict[str, tuple[Answer, ...]], said: Said, voice: _Voice) -> list[tuple[str, Preference]]:
    """What a receipt says of the categories that it does not name."""
    statement = said.statement
    if statement.readable and not statement.complete:
        return []
    meant = Preference.DENIED if statement.readable else Preference.UNKNOWN
    return [
        (category, meant)
        for category, standing in answers.items()
        if category not in statement.preferences and any(one.stream in voice.scope for one in standing)
    ]


def _set(answers: dict[str, tuple[Answer, ...]], category: str, answer: Answer, voice: _Voice) -> None:
    if category not in answers and len(answers) >= MOST_CATEGORIES:
        return
    standing = answers.get(category, ())
    replaced = [one for one in standing if one.stream in voice.scope]
    if answer.preference is Preference.UNKNOWN and any(one.preference is Preference.DENIED for one in replaced):
        return
    others = [one for one in standing if one.stream not in voice.scope]
    answers[category] = (*others, answer)


def _says_something(statement: Statement) -> bool:
    return bool(statement.preferences) or statement.complete or not statement.readable


def together(profiles: Sequence[Profile]) -> Profile:
    """Several people who used one browser, as one: what any of them refused is refused."""
    if len(profiles) == 1:
        return profiles[0]
    answers: dict[str, tuple[Answer, ...]] = {}
    for one in profiles:
        for category, standing in one.answers.items():
            answers[category] = (*answers.get(category, ()), *standing)
    return Profile(
        answers,
        {},
        max((one.latest for one in profiles), default=Moment(0, 0)),
        max((one.position for one in profiles), default=0),
        sum(one.receipts for one in profiles),
        any(one.spoke for one in profiles),
    )
