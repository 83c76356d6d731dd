"""What the gateway has done so far, as its `/metrics` say."""

from collections import Counter
from collections.abc import Iterator

import msgspec
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from assent.domain.decision import Reason
from assent.domain.outcome import State


class Fortune(msgspec.Struct):
    """What became of the events at one destination; `rests` while its breaker is open."""

    settled: Counter[State] = msgspec.field(default_factory=Counter)
    withheld: Counter[Reason] = msgspec.field(default_factory=Counter)
    retrying: int = 0
    lag: int = 0
    rests: bool = False


class Figures(msgspec.Struct):
    """Everything that the demo shows of a gateway."""

    accepted: int = 0
    discarded: Counter[str] = msgspec.field(default_factory=Counter)
    destinations: dict[str, Fortune] = msgspec.field(default_factory=dict)

    @property
    def received(self) -> int:
        return self.accepted + self.discarded.total()

    def at(self, destination: str) -> Fortune:
        return self.destinations.setdefault(destination, Fortune())


def read_figures(metrics: str) -> Figures:
    """The figures in a text that Prometheus would scrape."""
    figures = Figures()
    for family in text_string_to_metric_families(metrics):
        for labels, value in _samples(family):
            _take(figures, family.name, labels, value)
    return figures


def _samples(family: Metric) -> Iterator[tuple[dict[str, str], int]]:
    return ((one.labels, int(one.value)) for one in family.samples)


def _take(figures: Figures, name: str, labels: dict[str, str], value: int) -> None:
    match name:
        case "assent_accepted_events":
            figures.accepted += value
        case "assent_discarded":
            figures.discarded[labels["code"]] += value
        case "assent_settled_events":
            fortune = figures.at(labels["destination"])
            state = State(labels["state"])
            fortune.settled[state] += value
            if state is State.WITHHELD:
                fortune.withheld[Reason(labels["reason"])] += value
        case "assent_cursor_lag_events":
            figures.at(labels["destination"]).lag = value
        case "assent_retrying_events":
            figures.at(labels["destination"]).retrying = value
        case "assent_breaker_open":
            figures.at(labels["destination"]).rests = bool(value)
