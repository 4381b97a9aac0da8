"""Names out of logs, folders and settings stay text in the report, and its policy refuses what is none of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

import polars as pl
import pytest
from browser import ABSENT, Page, browser
from frames import splits
from report_pages import SOURCE, Judged, Outline, judged

from purchase_pred.report.page import render_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = (
    "<script>document.body.dataset.hit = 1</script>",
    "</script><script>document.body.dataset.hit = 1</script>",
    "</title><script>document.body.dataset.hit = 1</script>",
    "</style><style>main { display: none }</style>",
    "</text></svg><style>main { display: none }</style>",
    "<img src=x: onerror='document.body.dataset.hit = 1'>",
    '" style="display: none" onfocus="document.body.dataset.hit = 1" autofocus x="',
    "' style='display: none' x='",
    "<!-- <b> ]]> &lt;script&gt; $\\frac{1}{2}$ {0} %s \u202e",
)


@pytest.fixture(scope="module")
def running() -> Iterator[Page]:
    if ABSENT is not None:
        pytest.skip(ABSENT)
    with browser() as page:
        yield page


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Judged, Path]:
    return judged(), tmp_path_factory.mktemp("report") / "report.html"


def test_nothing_on_the_page_needs_a_style_of_its_own(written: tuple[Judged, Path]):
    page = written[0].page
    assert " style=" not in page
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert policy
    assert "unsafe" not in policy[1]


@pytest.mark.parametrize("name", ["</title><script>1</script>", 'a" onload="1', "</h1><img src=x>", "&lt;b&gt;"])
def test_the_name_of_the_model_stays_text(written: tuple[Judged, Path], name: str):
    report = written[0]
    documents = dict(report.document, model=name)
    page = render_report(replace(report.shown, document=documents))
    assert name not in page
    assert f"<title>{escape(name)}: the user buys" in page
    assert f"<h1>{escape(name)} " in page or f"<h1>{escape(name)}:" in page


def named(report: Judged, name: str) -> str:
    """Return a report in which everything that a log, a folder or a file of settings names is called so."""
    shown, model = report.shown, report.document["model"]

    def renamed(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(name=pl.col("name").replace(model, name))

    cohorts = shown.cohorts.with_columns(value=pl.lit(name), cohort=pl.col("cohort").replace("persona", name))
    return render_report(
        replace(
            shown,
            document=dict(shown.document, model=name),
            best=name,
            comparison=renamed(shown.comparison),
            curves={name if key == model else key: curve for key, curve in shown.curves.items()},
            cohorts=cohorts,
            flags=shown.flags.with_columns(subject=pl.lit(name), meaning=pl.lit(name), flagged=pl.lit(value=True)),
            importance=shown.importance.with_columns(feature=name + pl.col("feature")),
            swarm=shown.swarm.with_columns(feature=name + pl.col("feature")),
            left_out=[name],
            source=replace(SOURCE, origin=name, settings={name: name}, fingerprints={name: name}),
        )
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_runs_or_restyles_anything(running: Page, written: tuple[Judged, Path], name: str):
    path = written[1].with_name("hostile.html")
    path.write_text(named(written[0], name), encoding="utf-8")
    running.console()
    running.open(path)
    assert running.run("return document.body.dataset.hit") is None
    assert running.run("return document.querySelector('main').checkVisibility()")
    assert running.run("return document.title").startswith(f"{name}: ")
    assert name in running.run("return document.querySelector('h1').textContent")
    assert name[:20] in running.run("return document.querySelector('svg').textContent")
    assert running.visible("controls")
    assert running.console() == []


def test_what_slips_into_the_page_is_refused_by_its_policy(running: Page, written: tuple[Judged, Path]):
    report, path = written
    slipped = "".join(HOSTILE[:-1]) + '<p id=slipped style="display: none">x</p>'  # but for the open comment
    broken = path.with_name("broken.html")
    broken.write_text(report.page.replace("<main>", f"<main>{slipped}"), encoding="utf-8")
    running.console()
    running.open(broken)
    assert running.run("return document.body.dataset.hit") is None
    assert running.visible("slipped")
    assert any("Content Security Policy" in told for told in running.console())


def test_a_long_name_leaves_room_for_its_bar(written: tuple[Judged, Path]):
    report = written[0]
    long = pl.lit("the_share_of_" * 10) + pl.col("feature")
    shown = replace(report.shown, importance=report.shown.importance.with_columns(feature=long))
    page = render_report(shown)
    assert "the_share_of_the_share_…" in page


def test_names_of_features_and_categories_stay_text():
    hostile = '</script><b>$x$ & "y"'
    frames = {
        name: frame.rename({"user_item_view_count": hostile}).with_columns(
            item_category=pl.col("item_category").cast(pl.String).replace("toys", hostile).cast(
                pl.Enum(["books", "garden", "music", "shoes", hostile])
            )
        )
        for name, frame in splits(rows=3_000).items()
    }  # fmt: skip
    page = judged(frames=frames).page
    assert hostile not in page
    assert "&lt;/script&gt;&lt;b&gt;$x$ &amp; " in page
    assert Outline(page).unclosed == []
