"""The page of a report: whole, self-contained, and true to the figures behind it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import matplotlib as mpl
import polars as pl
import pytest
from report_pages import SETTINGS, Judged, Outline, judged

from purchase_pred.evaluation import earliness_table
from purchase_pred.evaluation.spend import MEAN_AMOUNT, decile_table, money_curve, spend_metrics
from purchase_pred.report.curve_charts import ranking_chart
from purchase_pred.report.model_card import model_card
from purchase_pred.report.page import render_report
from purchase_pred.report.plots import canvas, colour

SECTIONS = (
    "decide",
    "data",
    "prevalence",
    "ranking",
    "calibration",
    "importance",
    "cohorts",
    "flags",
    "card",
    "settings",
)


@pytest.fixture(scope="module")
def report() -> Judged:
    return judged()


@pytest.fixture(scope="module")
def page(report: Judged) -> str:
    return report.page


def test_the_page_is_whole_and_refers_to_nothing_outside_of_it(page: str):
    outline = Outline(page)
    assert outline.unclosed == []
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.references) <= set(outline.ids)
    assert "http://" not in page
    assert "https://" not in page
    assert "@import" not in page


def test_the_contents_link_to_every_section_in_order(page: str):
    assert tuple(re.findall(r'<section id="([a-z]+)"', page)) == SECTIONS
    assert tuple(re.findall(r'<li><a href="#([a-z]+)"', page)) == SECTIONS


def test_equal_tables_give_equal_text(report: Judged, page: str):
    assert render_report(report.shown) == page


def test_every_drawing_takes_its_colours_from_the_page(page: str):
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) == 14
    for drawing in drawings:
        assert not re.search(r"#[0-9a-f]{3,6}\b(?![^<]*</text>)", drawing.replace('href="#', ""))
        assert re.match(r'<svg viewBox="[^"]*" role="img" aria-label="[^"]+"><title>', drawing)
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", page))
    dark = re.search(r"prefers-color-scheme: dark\) \{(.*?)\}", page, re.DOTALL)
    assert dark
    assert used <= set(re.findall(r"--([a-z0-9-]+):", dark[1]))


def test_the_figures_are_there_without_the_script_and_equal_the_document(report: Judged, page: str):
    test = report.document["threshold"]["test"]
    raw = dict(re.findall(r'<output id="(\w+)"[^>]*data-value="([^"]*)"', page))
    expected = {
        "acted": "acted_per_day", "precision": "precision", "recall": "recall",
        "reached": "true_positives", "profit": "profit",
    }  # fmt: skip
    assert {name: float(value) for name, value in raw.items()} == {name: test[key] for name, key in expected.items()}
    assert re.search(r'<form id="controls" hidden>', page)


def test_the_card_says_of_a_refit_model_whose_figures_those_of_validation_are(report: Judged):
    assert "fitted once more" not in model_card(report.shown)
    training = {**report.shown.training, "refit": {"rows_fitted": 4_500}}
    card = model_card(replace(report.shown, training=training))
    assert "fitted once more, on 4,500 rows of training and validation together" in card


def test_the_headline_figure_is_that_of_test(report: Judged, page: str):
    test = report.document["splits"]["test"]
    assert f"<strong>{test['average_precision']:.3f}</strong>" in page


@pytest.mark.parametrize(
    ("positives", "precision", "claim"),
    [
        (99, 0.9, "LightGBM: too few purchases to judge it by"),
        (100, 0.9, "LightGBM ranks purchases 45 times better than chance"),
        (100, 0.19, "LightGBM ranks purchases 9.5 times better than chance"),
        (500, 0.021, "LightGBM ranks purchases no better than chance"),
    ],
)
def test_the_headline_claims_no_more_than_the_figures_bear(
    report: Judged, positives: int, precision: float, claim: str
):
    found = dict(report.document["splits"]["test"], positives=positives, average_precision=precision, prevalence=0.02)
    splits = dict(report.document["splits"], test=found)
    page = render_report(replace(report.shown, document=dict(report.document, splits=splits)))
    assert f"<h1>{claim}</h1>" in page


def test_the_best_rule_is_named_beside_the_model(report: Judged, page: str):
    rules = report.document["baselines"]
    best = max(rules[name]["average_precision"] for name in ("carted_not_bought", "recency"))
    assert re.search(rf"The best rule that needs no model \([a-z, ]+\) reaches a PR.AUC of {best:.3f}\.", page)


def test_of_many_groups_of_a_cohort_the_largest_are_shown(report: Judged):
    one = report.shown.cohorts.filter(cohort="all")
    many = pl.concat(
        one.with_columns(
            cohort=pl.lit("category"), value=pl.lit(f"kind_{kind:02}"), rows=pl.lit(100 + kind, dtype=pl.UInt32)
        )
        for kind in range(40)
    )
    page = render_report(replace(report.shown, cohorts=pl.concat([one, many])))
    assert re.findall(r">(kind_\d+)<", page) == [f"kind_{kind:02}" for kind in range(25, 40)]
    assert "and 25 smaller ones" in page


def test_a_ceiling_is_shown_where_one_is_known(report: Judged, page: str):
    ceiling = dict(report.document["splits"]["test"], average_precision=0.9)
    known = replace(report.shown, document=dict(report.document, ceiling=ceiling))
    assert "upper bound, computed from the simulator&#x27;s hidden state: 0.900" in render_report(known)
    assert "upper bound" not in page


def test_the_curve_of_the_ceiling_is_dotted_in_the_chart_of_the_rankings(report: Judged, page: str):
    drawn = ranking_chart(report.shown.curves, prevalence=0.1, words=report.shown.words)
    own = next(iter(report.shown.curves.values()))
    known = ranking_chart({**report.shown.curves, "ceiling": own}, prevalence=0.1, words=report.shown.words)
    dotted = re.compile(r'stroke-dasharray="1\.1,1\.32"')
    assert len(dotted.findall(known)) == len(dotted.findall(drawn)) + 4  # PR, ROC and the key of each
    shown = render_report(replace(report.shown, curves={**report.shown.curves, "ceiling": own}))
    assert "Dotted: the ceiling, an upper bound" in shown
    assert "Dotted: the ceiling" not in page


def test_earliness_is_drawn_for_targets_within_sessions(report: Judged):
    test = report.splits["test"]
    seen = test.with_columns(session_events=pl.int_range(pl.len(), dtype=pl.UInt32) % 9 + 1)
    table = earliness_table(seen, report.model.predict(test))
    target = dict(report.document["target"], level="session", anchors="in_session")
    shown = render_report(replace(report.shown, earliness=table, document=dict(report.document, target=target)))
    assert '<section id="earliness">' in shown
    assert '<a href="#earliness">How early</a>' in shown
    assert "the session still brings a purchase within 7 days" in shown
    assert f"{table['positives'][0]:,} bought" in shown


def test_money_is_told_by_tenths_of_the_list_and_beside_the_mean_amount(report: Judged, page: str):
    realised, expected = [0.0] * 95 + [20.0] * 5, [1.0] * 90 + [8.0] * 10
    found = spend_metrics(realised, expected)
    spend = {"test": {**found, "deciles": decile_table(realised, expected).to_dicts()}, MEAN_AMOUNT: found}
    curves = {name: money_curve(realised, expected) for name in ("expected", "probability", "best")}
    shown = render_report(replace(report.shown, document=dict(report.document, spend=spend), money=curves))
    assert "On test 100.00 were spent on 100 rows, and 170.00 were expected." in shown
    assert "<td>10</td><td>8.00</td><td>10.00</td><td>0.80</td>" in shown
    assert '<a href="#spend">Money</a>' in shown
    assert "spend" not in page


def test_every_horizon_has_a_row_of_its_own(report: Judged, page: str):
    one = {**report.document["splits"]["test"], "mean_probability": 0.03}
    document = dict(report.document, horizons={"1d": {**one, "positives": 7}, "7d": one})
    shown = render_report(replace(report.shown, document=document))
    assert "never fall from a shorter to a longer one" in shown
    assert "<td>7</td>" in shown
    assert "The ceiling is that of the longest" not in shown
    assert "never fall" not in page
    known = render_report(replace(report.shown, document=dict(document, ceiling=one)))
    assert "The ceiling is that of the longest, 7 days" in known


def test_a_model_of_churn_is_told_of_in_its_own_words(report: Judged):
    target = dict(report.document["target"], kind="churn", level="user", anchors="calendar", horizon="28d")
    shown = render_report(replace(report.shown, document=dict(report.document, target=target)))
    text = " ".join(re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", shown, flags=re.DOTALL).split())
    assert (
        "for every user who was active shortly before: how likely is it that the user stays away for 28 days?" in text
    )
    for said in (
        "Share that leaves",
        "all departures reached",
        "Did not leave",
        "Whoever comes back later than 28 days",
    ):
        assert said in text
    for name in ("with a purchase", "Carted, not bought", "purchase-pred", "Purchases Users", "last purchase"):
        text = re.sub(name, "", text, flags=re.IGNORECASE)  # steps of the funnel, rules and features
    assert re.findall(r"\b(buys?|bought|purchases?)\b", text) == []


def test_one_moment_of_the_session_makes_no_curve(report: Judged):
    test = report.splits["test"]
    first = test.with_columns(session_events=pl.lit(1, dtype=pl.UInt32))
    table = earliness_table(first, report.model.predict(test))
    assert table.height == 1
    assert "earliness" not in render_report(replace(report.shown, earliness=table))


def test_an_embargo_is_told_and_drawn(report: Judged, page: str):
    told = render_report(replace(report.shown, source=replace(report.shown.source, embargo=timedelta(days=1))))
    assert "Nor do validation and test begin within 1 day of it." in told
    assert "Nor do validation" not in page
    assert told.count('opacity="0.3"') == page.count('opacity="0.3"') + 2


def test_figures_of_a_single_date_are_not_called_per_day(report: Judged, page: str):
    test = report.splits["test"]
    moment = test["prediction_time"][0]
    frames = dict(report.splits, test=test.with_columns(prediction_time=pl.lit(moment)))
    single = judged(frames=frames).page
    assert "All predictions of test were made on one date, 16 August 2024" in single
    assert "Judged on predictions of one date, 16 August 2024, of one log" in single
    assert "the best 10 of the date" in single
    assert "predictions of 16 Aug 2024" in single
    for told in (
        "per day<",
        "per day (",
        "of each day",
        "aily budget",
        "these days",
        "1 day of test",
        "rows acted on per day",
    ):
        assert told not in single.replace("none is per day", "")
        assert told in page or told == "1 day of test"
    assert "on one date" not in page


def test_every_chart_is_as_narrow_as_a_telephone(page: str):
    widths = re.findall(r'<svg viewBox="0 0 ([0-9.]+) ', page)
    assert {float(width) for width in widths} == {360.0}


def test_a_test_split_without_purchases_still_has_a_report(report: Judged):
    frames = dict(report.splits, test=report.splits["test"].with_columns(label=pl.lit(0, dtype=pl.UInt8)))
    page = judged(frames=frames).page
    assert "<h1>LightGBM: too few purchases to judge it by</h1>" in page
    assert Outline(page).unclosed == []


def test_the_decision_never_to_act_is_told():
    settings = SETTINGS.model_copy(
        update={
            "train": SETTINGS.train.model_copy(
                update={
                    "threshold": SETTINGS.train.threshold.model_validate(
                        {"rule": "profit", "profit": {"true_positive": 0.0}, "resamples": 0}
                    )
                }
            )
        }
    )
    page = judged(settings=settings).page
    assert "never act, since acting did not pay on validation" in page
    assert "No intervals were asked for." in page


def test_red_flags_raised_are_told_first_and_in_the_limits(report: Judged):
    flags = report.shown.flags.with_columns(flagged=pl.col("check") == "shared_users")
    page = render_report(replace(report.shown, flags=flags))
    assert '<a class="warning" href="#flags">3 red flags raised' in page
    assert page.index("Users with rows in two splits") < page.index("One feature gives the answer away")
    assert page.count("Red flag raised (shared users") == 3


def test_without_red_flags_nobody_is_warned(report: Judged):
    flags = report.shown.flags.with_columns(flagged=pl.lit(value=False))
    page = render_report(replace(report.shown, flags=flags))
    assert 'class="warning"' not in page
    assert "None was raised." in page


def test_drawing_leaves_no_trace_in_the_settings_of_matplotlib():
    before = dict(mpl.rcParams)
    with canvas("line", title="A line", height=1.0) as drawn:
        (axes,) = drawn.axes()
        axes.plot([0, 1], [0, 1], color=colour("first"))
    assert dict(mpl.rcParams) == before
    assert 'stroke="var(--first)"' in drawn.svg
