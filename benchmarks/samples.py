"""The event that benchmarks send, and the workspaces that they send it to."""

import json
from typing import Any

CATEGORIES = [f"C{index:04d}" for index in range(1, 7)]


def event(number: int) -> dict[str, Any]:
    """A track event of about 1.2 KB, as a browser sends it, with one of 32 consent objects."""
    return {
        "type": "track",
        "event": "Product Viewed",
        "messageId": f"ajs-next-1767225600000-{number:012d}",
        "userId": f"user-{number % 5000}",
        "anonymousId": "6b1c7f62-6f0b-4b9c-9a3e-0d6f2f1f6a10",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "context": {
            "library": {"name": "analytics.js", "version": "npm:next-1.84.3"},
            "page": {
                "path": "/products/linen-shirt",
                "referrer": "https://www.example.com/search?q=linen+shirt",
                "search": "?colour=blue&size=m",
                "title": "Linen shirt, blue | The Example Shop",
                "url": "https://shop.example.com/products/linen-shirt?colour=blue&size=m",
            },
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0",
            "campaign": {"name": "spring", "source": "newsletter", "medium": "email", "content": "linen-header-banner"},
            "screen": {"width": 1440, "height": 900, "density": 2},
            "locale": "en-GB",
            "timezone": "Europe/Berlin",
            "consent": {
                "categoryPreferences": {
                    category: bool(number >> index & 1 or index == 0) for index, category in enumerate(CATEGORIES)
                }
            },
        },
        "properties": {
            "product_id": "507f1f77bcf86cd799439011",
            "sku": "G-32-BLUE-M",
            "category": "Shirts",
            "name": "Linen shirt",
            "brand": "Example",
            "price": 49.9,
            "quantity": 1,
            "currency": "EUR",
            "position": 3,
            "image_url": "https://cdn.example.com/products/linen-shirt-blue.jpg",
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
