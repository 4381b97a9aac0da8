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


def draws(count: int) -> np.ndarray:
    return np.random.default_rng(9).random(count)


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
    times = np.arange(len(z))
    choice = choose_calibrator(z, labels, times, draws=draws(len(z)))
    assert set(choice.log_losses) == set(METHODS)
    assert choice.calibrator.method == min(choice.log_losses, key=choice.log_losses.__getitem__) != "none"
    early = times < np.median(times)
    expected = log_loss(labels[~early], fit_calibrator("platt", z[early], labels[early]).probabilities(z[~early]))
    assert choice.log_losses["platt"] == expected
    assert choice.calibrator == fit_calibrator(choice.calibrator.method, z, labels)
    assert (choice.left_alone, choice.why) == (False, "least log-loss on later rows")


def test_scores_that_are_right_already_are_hardly_moved():
    z, labels = rows(1.0, 0.0)
    choice = choose_calibrator(z, labels, np.arange(len(z)), draws=draws(len(z)))
    assert choice.log_losses[choice.calibrator.method] == pytest.approx(choice.log_losses["none"], abs=0.002)
    np.testing.assert_allclose(choice.calibrator.probabilities(z).mean(), labels.mean(), atol=0.005)


@pytest.mark.parametrize("times", [np.zeros(20_000), np.arange(20_000) > 12_000], ids=["one time", "two times"])
def test_rows_that_time_does_not_cut_into_halves_are_cut_by_user(times: np.ndarray):
    z, labels = rows(0.4, -1.0)
    users = draws(len(z) // 10).repeat(10)
    choice = choose_calibrator(z, labels, times.astype(np.int64), draws=users)
    some = users < np.median(users)
    expected = log_loss(labels[~some], fit_calibrator("platt", z[some], labels[some]).probabilities(z[~some]))
    assert choice.log_losses["platt"] == expected
    assert choice.calibrator.method != "none"
    assert (choice.left_alone, choice.why) == (False, "least log-loss on other users")


def test_a_booster_of_few_rounds_whose_scores_are_all_alike_is_calibrated():
    """Nine rounds on a base rate of 28 %: scores that hardly leave the base rate, of rows of one time."""
    z, labels = rows(1.0, 0.0)
    z = np.log(0.28 / 0.72) + 0.1 * (z - z.mean())
    choice = choose_calibrator(z, labels, np.zeros(len(z), dtype=np.int64), draws=draws(len(z)))
    assert not choice.left_alone
    later, later_labels = rows(1.0, 0.0, seed=1)
    squeezed = np.log(0.28 / 0.72) + 0.1 * (later - later.mean())
    ideal = log_loss(later_labels, sigmoid(later))
    assert log_loss(later_labels, choice.calibrator.probabilities(squeezed)) < ideal + 0.002


def test_too_few_positives_to_judge_leave_the_scores_alone_and_say_so():
    labels = np.zeros(1_000, dtype=np.uint8)
    labels[::100] = 1
    choice = choose_calibrator(np.linspace(-3, 3, 1_000), labels, np.arange(1_000), draws=draws(1_000))
    assert (choice.calibrator, choice.log_losses, choice.left_alone) == (Calibrator("none"), {}, True)
    assert "10 of 1,000 rows to calibrate on are positive" in choice.why
