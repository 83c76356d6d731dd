"""Deliberate faults in the engine, one at a time, each of which the tests must notice."""

from pathlib import Path
from typing import Final, NamedTuple

SOURCES: Final = Path(__file__).parents[2] / "src"


class Mutant(NamedTuple):
    """One fault: its name, the module under `src/assent`, the text that is there, and the faulty one."""

    name: str
    module: str
    right: str
    wrong: str

    def occurrences(self) -> int:
        return (SOURCES / "assent" / self.module).read_text().count(self.right)


_TESTS: Final = {
    "domain/workspace.py": ("tests/spec",),
    "engine/profile.py": ("tests/engine/test_profile.py",),
    "engine/receipts.py": ("tests/delivery/test_ledger_reader.py",),
    "engine/accept.py": (
        "tests/engine/test_accept.py",
        "tests/engine/test_accept_properties.py",
        "tests/engine/test_person.py",
    ),
    "engine/consent.py": ("tests/spec", "tests/engine/test_consent.py"),
    "engine/decide.py": ("tests/spec", "tests/engine/test_agreement.py", "tests/engine/test_decide_properties.py"),
    "engine/fault.py": ("tests/engine/test_accept.py",),
    "engine/forward.py": ("tests/engine/test_forward.py",),
    "engine/hold.py": ("tests/engine/test_hold.py",),
    "engine/json.py": ("tests/engine/test_json.py",),
    "engine/merge.py": ("tests/engine/test_merge.py", "tests/engine/test_accept.py"),
    "engine/person.py": ("tests/engine/test_person.py",),
    "engine/policy.py": ("tests/spec", "tests/engine/test_agreement.py"),
    "engine/shadow.py": ("tests/engine/test_shadow.py",),
    "engine/suppression.py": ("tests/engine/test_person.py",),
    "engine/trial.py": ("tests/engine/test_trial.py", "tests/engine/test_observe.py"),
    "signals/cookiebot.py": ("tests/signals/test_readers.py",),
    "signals/dialects.py": ("tests/signals/test_dialects.py",),
    "signals/gpc.py": ("tests/signals/test_readers.py",),
    "signals/gpp.py": ("tests/signals/test_readers.py",),
    "signals/onetrust.py": ("tests/signals/test_readers.py",),
    "signals/osano.py": ("tests/signals/test_readers.py",),
    "signals/reading.py": ("tests/signals/test_dialects.py", "tests/signals/test_readers.py"),
    "signals/tcf.py": ("tests/signals/test_readers.py",),
    "signals/translate.py": ("tests/signals/test_dialects.py",),
    "signals/trustarc.py": ("tests/signals/test_readers.py",),
    "signals/usercentrics.py": ("tests/signals/test_readers.py",),
    "engine/routing.py": ("tests/spec", "tests/engine/test_agreement.py", "tests/engine/test_accept_properties.py"),
}


def suite_for(module: str) -> tuple[str, ...]:
    """The tests that are to notice a fault in a module, the quickest first."""
    return _TESTS[module]


