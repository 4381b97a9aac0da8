from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from purchase_pred.metrics import log_loss
from purchase_pred.models.calibration import (
    METHODS,
    Calibrator,
    calibrator_from_json,
    choose_calibrator,
    fit_calibrator,
    sigmoid,
)

FITTED = tuple(method for method in METHODS if method != "none")


def rows(slope: float, shift: float, *, count: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return log-odds, and labels whose true log-odds are slope times those plus shift."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-2.0, 1.5, count)
    return z, (rng.random(count) < sigmoid(slope * z + shift)).astype(np.uint8)


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_calibrator_never_changes_the_ranking(method, seed: int):
    rng = np.random.default_rng(seed)
    z = rng.normal(-2.0, 2.0, 200)
    calibrator = fit_calibrator(method, z, (rng.random(200) < 0.2).astype(np.uint8))
    probe = np.sort(rng.uniform(-12.0, 12.0, 300))
    calibrated = calibrator.log_odds(probe)
    assert np.isfinite(calibrated).all()
    assert (np.diff(calibrated) > 0).all()


@pytest.mark.parametrize("method", ["platt", "beta", "isotonic"])
def test_scores_that_are_too_sure_and_too_high_are_mended(method):
    z, labels = rows(0.5, -1.0)
    later, later_labels = rows(0.5, -1.0, seed=1)
    ideal = log_loss(later_labels, sigmoid(0.5 * later - 1.0))
    mended = log_loss(later_labels, fit_calibrator(method, z, labels).probabilities(later))
    assert mended < ideal + 0.001 < log_loss(later_labels, sigmoid(later))


def test_platt_finds_slope_and_shift():
    z, labels = rows(0.5, -1.0, count=100_000)
    assert fit_calibrator("platt", z, labels).parameters == pytest.approx((0.5, -1.0), abs=0.05)


def test_temperature_finds_the_slope():
    z, labels = rows(0.5, 0.0, count=100_000)
    assert fit_calibrator("temperature", z, labels).parameters == pytest.approx((0.5,), abs=0.02)


def test_beta_with_equal_slopes_is_platt():
    z = np.linspace(-5.0, 5.0, 11)
    beta, platt = Calibrator("beta", (0.7, 0.7, 0.3)), Calibrator("platt", (0.7, 0.3))
    np.testing.assert_allclose(beta.log_odds(z), platt.log_odds(z))


@pytest.mark.parametrize("method", FITTED)
def test_scores_against_the_truth_are_flattened_and_not_turned_round(method):
    z, labels = rows(-1.0, 0.0, count=2_000)
    calibrated = fit_calibrator(method, z, labels).log_odds(np.array([-1.0, 1.0]))
    assert 0 < calibrated[1] - calibrated[0] < 0.1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("label", [0, 1])
def test_rows_of_one_class_leave_the_scores_alone(method, label: int):
    assert fit_calibrator(method, np.array([-1.0, 0.5]), np.full(2, label, dtype=np.uint8)) == Calibrator("none")


@pytest.mark.parametrize("method", METHODS)
def test_a_calibrator_survives_json_to_the_bit(method):
    z, labels = rows(0.5, -1.0, count=500)
    calibrator = fit_calibrator(method, z, labels)
    loaded = calibrator_from_json(json.loads(json.dumps(calibrator.to_json())))
    assert loaded == calibrator
    assert np.array_equal(loaded.probabilities(z), calibrator.probabilities(z))


def test_isotonic_keeps_blocks_without_positives_above_zero():
    z = np.array([-3.0, -2.0, -1.0, 0.0])
    labels = np.array([0, 0, 1, 1], dtype=np.uint8)
    p = fit_calibrator("isotonic", z, labels).probabilities(z)
    assert 0 < p[0] < 0.5 < p[-1] < 1


def test_the_choice_is_by_log_loss_on_the_later_half():
    z, labels = rows(0.4, -1.0)
    calibrator, losses = choose_calibrator(z, labels, np.arange(len(z)))
    assert set(losses) == set(METHODS)
    assert calibrator.method == min(losses, key=losses.__getitem__) != "none"
    early = np.arange(len(z)) < np.median(np.arange(len(z)))
    expected = log_loss(labels[~early], fit_calibrator("platt", z[early], labels[early]).probabilities(z[~early]))
    assert losses["platt"] == expected
    assert calibrator == fit_calibrator(calibrator.method, z, labels)


def test_scores_that_are_right_already_are_hardly_moved():
    z, labels = rows(1.0, 0.0)
    calibrator, losses = choose_calibrator(z, labels, np.arange(len(z)))
    assert losses[calibrator.method] == pytest.approx(losses["none"], abs=0.002)
    np.testing.assert_allclose(calibrator.probabilities(z).mean(), labels.mean(), atol=0.005)


def test_too_few_positives_to_judge_choose_nothing():
    labels = np.zeros(1_000, dtype=np.uint8)
    labels[::100] = 1
    assert choose_calibrator(np.linspace(-3, 3, 1_000), labels, np.arange(1_000)) == (Calibrator("none"), {})
