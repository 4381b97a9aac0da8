from __future__ import annotations

from itertools import permutations
from math import ceil, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from purchase_pred.metrics import average_precision, metrics

PERCENTS = (1, 5, 10)
ROWS = st.lists(st.tuples(st.booleans(), st.integers(1, 9).map(lambda tenths: tenths / 10)), min_size=1, max_size=60)


def reference(rows: list[tuple[bool, float]], percent: int) -> float:
    """Return the expected positives among the best rows, ties drawn at random, by plain loops."""
    taken, expected = ceil(len(rows) * percent / 100), 0.0
    for score in sorted({score for _, score in rows}, reverse=True):
        tied = [label for label, other in rows if other == score]
        now = min(taken, len(tied))
        expected += now * sum(tied) / len(tied)
        taken -= now
    return expected


@given(ROWS)
def test_top_shares_equal_the_reference_that_draws_ties_at_random(rows: list[tuple[bool, float]]):
    labels, scores = [int(label) for label, _ in rows], [score for _, score in rows]
    found = metrics(labels, scores)
    for percent in PERCENTS:
        expected, taken = reference(rows, percent), ceil(len(rows) * percent / 100)
        assert found[f"precision_at_{percent}pct"] == pytest.approx(expected / taken)
        if sum(labels):
            assert found[f"recall_at_{percent}pct"] == pytest.approx(expected / sum(labels))
            lift = expected / taken / (sum(labels) / len(labels))
            assert found[f"lift_at_{percent}pct"] == pytest.approx(lift)


def test_the_expectation_over_ties_is_the_mean_over_all_orders():
    labels, scores = [1, 0, 0, 1, 0], [0.9, 0.5, 0.5, 0.5, 0.1]
    # 21 copies make 10 % of the rows end within the tied group; here the same by hand: the two best of five.
    means = [sum(order[:2]) for order in permutations(labels)]
    tied = metrics(labels, [0.3] * 5)["precision_at_10pct"]
    assert tied == pytest.approx(np.mean(means) / 2)
    assert metrics(labels, scores)["precision_at_10pct"] == 1.0


@given(ROWS.filter(lambda rows: 0 < sum(label for label, _ in rows) < len(rows)))
def test_the_other_metrics_equal_those_of_scikit_learn(rows: list[tuple[bool, float]]):
    labels, scores = [int(label) for label, _ in rows], [score for _, score in rows]
    found = metrics(labels, scores)
    assert found["average_precision"] == pytest.approx(average_precision_score(labels, scores))
    assert found["roc_auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert found["log_loss"] == pytest.approx(sklearn_log_loss(labels, scores))
    assert found["brier"] == pytest.approx(brier_score_loss(labels, scores))


@given(ROWS, st.randoms())
def test_the_order_of_the_rows_changes_nothing(rows: list[tuple[bool, float]], random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    first, second = (
        metrics([int(label) for label, _ in order], [score for _, score in order]) for order in (rows, shuffled)
    )
    assert first == pytest.approx(second)


def test_calibration_error_is_the_mean_gap_over_bins_of_equal_mass():
    probabilities = np.repeat(np.arange(1, 21) / 40, 10)
    labels = np.tile([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 20)
    expected = sum(abs(k / 40 - 0.1) for k in range(1, 21)) / 20
    assert metrics(labels, probabilities)["ece"] == pytest.approx(expected)


def test_equal_probabilities_fall_into_one_bin():
    labels = [1] + [0] * 99
    assert metrics(labels, [0.01] * 100)["ece"] == pytest.approx(0.0)


def test_scores_that_are_no_probabilities_have_no_calibration():
    found = metrics([1, 0, 0], [-1.0, -5.0, -float("inf")], probabilities=False)
    assert found["average_precision"] == 1.0
    assert [found[name] for name in ("log_loss", "brier", "ece")] == [None, None, None]


def test_without_positives_what_divides_by_them_is_null():
    found = metrics([0, 0], [0.1, 0.2])
    assert found["positives"] == 0
    assert found["precision_at_1pct"] == 0.0
    for name in ("average_precision", "roc_auc", "recall_at_1pct", "lift_at_1pct"):
        assert found[name] is None
    assert found["log_loss"] == pytest.approx(-(log(0.9) + log(0.8)) / 2)


def test_without_negatives_the_area_under_the_roc_is_null():
    assert metrics([1, 1], [0.1, 0.2])["roc_auc"] is None


def test_without_rows_everything_but_the_counts_is_null():
    found = metrics([], [])
    assert (found.pop("rows"), found.pop("positives")) == (0, 0)
    assert set(found.values()) == {None}


def test_a_certain_mistake_costs_much_but_not_infinitely_much():
    assert 30 < metrics([1, 0], [0.0, 0.0])["log_loss"] * 2 < 40


def test_average_precision_without_positives_is_nan():
    assert np.isnan(average_precision([0, 0], [0.1, 0.2]))
