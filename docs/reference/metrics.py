"""Every metric, as `GET /metrics` of a server gives it."""

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from reference.markdown import code, codes, page, table
from reference.server import answers

_INTRODUCTION = """\
`GET /metrics` answers these in Prometheus' text format. They count from the start of the process; what must survive a
restart is in the accounts. What to watch and when to worry: [Operating](../guide/operating.md#what-to-watch)."""


def markdown() -> str:
    families = text_string_to_metric_families(answers().metrics)
    rows = ((code(_name(one)), one.type, _labels(one), one.documentation) for one in families)
    return page("Metrics", _INTRODUCTION, table(("Metric", "Type", "Labels", "Says"), rows))


def _name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def _labels(family: Metric) -> str:
    labels = {label: None for sample in family.samples for label in sample.labels if label != "le"}
    return codes(labels)
