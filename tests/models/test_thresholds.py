from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from frames import START
from hypothesis import given
from hypothesis import strategies as st

from purchase_pred.models.thresholds import bootstrap_intervals, choose_threshold, threshold_report
from purchase_pred.settings.training import ProfitSettings, ThresholdSettings, TrainSettings

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 9).map(lambda tenths: tenths / 10)), min_size=1, max_size=40)
WORTH = st.builds(
    ProfitSettings,
    true_positive=st.integers(-2, 5),
    false_positive=st.integers(-5, 1),
    true_negative=st.integers(-1, 1),
    false_negative=st.integers(-5, 1),
)


def rows_of(labels: list[int], users: list[int], days: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": users,
            "label": pl.Series(labels, dtype=pl.UInt8),
            "prediction_time": [START + timedelta(days=day) for day in days],
        }
    )


def profit_of(rows: list[tuple[bool, float]], threshold: float | None, worth: ProfitSettings) -> float:
    """Return the profit of acting at a threshold, by a plain loop."""
    total = 0.0
    for label, score in rows:
        if threshold is not None and score >= threshold:
            total += worth.true_positive if label else worth.false_positive
        else:
            total += worth.false_negative if label else worth.true_negative
    return total


def arrays(rows: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([label for label, _ in rows], dtype=np.uint8), np.array([score for _, score in rows])


@given(ROWS, WORTH)
def test_no_threshold_earns_more_than_the_one_chosen_by_profit(rows: list, worth: ProfitSettings):
    chosen = choose_threshold(*arrays(rows), days=1, settings=ThresholdSettings(rule="profit", profit=worth))
    best = max(profit_of(rows, threshold, worth) for threshold in (None, *(score for _, score in rows)))
    assert profit_of(rows, chosen, worth) == best


@given(ROWS, st.integers(1, 10), st.integers(1, 5))
def test_capacity_takes_as_many_rows_as_it_may_and_parts_no_ties(rows: list, per_day: int, days: int):
    labels, scores = arrays(rows)
    asked = ThresholdSettings(rule="capacity", per_day=per_day)
    chosen = choose_threshold(labels, scores, days=days, settings=asked)
    fitting = [score for score in set(scores.tolist()) if (scores >= score).sum() <= per_day * days]
    assert chosen == min(fitting, default=None)


@given(ROWS, st.integers(0, 10))
def test_precision_floor_finds_the_lowest_threshold_that_keeps_it(rows: list, tenths: int):
    labels, scores = arrays(rows)
    asked = ThresholdSettings(rule="precision", min_precision=tenths / 10)
    chosen = choose_threshold(labels, scores, days=1, settings=asked)
    fitting = [score for score in set(scores.tolist()) if labels[scores >= score].mean() >= tenths / 10]
    assert chosen == min(fitting, default=None)


def test_acting_that_never_pays_is_never_done():
    asked = ThresholdSettings(rule="profit", profit=ProfitSettings(true_positive=1, false_positive=-100))
    assert choose_threshold(np.array([0, 1]), np.array([0.9, 0.5]), days=1, settings=asked) is None


def test_the_report_applies_the_threshold_of_validation_to_test():
    settings = TrainSettings(
        threshold=ThresholdSettings(
            rule="precision",
            min_precision=0.5,
            profit=ProfitSettings(true_positive=10, false_positive=-1, false_negative=-2),
            resamples=20,
        )
    )
    val = rows_of([1, 0, 0, 0], users=[1, 2, 3, 4], days=[0, 0, 1, 1])
    test = rows_of([0, 1, 1, 0], users=[1, 2, 3, 4], days=[5, 6, 7, 8])
    report = threshold_report(
        val, np.array([0.9, 0.6, 0.3, 0.1]), test, np.array([0.95, 0.6, 0.5, 0.2]), settings=settings
    )
    assert report["threshold"] == 0.6
    assert report["val"]["precision"] == 0.5
    assert report["test"] == {
        "rows": 4,
        "acted": 2,
        "acted_per_day": 0.5,
        "true_positives": 1,
        "precision": 0.5,
        "recall": 0.5,
        "profit": 10.0 - 1.0 - 2.0,
    }


def test_figures_that_are_not_defined_are_null():
    settings = TrainSettings(threshold=ThresholdSettings(rule="precision", min_precision=1.0, resamples=5))
    nothing = rows_of([0, 0], users=[1, 2], days=[0, 0])
    p = np.array([0.2, 0.1])
    report = threshold_report(nothing, p, nothing, p, settings=settings)
    assert report["threshold"] is None
    assert (report["test"]["precision"], report["test"]["recall"]) == (None, None)
    assert (report["test_intervals_95"]["precision"], report["test_intervals_95"]["recall"]) == (None, None)


def intervals(labels: np.ndarray, users: np.ndarray, p: np.ndarray, *, resamples: int = 2_000) -> dict:
    frame = pl.DataFrame({"user_id": users, "label": labels.astype(np.uint8)})
    return bootstrap_intervals(frame, p, 0.5, settings=ThresholdSettings(resamples=resamples), seed=3)


def test_the_interval_of_a_share_is_the_one_of_the_textbook_when_each_row_is_a_user():
    rng = np.random.default_rng(0)
    labels, users = rng.random(4_000) < 0.2, np.arange(4_000)
    low, high = intervals(labels, users, np.ones(4_000))["precision"]
    half = 1.96 * np.sqrt(labels.mean() * (1 - labels.mean()) / 4_000)
    assert (low, high) == pytest.approx((labels.mean() - half, labels.mean() + half), abs=half / 5)


def test_users_whose_rows_are_alike_make_the_interval_wider():
    rng = np.random.default_rng(1)
    labels = np.repeat(rng.random(200) < 0.2, 20)
    alone = intervals(labels, np.arange(4_000), np.ones(4_000))["precision"]
    together = intervals(labels, np.repeat(np.arange(200), 20), np.ones(4_000))["precision"]
    assert (together[1] - together[0]) > 3 * (alone[1] - alone[0])


def test_the_names_of_the_users_do_not_matter_and_the_seed_decides():
    rng = np.random.default_rng(2)
    labels, users, p = rng.random(500) < 0.3, rng.integers(0, 50, 500), rng.random(500)
    named = intervals(labels, np.array([f"user_{user:03d}" for user in users]), p, resamples=100)
    assert named == intervals(labels, users, p, resamples=100)


def test_no_resamples_give_no_intervals():
    found = intervals(np.array([1, 0]), np.array([1, 2]), np.array([0.9, 0.1]), resamples=0)
    assert found == {"precision": None, "recall": None, "profit": None}
