"""What made-up visitors do, and what their browser, their app and the shop's own server send of it."""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from math import pi, sin
from typing import Any, Final, NamedTuple, TypeAlias

from assent.app.demo.chance import Chance
from assent.app.demo.shop import BACKEND, IOS, PARTNER_NAME, WEB
from assent.app.demo.visitor import Answer, Event, Visitor

_VISITS_A_SECOND: Final = 3.0
_WAVE_SECONDS: Final = 40
_PRODUCTS: Final = ("Kettle", "Teapot", "Green tea", "Cups, set of 4", "Tea towel", "Honey")
_DONE_BY_SERVER: Final = ("Order Shipped", "Invoice Paid", "Subscription Renewed", "Refund Issued")
_BROWSER: Final = {
    "library": {"name": "analytics.js", "version": "npm:next-1.84.0"},
    "locale": "en-GB",
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
_PHONE: Final = {
    "library": {"name": "analytics-swift", "version": "1.9.1"},
    "device": {"type": "ios", "manufacturer": "Apple", "model": "iPhone17,1"},
    "os": {"name": "iOS", "version": "26.1"},
}
_SERVER: Final = {"library": {"name": "analytics-node", "version": "3.0.0"}}


class Step(NamedTuple):
    """One request of a visit, `pause` seconds after the one before; `answer` says that a person just gave one."""

    pause: float
    path: str
    write_key: str
    events: list[Event]
    answer: Answer | None = None


class Call(NamedTuple):
    """A step and when it is due, in seconds after the start."""

    at: float
    step: Step


_Ongoing: TypeAlias = list[tuple[float, int, Step, Iterator[Step]]]
"""A heap of the visits under way, each with the time of its next step; the number settles ties."""


def calls(seed: int) -> Iterator[Call]:
    """What all visitors send, in order of time and without end; the same for the same seed."""
    chance = Chance(seed)
    ongoing: _Ongoing = []
    numbers = count()
    arrival = 0.0
    while True:
        while not ongoing or arrival <= ongoing[0][0]:
            visit = chance.pick(_VISITS)(chance.fork())
            _go_on(ongoing, arrival, next(numbers), visit)
            busy = 1 + 0.6 * sin(2 * pi * arrival / _WAVE_SECONDS)
            arrival += chance.expovariate(_VISITS_A_SECOND * busy)
        at, number, step, visit = heappop(ongoing)
        yield Call(at, step)
        _go_on(ongoing, at, number, visit)


def _go_on(
    ongoing: list[tuple[float, int, Step, Iterator[Step]]], at: float, number: int, visit: Iterator[Step]
) -> None:
    if (step := next(visit, None)) is not None:
        heappush(ongoing, (at + step.pause, number, step, visit))


def _web(chance: Chance) -> Iterator[Step]:
    """A visit of the web shop, by analytics.js: each event by itself."""
    visitor = Visitor(chance, {**_BROWSER, "page": {"path": "/", "url": "https://shop.example.com/"}})
    yield _browser(chance, 0, visitor.event("page", name="Home", properties={"path": "/"}), visitor.answer)
    if visitor.answer is not Answer.IGNORES:
        yield _browser(chance, 1.5, visitor.settles(visitor.answer))
    for _ in range(chance.randint(2, 8)):
        yield _browser(chance, 1.2, _looks_around(chance, visitor))
        if chance.happens(0.04):
            changed = chance.choice((Answer.GRANTS, Answer.REFUSES, Answer.CHOOSES))
            yield _browser(chance, 2, visitor.settles(changed), Answer.CHANGES)
    if chance.happens(0.4):
        yield _browser(chance, 1, visitor.signs_up())
        yield _browser(chance, 1, _orders(chance, visitor))


def _app(chance: Chance) -> Iterator[Step]:
    """A visit by the app, which sends a few events at once."""
    visitor = Visitor(chance, _PHONE)
    opened = visitor.event("track", event="Application Opened", properties={})
    yield Step(0, "/v1/batch", IOS.write_key, [opened], visitor.answer)
    if visitor.answer is not Answer.IGNORES:
        yield Step(2, "/v1/batch", IOS.write_key, [visitor.settles(visitor.answer), visitor.signs_up()])
    for _ in range(chance.randint(1, 3)):
        seen = [_looks_around(chance, visitor, "screen") for _ in range(chance.randint(2, 5))]
        yield Step(chance.expovariate(0.3), "/v1/batch", IOS.write_key, seen)
    yield Step(1, "/v1/batch", IOS.write_key, [_orders(chance, visitor)])


def _server(chance: Chance) -> Iterator[Step]:
    """What the shop's own server has to report. Half of it knows of no consent; some names who must not get it."""
    customer = Visitor(chance, _SERVER)
    customer.signs_up()
    if customer.answer is not Answer.IGNORES:
        customer.settles(customer.answer)
    done = [
        customer.event("track", event=chance.choice(_DONE_BY_SERVER), properties={"order": chance.randrange(100_000)})
        for _ in range(chance.randint(1, 4))
    ]
    if chance.happens(0.5):
        for event in done:
            event["context"] = _SERVER
            event["integrations"] = {PARTNER_NAME: False} if chance.happens(0.7) else {}
    yield Step(0, "/v1/batch", BACKEND.write_key, done)


_VISITS: Final[dict[Callable[[Chance], Iterator[Step]], int]] = {_web: 60, _app: 25, _server: 15}


def _browser(chance: Chance, pause: float, event: Event, answer: Answer | None = None) -> Step:
    """One event as analytics.js sends it. Now and then one has lost its ids, or goes twice after a lost answer."""
    if chance.happens(0.008):
        event = {**event, "anonymousId": None, "userId": None}
    if chance.happens(0.008):
        return Step(pause, "/v1/b", WEB.write_key, [event, event], answer)
    path = f"/v1/{event['type'][0]}"
    return Step(chance.expovariate(1 / pause) if pause else 0, path, WEB.write_key, [event], answer)


def _looks_around(chance: Chance, visitor: Visitor, view: str = "page") -> Event:
    product: dict[str, Any] = {"product": chance.choice(_PRODUCTS), "price": chance.randrange(300, 6000) / 100}
    if chance.happens(0.5):
        return visitor.event(view, name="Product", properties=product)
    return visitor.event("track", event=chance.choice(("Product Viewed", "Product Added")), properties=product)


def _orders(chance: Chance, visitor: Visitor) -> Event:
    bought = {"order": chance.randrange(100_000), "total": chance.randrange(500, 20_000) / 100, "currency": "EUR"}
    return visitor.event("track", event="Order Completed", properties=bought)
