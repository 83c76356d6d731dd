"""The consent tools that people use: where each keeps the ids of its categories, and those that all its users share."""

from collections.abc import Sequence
from typing import Final

import msgspec


class ToolCategory(msgspec.Struct, frozen=True):
    """A category as a tool ships it: its id, exactly as events will carry it, and its name."""

    id: str
    name: str


class Tool(msgspec.Struct, frozen=True):
    """A consent tool, or a standard that such tools speak.

    `where` says where to find the ids, in a sentence. `categories` are the ready-made ones; none where every user of
    the tool has ids of their own. `answers` is what gives the answers in the browser, a JavaScript expression or
    function, where the tool documents one. `line` is what to type into the browser's console, on a page whose banner
    was answered, for the category finder; where there is none, all cookies will do.
    """

    id: str
    name: str
    where: str
    categories: Sequence[ToolCategory] = ()
    answers: str = ""
    line: str = ""


def _categories(**names: str) -> tuple[ToolCategory, ...]:
    return tuple(ToolCategory(id_, name) for id_, name in names.items())


def _numbered(*names: str, prefix: str = "") -> tuple[ToolCategory, ...]:
    return tuple(ToolCategory(f"{prefix}{number}", name) for number, name in enumerate(names, 1))


TOOLS: Final = (
    Tool(
        "onetrust",
        "OneTrust",
        "In OneTrust, Cookie Consent > Categorizations, the column ID. Or on your page, in the browser's console: "
        "`OneTrust.GetDomainData().Groups`, the field `CustomGroupId`. Old sites have ids such as `1` or `BG71`.",
        _categories(
            C0001="Strictly Necessary",
            C0002="Performance",
            C0003="Functional",
            C0004="Targeting",
            C0005="Social Media",
        ),
        "OneTrust.GetDomainData().Groups",
        line="JSON.stringify({groups: OneTrust.GetDomainData().Groups.map(({CustomGroupId, GroupName}) => "
        "({CustomGroupId, GroupName})), active: OnetrustActiveGroups})",
    ),
    Tool(
        "cookiebot",
        "Cookiebot",
        "They are the same for everybody.",
        _categories(necessary="Necessary", preferences="Preferences", statistics="Statistics", marketing="Marketing"),
        "Cookiebot.consent",
        line="JSON.stringify(Cookiebot.consent)",
    ),
    Tool(
        "usercentrics",
        "Usercentrics",
        "In Usercentrics, Service Settings > Categories, the category slug. You may have added your own.",
        _categories(essential="Essential", functional="Functional", marketing="Marketing"),
        "__ucCmp.getConsentDetails()",
        line="JSON.stringify(await __ucCmp.getConsentDetails())",
    ),
    Tool(
        "didomi",
        "Didomi",
        "In the Didomi console, Data processing > Purposes, the SDK id. Add those of your own there.",
        _categories(cookies="Cookies", create_ads_profile="Create a profile for ads"),
        "Didomi.getCurrentUserStatus()",
        line="JSON.stringify(Didomi.getCurrentUserStatus())",
    ),
    Tool(
        "trustarc",
        "TrustArc",
        "The buckets of your consent manager, by number.",
        _numbered("Required", "Functional", "Advertising"),
        "truste.cma.callApi(...)",
        line="JSON.stringify(truste.cma.callApi('getConsentDecision', location.hostname))",
    ),
    Tool(
        "ketch",
        "Ketch",
        "In Ketch, Policy Center > Purposes, the code of each purpose: they are your own.",
        answers="ketch('on', 'consent', ...)",
        line="ketch('on', 'consent', (one) => console.log(JSON.stringify(one)))",
    ),
    Tool(
        "osano",
        "Osano",
        "They are the same for everybody.",
        _categories(
            ESSENTIAL="Essential",
            ANALYTICS="Analytics",
            MARKETING="Marketing",
            PERSONALIZATION="Personalisation",
            OPT_OUT="Opt out of sale",
            STORAGE="Storage",
        ),
        "Osano.cm.getConsent()",
        line="JSON.stringify(Osano.cm.getConsent())",
    ),
    Tool(
        "iubenda",
        "iubenda",
        "They are the same for everybody: numbers.",
        _numbered("Necessary", "Functionality", "Experience", "Measurement", "Marketing"),
        "_iub.cs.consent.purposes",
        line="JSON.stringify(_iub.cs.consent)",
    ),
    Tool(
        "cookieyes",
        "CookieYes",
        "They are the same for everybody.",
        _categories(
            necessary="Necessary",
            functional="Functional",
            analytics="Analytics",
            performance="Performance",
            advertisement="Advertisement",
        ),
        "getCkyConsent()",
        line="JSON.stringify(getCkyConsent())",
    ),
    Tool(
        "klaro",
        "Klaro",
        "In your own Klaro configuration: `services[].name`.",
        answers="klaro.getManager().consents",
        line="JSON.stringify((({consents, confirmed, config}) => ({consents, confirmed, config: {services: "
        "config.services.map(({name, title}) => ({name, title}))}}))(klaro.getManager()))",
    ),
    Tool(
        "termly",
        "Termly",
        "They are the same for everybody.",
        _categories(
            essential="Essential",
            performance="Performance",
            analytics="Analytics",
            advertising="Advertising",
            social_networking="Social networking",
            unclassified="Unclassified",
        ),
        "Termly.getConsentState()",
        line="JSON.stringify(Termly.getConsentState())",
    ),
    Tool(
        "sourcepoint",
        "Sourcepoint",
        "In Sourcepoint, your vendor list: the hexadecimal `_id` of each purpose. They are your own.",
        answers="__tcfapi('getCustomVendorConsents', 2, ...)",
        line="__tcfapi('getCustomVendorConsents', 2, (one) => console.log(JSON.stringify(one)))",
    ),
    Tool(
        "tcf",
        "IAB TCF 2.2 and 2.3",
        "The numbers of the purposes of the Transparency and Consent Framework, the same for everybody.",
        _numbered(
            "Store or access information on a device",
            "Use limited data to select advertising",
            "Create profiles for personalised advertising",
            "Use profiles to select personalised advertising",
            "Create profiles to personalise content",
            "Use profiles to select personalised content",
            "Measure advertising performance",
            "Measure content performance",
            "Understand audiences through statistics",
            "Develop and improve services",
            "Use limited data to select content",
        ),
        "__tcfapi",
        line="__tcfapi('addEventListener', 2, (one) => console.log(JSON.stringify(one)))",
    ),
    Tool(
        "gpp",
        "IAB GPP",
        "It has sections for laws, and no categories: choose ids of your own, and set them from what the sections say "
        "about sale, sharing and targeted advertising.",
        answers="__gpp",
        line="__gpp('ping', (one) => console.log(JSON.stringify(one)))",
    ),
    Tool(
        "gpc",
        "Global Privacy Control",
        "It is one signal and has no ids: choose the id of the category that it refuses, such as `sale_or_sharing`.",
        answers="navigator.globalPrivacyControl",
        line="navigator.globalPrivacyControl",
    ),
    Tool(
        "google",
        "Google Consent Mode",
        "They are the same for everybody: the storage types that your tool tells Google's tags.",
        _categories(
            ad_storage="Advertising",
            ad_user_data="Data about people for advertising",
            ad_personalization="Personalised advertising",
            analytics_storage="Analytics",
            functionality_storage="Functionality",
            personalization_storage="Personalisation",
            security_storage="Security",
        ),
        "google_tag_data.ics.entries",
        line="JSON.stringify(Object.fromEntries(Object.entries(google_tag_data.ics.entries).map(([type, one]) "
        "=> [type, one.update ?? one.default])))",
    ),
    Tool(
        "own",
        "Another, or our own",
        "Look for the ids that your tool gives to purposes, services or cookie groups. Write them exactly as your "
        "pages will send them: they are case-sensitive.",
    ),
)


def find_tool(id_: str) -> Tool | None:
    """The tool of this id."""
    return next((one for one in TOOLS if one.id == id_), None)
