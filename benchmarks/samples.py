"""The event that benchmarks send, and the workspaces that they send it to."""

import json
import random
import uuid
from typing import Any

_COLOURS = ("blue", "white", "green", "ochre", "black")
_PRODUCTS = ("Linen shirt", "Rain jacket", "Wool hat", "Tea towel", "Green kettle", "Walking shoes", "Striped scarf")
CATEGORIES = [f"C{index:04d}" for index in range(1, 7)]


def event(number: int) -> dict[str, Any]:
    """A track event of about 1.2 KB, as a browser sends it, with one of 32 consent objects.

    What differs between visitors and products in real traffic differs here too, so that it compresses no better.
    """
    chance = random.Random(number)
    colour, product = chance.choice(_COLOURS), chance.choice(_PRODUCTS)
    path = f"/products/{product.lower().replace(' ', '-')}-{chance.randrange(1000)}"
    return {
        "type": "track",
        "event": "Product Viewed",
        "messageId": f"ajs-next-1767225600000-{number:012d}",
        "userId": f"user-{number % 5000}",
        "anonymousId": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "timestamp": f"2026-01-01T{chance.randrange(24):02}:{chance.randrange(60):02}:00.{chance.randrange(1000):03}Z",
        "context": {
            "library": {"name": "analytics.js", "version": "npm:next-1.84.3"},
            "page": {
                "path": path,
                "referrer": f"https://www.example.com/search?q={chance.getrandbits(48):x}",
                "search": f"?colour={colour}&size=m",
                "title": f"{product}, {colour} | The Example Shop",
                "url": f"https://shop.example.com{path}?colour={colour}&size=m",
            },
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            f"Chrome/{chance.randrange(120, 145)}.0",
            "campaign": {"name": "spring", "source": "newsletter", "medium": "email", "content": "linen-header-banner"},
            "screen": {
                "width": chance.choice((390, 1440, 1920)),
                "height": chance.choice((844, 900, 1080)),
                "density": 2,
            },
            "locale": "en-GB",
            "timezone": "Europe/Berlin",
            "consent": {
                "categoryPreferences": {
                    category: bool(number >> index & 1 or index == 0) for index, category in enumerate(CATEGORIES)
                }
            },
        },
        "properties": {
            "product_id": f"{chance.getrandbits(96):024x}",
            "sku": f"G-{chance.randrange(100)}-{colour.upper()}-M",
            "category": "Shirts",
            "name": product,
            "brand": "Example",
            "price": chance.randrange(500, 20000) / 100,
            "quantity": 1,
            "currency": "EUR",
            "position": chance.randrange(40),
            "image_url": f"https://cdn.example.com{path}.jpg",
        },
        "integrations": {},
    }


def body(number: int) -> bytes:
    """The JSON of `event(number)`, as small as browsers write it."""
    return json.dumps(event(number), separators=(",", ":")).encode()


def workspace(
    destinations: int, *, connector: str = "blackhole", settings: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A workspace file: `destinations` destinations over six categories, the first of which everybody grants."""
    ids = [f"d{index}" for index in range(destinations)]
    return {
        "workspace": "benchmark",
        "consent": {"categories": [{"id": one, "destinations": ids[index::6]} for index, one in enumerate(CATEGORIES)]},
        "sources": [{"id": "web", "write_key": "bench"}],
        "destinations": [{"id": one, "connector": connector, "settings": settings or {}} for one in ids],
    }
