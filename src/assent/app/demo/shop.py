"""The demo's workspace: a shop with three sources, five consent categories and six destinations of different fate."""

from pathlib import Path
from typing import Final

from assent.domain.workspace import Category, Consent, Destination, Source, Workspace

NAME: Final = "Assent demo"
OWNER: Final = "demo@example.com"

WEB: Final = Source(id="web", name="Web shop", write_key="demo-web-key")
IOS: Final = Source(id="ios", name="iOS app", write_key="demo-ios-key")
BACKEND: Final = Source(id="backend", name="Order service", write_key="demo-backend-key")

NECESSARY: Final = "C0001"
PERFORMANCE: Final = "C0002"
FUNCTIONAL: Final = "C0003"
TARGETING: Final = "C0004"
SOCIAL: Final = "C0005"
CATEGORIES: Final = (NECESSARY, PERFORMANCE, FUNCTIONAL, TARGETING, SOCIAL)

ANALYTICS: Final = "analytics"
ADS: Final = "ads"
EMAIL: Final = "email"
CHAT: Final = "chat"
LAKE: Final = "lake"
PARTNER: Final = "partner"
PARTNER_NAME: Final = "Data partner"

_CONSENT: Final = Consent(
    categories=(
        Category(id=NECESSARY, name="Strictly necessary", destinations=(LAKE,)),
        Category(id=PERFORMANCE, name="Performance", destinations=(ANALYTICS,)),
        Category(id=FUNCTIONAL, name="Functional", destinations=(EMAIL, CHAT)),
        Category(id=TARGETING, name="Targeting", destinations=(ADS, EMAIL)),
        Category(id=SOCIAL, name="Social media"),
    )
)


def shop(urls: dict[str, str], data: Path) -> Workspace:
    """The workspace; `urls` are the addresses of the receivers by destination id, `data` where the file goes."""
    return Workspace(
        workspace=NAME,
        consent=_CONSENT,
        sources=(WEB, IOS, BACKEND),
        destinations=(
            _webhook(ANALYTICS, "Product analytics", urls, batch_size=20),
            _webhook(ADS, "Ad audiences", urls, concurrency=4),
            _webhook(EMAIL, "E-mail campaigns", urls, concurrency=4),
            _webhook(CHAT, "Support chat", urls, concurrency=1),
            Destination(
                id=LAKE, name="Data lake", connector="file", settings={"path": str(data / "lake" / "events.jsonl")}
            ),
            _webhook(PARTNER, PARTNER_NAME, urls),
        ),
    )


def _webhook(id_: str, name: str, urls: dict[str, str], **settings: int) -> Destination:
    return Destination(id=id_, name=name, connector="webhook", settings={"url": urls[id_], **settings})