MUTANTS: Final = (
    # ---------------------------------------------------------------- presets
    Mutant(
        "beta needs all categories",
        "domain/workspace.py",
        '"segment-beta": Rules("any"',
        '"segment-beta": Rules("all"',
    ),
    Mutant("ga needs any category", "domain/workspace.py", '"segment-ga": Rules("all"', '"segment-ga": Rules("any"'),
    Mutant(
        "beta and strict swapped",
        "domain/workspace.py",
        'Rules("any", "withhold", "withhold", "yield", "deliver")',
        'Rules("all", "withhold", "withhold", "narrow", "withhold")',
    ),
    Mutant("strict delivers without consent", "domain/workspace.py", '"narrow", "withhold")', '"narrow", "deliver")'),
    Mutant(
        "ga withholds from unmapped destinations",
        "domain/workspace.py",
        'Rules("all", "deliver", "ignore"',
        'Rules("all", "withhold", "ignore"',
    ),
    # ---------------------------------------------------------------- reading consent
    Mutant(
        "unreadable context read as absent",
        "engine/consent.py",
        "    if not isinstance(context, Mapping):\n        return Whole.UNREADABLE",
        "    if not isinstance(context, Mapping):\n        return Whole.ABSENT",
    ),
    Mutant(
        "unreadable consent read as absent",
        "engine/consent.py",
        "    if not isinstance(consent, Mapping):\n        return Whole.UNREADABLE",
        "    if not isinstance(consent, Mapping):\n        return Whole.ABSENT",
    ),
    Mutant(
        "unreadable preferences read as absent",
        "engine/consent.py",
        "isinstance(preferences, Mapping) else Whole.UNREADABLE",
        "isinstance(preferences, Mapping) else Whole.ABSENT",
    ),
    Mutant(
        "null preferences read as absent",
        "engine/consent.py",
        'if "categoryPreferences" not in consent:',
        'if consent.get("categoryPreferences") is None:',
    ),
    Mutant(
        "empty preferences read as absent",
        "engine/consent.py",
        'if "categoryPreferences" not in consent:',
        'if consent.get("categoryPreferences", {}) == {}:',
    ),
    Mutant(
        "empty consent read as unreadable",
        "engine/consent.py",
        'if "categoryPreferences" not in consent:\n        return Whole.ABSENT',
        'if "categoryPreferences" not in consent:\n        return Whole.UNREADABLE',
    ),
    Mutant("any call may be a consent update", "engine/consent.py", 'event.get("type") == "track" and ', ""),
    # ---------------------------------------------------------------- the readable decision
    Mutant("disabled destination served", "engine/decide.py", "if not destination.enabled:", "if False:"),
    Mutant("bundled ignored", "engine/decide.py", "if _sent_by_browser(destination, event):", "if False:"),
    Mutant(
        "consent update bypasses integrations",
        "engine/decide.py",
        "return _narrowed(destination, event, Decision(Verdict.DELIVER, Reason.CONSENT_UPDATE))",
        "return Decision(Verdict.DELIVER, Reason.CONSENT_UPDATE)",
    ),
    Mutant(
        "consent update sent to all",
        "engine/decide.py",
        "destination.receives_consent_updates and is_consent_update",
        "is_consent_update",
    ),
    Mutant(
        "integrations checked before consent",
        "engine/decide.py",
        "    decision = _by_consent(rules,",
        "    if _closed_by_integrations(destination, event):\n"
        "        return Decision(Verdict.WITHHOLD, Reason.INTEGRATIONS_OBJECT)\n"
        "    decision = _by_consent(rules,",
    ),
    Mutant("yield and narrow swapped", "engine/decide.py", '== "yield":', '== "narrow":'),
    Mutant(
        "integrations never narrows a grant",
        "engine/decide.py",
        'decision.reason is Reason.CONSENTED and rules.integrations_object == "yield"',
        "decision.reason is Reason.CONSENTED",
    ),
    Mutant("any and all swapped", "engine/decide.py", 'several_categories == "any"', 'several_categories == "all"'),
    Mutant("disabled category ignored under withhold", "engine/decide.py", '== "ignore":', '== "withhold":'),
    Mutant("disabled category asked", "engine/decide.py", "if not category.enabled:", "if False:"),
    Mutant(
        "no destination is spared without consent",
        "engine/decide.py",
        'rules.no_consent == "deliver" or needs_none',
        'rules.no_consent == "deliver"',
    ),
    Mutant(
        "absence of consent always delivers",
        "engine/decide.py",
        'flows = rules.no_consent == "deliver" or needs_none',
        "flows = True",
    ),
    Mutant("missing treated as granted", "engine/decide.py", "return _Answer.MISSING", "return _Answer.GRANTED"),
    Mutant("== for is", "engine/decide.py", "if value is True:", "if value == True:"),
    Mutant("anything truthy grants", "engine/decide.py", "if value is True:", "if value:"),
    Mutant(
        "unreadable consent reported as missing",
        "engine/decide.py",
        "if isinstance(preferences, Whole):\n        return _Answer.UNREADABLE",
        "if isinstance(preferences, Whole):\n        return _Answer.MISSING",
    ),
    Mutant(
        "denied reported last",
        "engine/decide.py",
        "(_Answer)[1:]",
        "(_Answer)[:0:-1]",
    ),
    Mutant(
        "missing reported before unreadable",
        "engine/decide.py",
        "    UNREADABLE = Reason.CONSENT_UNREADABLE\n    MISSING = Reason.CATEGORY_MISSING\n",
        "    MISSING = Reason.CATEGORY_MISSING\n    UNREADABLE = Reason.CONSENT_UNREADABLE\n",
    ),
    Mutant("All ignored", "engine/decide.py", '(*_names(destination), "All")', "_names(destination)"),
    Mutant(
        "integration name ignored",
        "engine/decide.py",
        "(destination.title, destination.integration) if destination.integration else",
        "(destination.title,) if destination.integration else",
    ),
    Mutant(
        "integration name before the destination's own",
        "engine/decide.py",
        "(destination.title, destination.integration) if",
        "(destination.integration, destination.title) if",
    ),
    Mutant(
        "names of any case",
        "engine/decide.py",
        "    named = next(",
        "    integrations = {name.lower(): value for name, value in integrations.items()}\n"
        "    names = [one.lower() for one in (destination.title, destination.integration)]\n"
        "    destination = Destination(destination.id, *names)\n"
        "    named = next(",
    ),
    Mutant(
        "anything falsy closes",
        "engine/decide.py",
        "integrations[named] is False",
        "not integrations[named]",
    ),
    # ---------------------------------------------------------------- the compiled decision
    Mutant("compiled: disabled destination served", "engine/policy.py", "if not self._enabled:", "if False:"),
    Mutant("compiled: bundled ignored", "engine/policy.py", "if bundled and any(", "if False and any("),
    Mutant(
        "compiled: consent update bypasses integrations",
        "engine/policy.py",
        "            decision = _UPDATE\n",
        "            return _UPDATE\n",
    ),
    Mutant(
        "compiled: consent update sent to all", "engine/policy.py", "if update and self._wants_updates:", "if update:"
    ),
    Mutant(
        "compiled: consent update not recognised",
        "engine/policy.py",
        "if routed.event == CONSENT_UPDATE_EVENT:",
        "if False:",
    ),
    Mutant(
        "compiled: any for all",
        "engine/policy.py",
        "if granted and (self._any or len(granted) == self._needed):",
        "if granted:",
    ),
    Mutant(
        "compiled: all without the disabled",
        "engine/policy.py",
        "len(granted) == self._needed",
        "len(granted) == len(self._asked)",
    ),
    Mutant("compiled: disabled ignored under withhold", "engine/policy.py", '== "withhold"\n', '== "ignore"\n'),
    Mutant(
        "compiled: integrations never narrows a grant",
        "engine/policy.py",
        "Reason.CONSENTED and self._grant_is_final",
        "Reason.CONSENTED",
    ),
    Mutant(
        "compiled: missing reported first",
        "engine/policy.py",
        "    (Reason.CATEGORY_DENIED, lambda",
        "    (Reason.CATEGORY_MISSING, lambda preferences, one: one not in preferences),\n"
        "    (Reason.CATEGORY_DENIED, lambda",
    ),
    Mutant(
        "compiled: unreadable consent reported as disabled",
        "engine/policy.py",
        "return _refused(Reason.CONSENT_UNREADABLE, self._asked) if self._asked else self._switched_off",
        "return self._switched_off",
    ),
    Mutant("compiled: == for is", "engine/policy.py", "preferences.get(one) is True)", "preferences.get(one) == True)"),
    Mutant("compiled: All ignored", "engine/policy.py", 'return integrations.get("All") is False', "return False"),
    Mutant(
        "compiled: integration name ignored",
        "engine/policy.py",
        "(destination.title, destination.integration) if name",
        "(destination.title,) if name",
    ),
    Mutant(
        "compiled: no destination is spared without consent",
        "engine/policy.py",
        ' or (not needed and rules.unmapped_destination == "deliver")',
        "",
    ),
    Mutant(
        "compiled: what is remembered grows for ever",
        "engine/policy.py",
        "if len(self) >= KEYS_REMEMBERED:",
        "if False:",
    ),
    Mutant(
        "compiled: a routing key that cannot be read opens",
        "engine/policy.py",
        "return _CLOSES_EVERYTHING",
        "return {}",
    ),
    # ---------------------------------------------------------------- routing keys
    Mutant(
        "routing key without integrations",
        "engine/routing.py",
        "{name: value is not False for name, value in _named(integrations)}",
        "{}",
    ),
    Mutant(
        "quick routing key without integrations",
        "engine/routing.py",
        "if event.integrations or bundled is not _NOTHING:",
        "if bundled is not _NOTHING:",
    ),
    Mutant(
        "quick routing key without bundled",
        "engine/routing.py",
        "if event.integrations or bundled is not _NOTHING:",
        "if event.integrations:",
    ),
    Mutant("routing key without bundled", "engine/routing.py", "    if bundled:\n", "    if False:\n"),
    Mutant(
        "routing key without the update flag", "engine/routing.py", "update=is_consent_update(event)", "update=False"
    ),
    Mutant(
        "routing key takes anything truthy for a grant",
        "engine/routing.py",
        "value if isinstance(value, bool) else None",
        "bool(value)",
    ),
    Mutant(
        "routing key of unreadable consent says absent",
        "engine/routing.py",
        '_UNREADABLE: Final = b"0"',
        '_UNREADABLE: Final = b""',
    ),
    # ---------------------------------------------------------------- receiving
    Mutant(
        "quick path skips the ids",
        "engine/accept.py",
        "if named and (item.userId or item.anonymousId):",
        "if named:",
    ),
    Mutant(
        "quick path skips consent updates",
        "engine/accept.py",
        "(item.event and item.event != CONSENT_UPDATE_EVENT)",
        "item.event",
    ),
    Mutant(
        "quick path skips the event's name",
        "engine/accept.py",
        "(item.event and item.event != CONSENT_UPDATE_EVENT)",
        "item.event != CONSENT_UPDATE_EVENT",
    ),
    Mutant("properties may be anything", "engine/accept.py", "properties: _Object | None", "properties: object"),
    Mutant("bodies are not checked for UTF-8", "engine/accept.py", "        check_utf8(body)\n", "        pass\n"),
    Mutant(
        "the body's type wins",
        "engine/accept.py",
        "self._item, self._type, ",
        "self._item, self._item.type or self._type, ",
    ),
    Mutant(
        "slow routing key by the body's type",
        "engine/accept.py",
        'routing_key({**event, "type": event_type})',
        "routing_key(event)",
    ),
    Mutant(
        "too many items are lost",
        "engine/accept.py",
        "for raw in items[BATCH_EVENTS:]]",
        "for raw in items[BATCH_EVENTS + 1 :]]",
    ),
    Mutant(
        "one item too many",
        "engine/accept.py",
        "for raw in items[:BATCH_EVENTS]:",
        "for raw in items[: BATCH_EVENTS + 1]:",
    ),
    Mutant(
        "an item may be of any size",
        "engine/accept.py",
        "        if len(body) > EVENT_BYTES:\n            return",
        "        if False:\n            return",
    ),
    Mutant(
        "nulls are not missing",
        "engine/fault.py",
        "value is not None and not isinstance(value, kind)",
        "not isinstance(value, kind)",
    ),
    Mutant(
        "alias needs an anonymous id",
        "engine/fault.py",
        'if not (event.get("userId") or',
        'if not (event_type != "alias" and event.get("userId") or',
    ),
    Mutant("consent update not validated", "engine/fault.py", "return _update_fault(event)", "return None"),
    Mutant(
        "answers of a consent update may be anything",
        "engine/fault.py",
        "if not all(isinstance(value, bool)",
        "if not all(True",
    ),
    Mutant("true is a version number", "engine/fault.py", "isinstance(version, bool) or ", ""),
    Mutant("merge: root wins", "engine/merge.py", "_merge(said, item.get(name))", "_merge(item.get(name), said)"),
    Mutant(
        "merge: unreadable consent of the root forgotten",
        "engine/merge.py",
        "if holds is Whole.UNREADABLE and",
        "if False and",
    ),
    Mutant(
        "merge: a null answer is no answer",
        "engine/merge.py",
        "return _with_preferences(merged, {**shared, **own})",
        "return merged",
    ),
    Mutant("merge: the item's consent is not merged", "engine/merge.py", "{**shared, **own}", "{**own}"),
    Mutant("whole pairs of surrogates are broken", "engine/json.py", r"(?:\\u[dD][89abAB]..\\u[dD][c-fC-F]..)|", ""),
    Mutant("escaped backslashes are misread", "engine/json.py", r"|\\.", ""),
    Mutant("NaN is JSON", "engine/json.py", ", parse_constant=_refuse", ""),
    # ---------------------------------------------------------------- forwarding
    Mutant("write key forwarded", "engine/forward.py", 'event.pop("writeKey", None)', 'event.get("writeKey", None)'),
    Mutant("clock corrected the wrong way", "engine/forward.py", "received_at - (sent_at", "received_at + (sent_at"),
    Mutant("times without a zone are unreadable", "engine/forward.py", "else time.replace(tzinfo=UTC)", "else None"),
    Mutant("the client's address overwritten", "engine/forward.py", ' and context.get("ip") is None', ""),
    Mutant("timestamps out of range raise", "engine/forward.py", "except OverflowError:", "except KeyError:"),
    # ---------------------------------------------------------------- observing, and the shadow
    Mutant(
        "compiled: observing lets nothing go",
        "engine/policy.py",
        "one.observe if workspace.observe else one.decide",
        "one.decide",
    ),
    Mutant(
        "compiled: observing lets pass what else closes",
        "engine/policy.py",
        "or decision.reason not in BY_CONSENT",
        "or False",
    ),
    Mutant(
        "compiled: observing overrules the integrations object",
        "engine/policy.py",
        "if integrations and self._is_closed_by(integrations):\n            return _CLOSED\n        return Decision",
        "if False:\n            return _CLOSED\n        return Decision",
    ),
    Mutant("compiled: what is observed does not say so", "engine/policy.py", ", observed=True", ""),
    Mutant(
        "observing overrules the integrations object",
        "engine/decide.py",
        "return _narrowed(destination, event, let_go)",
        "return let_go",
    ),
    Mutant("a trial overlooks observing", "engine/trial.py", "return workspace.observe, ", "return False, "),
    Mutant(
        "a shadow is compared with what is observed",
        "engine/shadow.py",
        "decision_for(policy, key, destination).enforced",
        "decision_for(policy, key, destination)",
    ),
    Mutant("a shadow counts kinds of events", "engine/shadow.py", "+= events", "+= 1"),
    # ---------------------------------------------------------------- profiles
    Mutant("an update leaves what it does not name", "engine/profile.py", "not statement.complete:", "True:"),
    Mutant(
        "what is unreadable replaces a refusal",
        "engine/profile.py",
        "if answer.preference is Preference.UNKNOWN and",
        "if False and",
    ),
    Mutant(
        "at one moment a grant counts",
        "engine/profile.py",
        "key=lambda said: _RANK[said[3]]",
        "key=lambda said: -_RANK[said[3]]",
    ),
    Mutant(
        "receipts count as they came in",
        "engine/profile.py",
        "sorted(receipts, key=lambda one: one.moment)",
        "list(receipts)",
    ),
    Mutant("a late receipt is followed", "engine/profile.py", "if newest.moment <= profile.latest or", "if"),
    Mutant(
        "a browser's stamp speaks for the person at once",
        "engine/profile.py",
        "is_joined_now = profile.links[device] == moment and",
        "is_joined_now = False and",
    ),
    Mutant("an unreadable value is a grant", "engine/receipts.py", "if value is True:", "if value is not False:"),
    # ---------------------------------------------------------------- holding and reading again
    Mutant("a held source holds nothing", "engine/hold.py", "if source in self._sources:", "if False:"),
    Mutant(
        "under `any`, one held category of many holds",
        "engine/hold.py",
        "if not blocking or (self._any and len(blocking) < len(decision.categories)):",
        "if not blocking:",
    ),
    Mutant(
        "under `all`, one held category of many does not hold",
        "engine/hold.py",
        "(self._any and len(blocking) < len(decision.categories))",
        "len(blocking) < len(decision.categories)",
    ),
    # ---------------------------------------------------------------- what consent tools say
    Mutant(
        "OneTrust: what was answered before it asks anew counts",
        "signals/onetrust.py",
        "if is_asking else",
        "if 0 else",
    ),
    Mutant("OneTrust: split at the first colon", "signals/onetrust.py", ".rpartition(", ".partition("),
    Mutant("TrustArc: the list counts from 1", "signals/trustarc.py", "int(one) + 1 for", "int(one) for"),
    Mutant("TrustArc: permit counts from 0", "signals/trustarc.py", "{int(one) for one", "{int(one) + 1 for one"),
    Mutant(
        "Cookiebot: undecided is refused",
        "signals/cookiebot.py",
        "CATEGORIES, Answer.UNKNOWN)",
        "CATEGORIES, Answer.DENIED)",
    ),
    Mutant(
        "Usercentrics: a half-ticked group is denied",
        "signals/usercentrics.py",
        '"state")), Answer.UNKNOWN)',
        '"state")), Answer.DENIED)',
    ),
    Mutant("Osano: accepting to opt out grants", "signals/osano.py", 'if id_ == "OPT_OUT" else', "if 0 else"),
    Mutant("GPC: any text counts", "signals/gpc.py", "said not in _ON | _OFF", "not said"),
    Mutant(
        "GPP: not applicable is a grant",
        "signals/gpp.py",
        "_MEANINGS.get(value, Answer.UNKNOWN)",
        "_MEANINGS.get(value, Answer.GRANTED)",
    ),
    Mutant(
        "GPP: an unknown section is passed over",
        "signals/gpp.py",
        "found if len(found) == len(readings) else None",
        "found",
    ),
    Mutant("TCF: version 1 is read", "signals/tcf.py", "if bits.number(6) != 2:", "if bits.number(6) > 2:"),
    Mutant(
        "of several answers the best counts",
        "signals/reading.py",
        "if Answer.DENIED in found:\n        return Answer.DENIED",
        "if Answer.GRANTED in found:\n        return Answer.GRANTED",
    ),
    Mutant(
        "RudderStack: denied ids are not looked at",
        "signals/dialects.py",
        "((one, Answer.DENIED) for one in denied)",
        "()",
    ),
    Mutant(
        "mParticle: to opt out of sale is to grant it",
        "signals/dialects.py",
        "answer(not opted_out if",
        "answer(opted_out if",
    ),
    Mutant(
        "GPC that is off is an answer",
        "signals/dialects.py",
        "return [reading] if reading.gpc else []",
        "return [reading]",
    ),
    Mutant(
        "cookies that cannot be read are passed over",
        "signals/dialects.py",
        "    if unread(cookies):\n        return None\n",
        "",
    ),
    Mutant(
        "a dialect that cannot be read is passed over",
        "signals/translate.py",
        "return _stamped(event, own, None)",
        "continue",
    ),
    Mutant(
        "the numbers of the TCF are categories",
        "signals/translate.py",
        'frozenset({"tcf", "gpp", "gpc"})',
        'frozenset({"gpp", "gpc"})',
    ),
    Mutant("a signal that nobody answered has no say", "signals/translate.py", 'if reading.tool == "gpp":', "if True:"),
    Mutant(
        "what the event states itself has no say",
        "signals/translate.py",
        "*([answer(own)] if own is not _UNANSWERED else [])",
        "",
    ),
    Mutant("what the event brought is not kept", "signals/translate.py", "consent[AS_SENT] = own", "pass"),
    Mutant("a trial overlooks held cursors", "engine/trial.py", "and destination in side.held", "and False"),
    Mutant(
        "a trial overlooks what leaves",
        "engine/trial.py",
        "was = before.state if before is not None else State.WITHHELD",
        "was = before.state if before is not None else State.DELIVERED",
    ),
    # ---------------------------------------------------------------- people who ask
    Mutant(
        "an alias event is about one person only",
        "engine/person.py",
        "or (ids.previous_id is not None and ids.previous_id in self._all)",
        "or False",
    ),
    Mutant(
        "a user id is an anonymous id too",
        "engine/person.py",
        "anonymous_id in self._browsers",
        "anonymous_id in self._all",
    ),
    Mutant("a cut sample shows who it is", "engine/person.py", "cut is not None and", "False and"),
    Mutant(
        "any text with a short id is redacted",
        "engine/person.py",
        "_SHORTEST_NAME: Final = 4",
        "_SHORTEST_NAME: Final = 1",
    ),
    Mutant("digests need no key", "engine/suppression.py", "hmac.digest(key,", 'hmac.digest(b"",'),
    Mutant("ids of both kinds have one digest", "engine/suppression.py", 'keyed, b"a"', 'keyed, b"u"'),
    Mutant(
        "who is unsuppressed stays so",
        "engine/suppression.py",
        "            self._answers = {}\n",
        "            pass\n",
    ),
    Mutant("alias events slip through", "engine/accept.py", 'if event_type != "alias" and (', "if ("),
    Mutant("discards show who is suppressed", "engine/accept.py", 'b"" if is_theirs else body', "body"),
)
