"""Differences of two models are those of the same rows and the same users drawn."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from purchase_pred.evaluation.paired import Judged, disagreements, paired_differences
from purchase_pred.metrics import average_precision, log_loss
from purchase_pred.models.thresholds import drawn_users
from purchase_pred.settings.training import ProfitSettings

PROFIT = ProfitSettings()


def some_rows(seed: int, rows: int = 300, users: int = 25) -> tuple[pl.DataFrame, Judged, Judged]:
    rng = np.random.default_rng(seed)
    labels = (rng.random(rows) < 0.2).astype(np.uint8)
    frame = pl.DataFrame({"user_id": rng.integers(0, users, rows), "label": labels})
    near = np.clip(0.5 * labels + 0.5 * rng.random(rows), 0.01, 0.99)
    return frame, Judged(near, 0.5), Judged(rng.random(rows).round(1), 0.5)  # rounded: ties


def drawn_anew(frame: pl.DataFrame, judged: Judged, weights: np.ndarray) -> dict[str, float]:
    """Return the figures of a resample in which every row is written down as often as its user was drawn."""
    user = frame["user_id"].rank("dense").to_numpy() - 1
    numbers = np.repeat(np.arange(frame.height), weights[user].astype(int))
    labels, p = frame["label"].to_numpy()[numbers], judged.probabilities[numbers]
    acted = p >= judged.threshold
    profit = (
        PROFIT.true_positive * (acted & (labels == 1)).sum() + PROFIT.false_positive * (acted & (labels == 0)).sum()
    )
    return {"average_precision": average_precision(labels, p), "log_loss": log_loss(labels, p), "profit": profit}


@pytest.mark.parametrize("seed", [1, 2])
def test_intervals_are_the_quantiles_over_users_drawn_for_both_models_alike(seed: int) -> None:
    frame, first, second = some_rows(seed)
    found = paired_differences(frame, first, second, profit=PROFIT, resamples=40, seed=seed)

    users = frame["user_id"].n_unique()
    (weights,) = drawn_users(users, 40, chunk=40, seed=seed)
    for name, difference in found.items():
        expected = [drawn_anew(frame, second, w)[name] - drawn_anew(frame, first, w)[name] for w in weights]
        assert difference.interval_95 == pytest.approx(np.quantile(expected, (0.025, 0.975)), abs=1e-9)


def test_a_better_model_is_better_beyond_chance_and_a_model_equals_itself() -> None:
    frame, good, poor = some_rows(3)
    found = paired_differences(frame, good, poor, profit=PROFIT, resamples=200, seed=0)
    same = paired_differences(frame, good, good, profit=PROFIT, resamples=50, seed=0)

    assert found["average_precision"].interval_95[1] < 0
    assert found["log_loss"].interval_95[0] > 0
    assert {name: one.interval_95 for name, one in same.items()} == dict.fromkeys(same, (0.0, 0.0))


def test_figures_that_are_not_defined_are_none() -> None:
    frame = pl.DataFrame({"user_id": [1, 2], "label": [0, 0]}, schema_overrides={"label": pl.UInt8})
    judged = Judged(np.array([0.2, 0.1]), None)
    found = paired_differences(frame, judged, judged, profit=PROFIT, resamples=5, seed=0)

    assert found["average_precision"].difference is None
    assert found["average_precision"].interval_95 is None
    assert found["profit"].first == 0.0


def test_rows_on_which_models_disagree_most_come_first_with_their_keys() -> None:
    rows = pl.DataFrame({"user_id": ["a", "b", "c"], "item_id": [1, 2, 3], "views": [0, 0, 0], "label": [0, 1, 0]})
    found = disagreements(rows, np.array([0.1, 0.9, 0.5]), np.array([0.2, 0.1, 0.5]), most=2)

    assert found.to_dict(as_series=False) == {
        "user_id": ["b", "a"],
        "item_id": [2, 1],
        "label": [1, 0],
        "first": [0.9, 0.1],
        "second": [0.1, 0.2],
    }
    assert disagreements(rows.clear(), np.empty(0), np.empty(0), most=2).is_empty()
