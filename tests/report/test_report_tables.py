from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from frames import feature_frame
from report_pages import SETTINGS, Judged, judged

from purchase_pred.evaluation import shap_values
from purchase_pred.pipeline.report_files import log_row
from purchase_pred.report.tables import (
    budget_table,
    decision_table,
    log_table,
    split_table,
    swarm_table,
    weekly_prevalence,
)

PROFIT = SETTINGS.train.threshold.profit


@pytest.fixture(scope="module")
def report() -> Judged:
    return judged()


def test_the_funnel_counts_sessions_and_not_events():
    log = pl.LazyFrame(
        {
            "user_id": [1, 1, 1, 1, 2, 2],
            "session_index": [1, 1, 1, 2, 1, 1],
            "item_id": [5, 5, 6, 5, 5, None],
            "event_type": ["view", "view", "purchase", "view", "scroll", "view"],
            "timestamp": range(6),
        }
    )
    row = log_table(log).collect().row(0, named=True)
    assert row == {
        "events": 6, "users": 2, "items": 3, "sessions": 3,
        "view": 3, "scroll": 1, "add_to_cart": 0, "purchase": 1, "start": 0, "end": 5,
    }  # fmt: skip


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_a_log_in_parts_counts_as_the_whole(at_once: int):
    log = pl.LazyFrame(
        {
            "user_id": [1, 1, 1, 2, 2, 3, 4, 4, 4],
            "session_index": [1, 1, 2, 1, 1, 1, 1, 2, 2],
            "item_id": [5, 6, 5, 5, None, 7, 6, 6, 5],
            "event_type": ["view", "purchase", "view", "scroll", "view", "view", "view", "add_to_cart", "purchase"],
            "timestamp": [3, 4, 9, 1, 2, 5, 6, 7, 8],
        }
    )
    assert log_row(log, at_once=at_once) == log_table(log).collect().row(0, named=True)


def test_a_split_whose_purged_rows_nobody_counted_says_so():
    frame = feature_frame(200, seed=1)
    table = split_table({"train": frame, "test": frame.head(0)}, purged={"train": 9})
    assert table.rows() == [
        ("train", 200, int(frame["label"].sum()), frame["user_id"].n_unique(), 9),
        ("test", 0, 0, 0, None),
    ]


def test_prevalence_by_week_holds_every_row_once_and_its_interval_holds_the_share():
    frames = {"train": feature_frame(2_000, seed=2, days=20), "val": feature_frame(500, seed=3, first_day=20)}
    weeks = weekly_prevalence(frames)
    assert {name: part["rows"].sum() for (name,), part in weeks.group_by("split")} == {"train": 2_000, "val": 500}
    assert weeks["positives"].sum() == sum(int(frame["label"].sum()) for frame in frames.values())
    assert all(week.weekday() == 0 for week in weeks["week"])
    assert weeks["week"][0] == date(2024, 7, 29)
    assert weeks.select((pl.col("low") <= pl.col("prevalence")) & (pl.col("prevalence") <= pl.col("high")))["low"].all()


def test_the_wilson_interval_is_that_of_the_book():
    frame = feature_frame(10, seed=0, days=1).with_columns(label=pl.Series([1] + [0] * 9, dtype=pl.UInt8))
    low, high = weekly_prevalence({"test": frame}).select("low", "high").row(0)
    assert (low, high) == pytest.approx((0.01787621, 0.40415003), abs=1e-7)


def test_the_decisions_hold_the_chosen_threshold_with_the_figures_of_the_document(report: Judged):
    decisions, threshold = report.shown.decisions, report.document["threshold"]
    (own,) = decisions.filter("chosen").rows(named=True)
    assert own["threshold"] == threshold["threshold"]
    assert {name: own[name] for name in ("acted", "true_positives")} == {
        name: threshold["test"][name] for name in ("acted", "true_positives")
    }
    assert decisions["acted"].is_sorted()
    assert decisions["acted"].n_unique() == decisions.height <= 201


def test_every_decision_counts_what_acting_from_it_on_finds(report: Judged):
    test = report.splits["test"]
    labels, probabilities = test["label"].to_numpy(), report.model.predict(test)
    for threshold, acted, found, _ in report.shown.decisions.iter_rows():
        assert (acted, found) == ((probabilities >= threshold).sum(), labels[probabilities >= threshold].sum())


def test_a_threshold_that_never_acts_is_a_decision_too():
    chosen = {"threshold": None, "test": {"acted": 0, "true_positives": 0}}
    table = decision_table(np.array([1, 0]), np.array([0.3, 0.1]), profit=PROFIT, chosen=chosen)
    assert table.rows() == [(None, 0, 0, True), (0.3, 1, 1, False), (0.1, 2, 1, False)]


def test_a_daily_budget_takes_the_best_rows_of_every_day():
    frame = feature_frame(400, seed=4)
    scores = np.random.default_rng(0).permutation(400) / 400
    days = frame["prediction_time"].dt.date().to_list()
    for per_day, acted, found in budget_table(frame, scores).iter_rows():
        best = [
            row
            for day in set(days)
            for row in sorted((r for r in range(400) if days[r] == day), key=lambda r: -scores[r])[:per_day]
        ]
        assert (acted, found) == (len(best), sum(frame["label"][row] for row in best))


def test_of_many_budgets_some_200_are_kept_the_least_the_greatest_and_the_round_ones_among_them():
    frame = feature_frame(3_000, seed=5, days=1)
    table = budget_table(frame, np.linspace(0, 1, 3_000))
    assert table.height <= 211
    assert {1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000} <= set(table["per_day"])
    assert (table["per_day"][0], table["per_day"][-1], table["acted"][-1]) == (1, 3_000, 3_000)


def test_equal_scores_are_taken_in_the_order_of_the_rows():
    frame = feature_frame(4, seed=6, days=1).with_columns(label=pl.Series([1, 0, 0, 0], dtype=pl.UInt8))
    same_day = frame.with_columns(prediction_time=pl.col("prediction_time").first())
    assert budget_table(same_day, np.full(4, 0.5))["true_positives"].to_list() == [1, 1, 1, 1]


def test_the_swarm_holds_the_models_own_shap_values_and_where_each_value_stands(report: Judged):
    sample = report.splits["test"].head(100)
    names = ["noise", "item_category", "hours_since_last_purchase"]
    swarm = swarm_table(report.model, sample, features=names)
    assert swarm["feature"].unique(maintain_order=True).to_list() == names
    position = report.model.spec.names.index("noise")
    noise = swarm.filter(feature="noise")
    np.testing.assert_array_equal(noise["shap"], shap_values(report.model, sample)[:, position])
    assert (noise["level"].min(), noise["level"].max()) == (0.0, 1.0)
    assert noise["level"].arg_max() == sample["noise"].arg_max()
    assert swarm.filter(feature="item_category")["level"].is_null().all()
    missing = sample["hours_since_last_purchase"].is_null()
    assert swarm.filter(feature="hours_since_last_purchase")["level"].is_null().to_list() == missing.to_list()
