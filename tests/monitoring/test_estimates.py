from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from purchase_pred.metrics import metrics
from purchase_pred.monitoring.estimates import ESTIMATED, estimated_interval, estimated_performance


def calibrated(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rare, skewed probabilities, and labels drawn with them."""
    rng = np.random.default_rng(seed)
    probabilities = 1.0 / (1.0 + np.exp(4.0 - 2.0 * rng.normal(size=rows)))
    return probabilities, (rng.random(rows) < probabilities).astype(np.uint8)


@pytest.mark.parametrize("metric", ["prevalence", "log_loss", "brier", "precision_at_1pct", "precision_at_10pct"])
def test_the_estimate_of_a_mean_is_the_expectation_over_all_labels(metric: str):
    probabilities = np.array([0.8, 0.5, 0.5, 0.2, 0.1, 0.1])
    expected = 0.0
    for labels in product((0, 1), repeat=len(probabilities)):
        truth = np.array(labels)
        weight = np.prod(np.where(truth == 1, probabilities, 1.0 - probabilities))
        expected += weight * metrics(truth, probabilities)[metric]

    assert estimated_performance(probabilities)[metric] == pytest.approx(expected)


def test_the_estimate_equals_the_mean_of_what_is_realised_where_probabilities_are_right():
    drawn = [calibrated(4_000, seed) for seed in range(30)]
    for metric in ESTIMATED:
        estimated = [estimated_performance(probabilities)[metric] for probabilities, _ in drawn]
        realised = [metrics(labels, probabilities)[metric] for probabilities, labels in drawn]
        off = np.array(estimated) - np.array(realised)

        assert abs(off.mean()) < 3.0 * off.std() / np.sqrt(len(off)) + 1e-4, metric


def test_the_interval_holds_what_is_realised_in_about_95_of_100_cases():
    inside = 0
    for seed in range(40):
        probabilities, labels = calibrated(800, seed)
        low, high = estimated_interval(probabilities)
        inside += low <= metrics(labels, probabilities)["average_precision"] <= high

    assert inside >= 35


def test_overconfident_probabilities_promise_more_than_comes():
    probabilities, labels = calibrated(20_000, 1)
    odds = probabilities / (1.0 - probabilities)
    bold = odds**1.5 / (1.0 + odds**1.5)

    promised, realised = estimated_performance(bold), metrics(labels, bold)

    assert promised["average_precision"] > 1.1 * realised["average_precision"]
    assert promised["log_loss"] < realised["log_loss"]


def test_ties_are_one_step_as_in_the_realised_figure():
    certain = estimated_performance([1.0, 1.0, 0.0])

    assert certain["average_precision"] == 1.0
    assert certain["log_loss"] == pytest.approx(0.0, abs=1e-12)


def test_nothing_is_estimated_of_nothing():
    assert set(estimated_performance([]).values()) == {None}
    assert estimated_interval([]) is None
    assert estimated_performance([0.0, 0.0])["average_precision"] is None
    assert estimated_interval([0.0, 0.0]) is None


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(wrong: float):
    with pytest.raises(ValueError, match="1 of 2 do not"):
        estimated_performance([0.5, wrong])
