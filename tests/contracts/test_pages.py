"""The contract of the pages without a consent tool: counted by source and hour, and forgotten after a month."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import DATABASES

from assent.app.page_reports import PageReports, key_of_page_without_tool
from assent.store.database import open_database
from assent.store.pages import Pages

HOUR_MS = 3_600_000


@pytest.fixture(params=DATABASES)
def pages(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pages]:
    engine = open_database(DATABASES[request.param](tmp_path))
    yield Pages(engine)
    engine.dispose()


def test_pages_add_up_by_source_from_an_hour_on(pages: Pages) -> None:
    reports = PageReports()
    for source, hour in (("web", 100), ("web", 100), ("web", 101), ("app", 101)):
        reports.count(source, hour * HOUR_MS + 59)
    pages.add(reports.take())
    pages.add(reports.take())
    pages.add({("web", 101): 3})
    assert pages.without_tool(100) == {"web": 6, "app": 1}
    assert pages.without_tool(101) == {"web": 4, "app": 1}
    assert pages.without_tool(102) == {}


def test_what_is_older_than_a_month_is_forgotten(pages: Pages) -> None:
    pages.add({("web", 100): 1})
    pages.add({("web", 100 + 30 * 24): 1})
    assert pages.without_tool(0) == {"web": 2}
    pages.add({("web", 101 + 30 * 24): 1})
    assert pages.without_tool(0) == {"web": 2}


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"writeKey": "k", "series": [{"type": "Counter", "metric": "assent.no_consent_tool"}]}', "k"),
        (b'{"writeKey": "k", "series": [{"metric": "analytics_js.invoke"}]}', None),
        (b'{"series": [{"metric": "assent.no_consent_tool"}]}', ""),
        (b'{"writeKey": 1, "series": []}', None),
        (b"no JSON", None),
    ],
)
def test_only_a_page_without_a_tool_is_read_out_of_a_report(body: bytes, key: str | None) -> None:
    assert key_of_page_without_tool(body) == key
