"""Intervals over users are those of resampled rows, and of differences the paired ones."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from purchase_pred.metrics import average_precision, log_loss


@pytest.fixture
def intervals():
    return import_module("benchmarks.quality.intervals")


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    users = np.append(np.arange(12), rng.integers(0, 12, size=60))
    labels = (rng.uniform(size=72) < 0.2).astype(np.uint8)
    return users, labels, {"fine": rng.uniform(0.01, 0.99, size=72), "coarse": rng.integers(1, 4, size=72) / 4}


def test_each_resample_has_the_figures_of_its_rows_written_out(intervals, rows) -> None:
    users, labels, scores = rows
    found = intervals.over_users(users, labels, scores, probabilities=["fine"], resamples=30, seed=1)
    weights = np.concatenate(list(intervals.drawn_users(12, 30, chunk=7, seed=1)))
    same = np.concatenate(list(intervals.drawn_users(12, 30, chunk=30, seed=1)))
    assert (weights == same).all()
    for name, score in scores.items():
        assert found[name]["average_precision"][0] == pytest.approx(average_precision(labels, score))
        for weight, value in zip(weights, found[name]["average_precision"][1:], strict=True):
            drawn = np.repeat(np.arange(72), weight[users].astype(int))
            assert value == pytest.approx(average_precision(labels[drawn], score[drawn]), nan_ok=True)
            if name == "fine":
                position = int(np.flatnonzero(found[name]["average_precision"][1:] == value)[0])
                expected = log_loss(labels[drawn], score[drawn])
                assert found[name]["log_loss"][1 + position] == pytest.approx(expected)
    assert "log_loss" not in found["coarse"]


def test_a_score_is_exactly_as_good_as_itself(intervals, rows) -> None:
    users, labels, scores = rows
    twice = {"one": scores["fine"], "other": scores["fine"].copy()}
    found = intervals.over_users(users, labels, twice, probabilities=[], resamples=50)
    difference = found["one"]["average_precision"] - found["other"]["average_precision"]
    assert intervals.interval(difference) == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_interval_over_seeds_is_that_of_student(intervals) -> None:
    found = intervals.over_seeds([0.1, 0.2, 0.3])
    reach = 4.302652729911275 * 0.1 / 3**0.5
    assert (found["mean"], found["least"], found["most"]) == (pytest.approx(0.2), 0.1, 0.3)
    assert (found["low"], found["high"]) == (pytest.approx(0.2 - reach), pytest.approx(0.2 + reach))
    assert intervals.over_seeds([0.5])["low"] is None
