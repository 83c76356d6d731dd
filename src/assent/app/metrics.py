"""What the server counts about itself, as Prometheus reads it."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from assent.delivery.worker import Worker
from assent.log.interface import ACCEPTED, Counts, Log
from assent.store.accounts import Settlement

_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Histogram:
    """How long something took, in seconds, by bucket; an observation costs a fraction of a microsecond."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_BUCKETS) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(_BUCKETS, seconds)] += 1
        self._sum += seconds

    def family(self, name: str, text: str) -> Metric:
        total = 0
        buckets = []
        for bound, count in zip((*map(str, _BUCKETS), "+Inf"), self._counts, strict=True):
            total += count
            buckets.append((bound, total))
        return HistogramMetricFamily(name, text, buckets, self._sum)


class Metrics:
    """The counts of one server since it started."""

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()
        self.accepted: Counter[str] = Counter()
        self.discarded: Counter[tuple[str, str]] = Counter()
        self.settled: Counter[tuple[str, str, str]] = Counter()
        self.request_seconds = Histogram()
        self.commit_seconds = Histogram()

    def committed(self, seconds: float, received: Counts) -> None:
        """The log has stored what `received` counts."""
        self.commit_seconds.observe(seconds)
        for (_minute, source, code), events in received.items():
            if code == ACCEPTED:
                self.accepted[source] += events
            else:
                self.discarded[source, code] += events

    def settlement(self, settlement: Settlement) -> None:
        for account, events in settlement.counts.items():
            if events > 0:  # what is taken up again is taken off there, and no counter goes back
                self.settled[settlement.destination, account.state, account.reason] += events

    def render(self, log: Log, workers: Iterable[Worker], *, observing: bool = False) -> bytes:
        """The text that Prometheus scrapes."""
        registry = CollectorRegistry()
        registry.register(_Snapshot(self, log, list(workers), observing))
        return generate_latest(registry)


class _Snapshot(Collector):
    def __init__(self, metrics: Metrics, log: Log, workers: list[Worker], observing: bool) -> None:
        self._metrics = metrics
        self._log = log
        self._workers = workers
        self._observing = observing

    def collect(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield _counter("assent_requests", "Requests to the tracking API.", ["status"], metrics.requests)
        yield _counter("assent_accepted_events", "Events that are in the log.", ["source"], metrics.accepted)
        yield _counter("assent_discarded", "Items that never became events.", ["source", "code"], metrics.discarded)
        yield _counter(
            "assent_settled_events",
            "Events by what became of them at a destination.",
            ["destination", "state", "reason"],
            metrics.settled,
        )
        yield metrics.request_seconds.family("assent_request_seconds", "From a request's last byte to its answer.")
        yield metrics.commit_seconds.family("assent_commit_seconds", "One group commit of the log.")
        yield _gauge("assent_log_head", "The offset that the next event gets.", [((), self._log.head)])
        text = "1 while consent is decided and counted, but not enforced."
        yield _gauge("assent_observing", text, [((), int(self._observing))])
        lag = [((one.destination,), self._log.head - one.position) for one in self._workers]
        yield _gauge("assent_cursor_lag_events", "Events that a destination has not read yet.", lag)
        waiting = [((one.destination,), len(one.waiting)) for one in self._workers]
        yield _gauge("assent_retrying_events", "Events that wait to be tried again.", waiting)
        held = [((one.destination,), one.held) for one in self._workers]
        yield _gauge("assent_held_events", "Events that are kept until their source or category is released.", held)
        breakers = [((one.destination,), int(one.breaker.is_open)) for one in self._workers]
        yield _gauge("assent_breaker_open", "1 while a destination is left alone after failures.", breakers)
        held = [((one.destination,), int(one.is_held)) for one in self._workers]
        yield _gauge("assent_destination_held", "1 while somebody holds a destination.", held)


def _counter(name: str, text: str, labels: list[str], counts: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, count in counts.items():
        family.add_metric([str(one) for one in (key if isinstance(key, tuple) else (key,))], count)
    return family


def _gauge(name: str, text: str, values: Sequence[tuple[tuple[str, ...], int]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["destination"] if values and values[0][0] else [])
    for labels, value in values:
        family.add_metric(labels, value)
    return family
