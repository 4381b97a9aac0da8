"""Every planted leak is caught and its column named; what is correct is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from leakage.planted import CORRECT, PLANTED, late_rows
from leakage.shops import shop

import purchase_pred as pp

SEEDS = range(2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", PLANTED)
def test_planted_leak_is_caught_and_only_its_columns_are_named(name, seed):
    planted = PLANTED[name]
    report = pp.check_leakage(planted.function, *shop(seed), cross_user=planted.cross_user, seed=seed)
    assert {leak.column for leak in report.leaks} == set(planted.columns), str(report)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CORRECT)
def test_correct_function_is_left_alone(name, seed):
    correct = CORRECT[name]
    report = pp.check_leakage(correct.function, *shop(seed), cross_user=correct.cross_user, seed=seed)
    assert not report.leaks, str(report)


@pytest.mark.parametrize("lag", [timedelta(microseconds=1), timedelta(hours=1), timedelta(hours=5)])
def test_events_within_the_availability_lag_are_unknown(lag):
    report = pp.check_leakage(late_rows, *shop(0), availability_lag=lag)
    assert [leak.column for leak in report.leaks] == ["seen"]
    example = report.leaks[0].example
    assert example.prediction_time - lag <= example.event["timestamp"] < example.prediction_time
    assert pp.check_leakage(late_rows, *shop(0)).clean
