"""The page of monitoring, as text and in a browser."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl
import pytest
from browser import ABSENT, Page, browser
from watched import AS_OF, BAD, DAY, LEARNT, ROWS_AS_OF, SETTINGS, fitted, later_rows, quiet_log

from purchase_pred.monitoring.event_checks import check_days
from purchase_pred.monitoring.findings import finding, findings_table
from purchase_pred.monitoring.row_checks import check_rows
from purchase_pred.monitoring.verdict import Verdict, verdict_document
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.tasks.monitor import write_page
from purchase_pred.report.monitor_page import render_monitor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_browser = pytest.mark.skipif(ABSENT is not None, reason=str(ABSENT))
TEXTS = """
return [...document.querySelectorAll("svg text")].map((one) => {
  const box = one.getBoundingClientRect();
  return [one.textContent, box.left, box.right];
});
"""


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    """A day on which nothing was put into a cart, and a model all of whose rows are as they were."""
    silent = (pl.col("timestamp").dt.truncate("1d") == BAD) & (pl.col("event_type") == "add_to_cart")
    days = check_days(quiet_log().filter(~silent).lazy(), as_of=AS_OF, settings=SETTINGS.monitor)
    rows = check_rows(fitted(), LEARNT, later_rows(), as_of=ROWS_AS_OF, settings=SETTINGS.monitor, threads=1)
    return Verdict("lightgbm_20240920_000000", AS_OF, 7 * DAY, days, rows)


def test_what_is_beyond_a_limit_stands_in_the_headline_and_first(verdict: Verdict):
    page = render_monitor(verdict)

    assert "1 finding beyond a limit: an event type is silent" in page
    assert page.index("0 events of type add_to_cart") < page.index("The oddest day or feature")
    assert page.count("<svg") == 4
    assert "<script" not in page
    assert render_monitor(verdict) == page


def test_a_quiet_verdict_says_so_and_a_window_without_rows_too(verdict: Verdict):
    calm = verdict.days.findings.with_columns(alarm=False)
    page = render_monitor(replace(verdict, days=replace(verdict.days, findings=calm), rows=None))

    assert '<h1 id="claim">All is quiet</h1>' in page
    assert "Nothing is beyond a limit." in page
    assert "The model has no row in these days" in page
    assert 'id="performance"' not in page


def test_names_from_the_data_stay_text(verdict: Verdict):
    evil = "</style><script>alert(1)</script>\"'"
    raised = findings_table([finding("volume", evil, 1.0, alarm=True, meaning=f"{evil} was seen", day=BAD.date())])
    volumes = verdict.days.volumes.with_columns(pl.lit(evil).alias("subject"))
    page = render_monitor(replace(verdict, days=replace(verdict.days, findings=raised, volumes=volumes)))

    assert "<script" not in page
    assert page.count("</style>") == 1


def test_the_document_holds_every_table_as_json_does(verdict: Verdict):
    document = verdict_document(verdict)

    assert document["limits_passed"] == ["silent"]
    assert document["quiet"] is False
    assert document["window"] == "7d"
    assert document["findings"][0]["day"] == BAD.date().isoformat()
    assert len(document["features"]) == verdict.rows.features.height


def test_the_page_lies_in_the_workspace_and_replaces_the_one_before(verdict: Verdict, tmp_path: Path):
    (tmp_path / "monitor.html").write_text("of yesterday")

    path = write_page(Workspace(tmp_path), replace(verdict, rows=None))

    assert path == tmp_path / "monitor.html"
    assert path.read_text(encoding="utf-8") == render_monitor(replace(verdict, rows=None))


@dataclass(frozen=True)
class Opened:
    """The page, and the browser in which it is open."""

    page: Page
    path: Path


@pytest.fixture(scope="module")
def opened(verdict: Verdict, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    path = tmp_path_factory.mktemp("monitor") / "monitor.html"
    path.write_text(render_monitor(verdict), encoding="utf-8")
    with browser() as page:
        page.open(path)
        yield Opened(page, path)


@needs_browser
def test_it_opens_from_disk_without_a_word_on_the_console_and_asks_for_nothing_else(opened: Opened):
    opened.page.console()
    opened.page.requests()
    opened.page.open(opened.path)

    assert opened.page.text("claim") == "1 finding beyond a limit: an event type is silent"
    assert opened.page.console() == []
    asked = [address for address in opened.page.requests() if not address.startswith("data:")]
    assert asked == [opened.path.as_uri()]


@needs_browser
def test_every_link_of_the_contents_leads_somewhere(opened: Opened):
    links = re.findall(r'<a href="#([^"]+)"', opened.path.read_text(encoding="utf-8"))

    assert links == ["findings", "days", "performance", "calibration", "features"]
    assert all(opened.page.visible(name) for name in links)


@needs_browser
@pytest.mark.parametrize("width", [360, 1000])
def test_no_chart_and_no_page_reaches_beyond_the_screen(opened: Opened, width: int):
    opened.page.tell("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=True)
    try:
        texts = opened.page.run(TEXTS)
        assert opened.page.run("return document.documentElement.scrollWidth") <= width
    finally:
        opened.page.tell("Emulation.clearDeviceMetricsOverride")
    assert len(texts) > 30
    assert [text for text, left, right in texts if left < 0 or right > width] == []


@needs_browser
@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_it_reads_in_light_and_in_dark(opened: Opened, scheme: str, *, dark: bool):
    opened.page.prefer(scheme)
    red = int(opened.page.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]"))

    assert (red < 60) == dark
