"""The rivals on purchase histories say what their formulas say, found by other means."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

import numpy as np
import polars as pl
import pytest
from scipy.special import roots_genlaguerre, roots_jacobi

R, ALPHA, A, B = 0.6, 20.0, 0.8, 2.5
TYPICAL = [(0.0, 0.0, 90.0), (1.0, 10.0, 80.0), (3.0, 60.0, 70.0), (4.0, 40.0, 300.0)]


@pytest.fixture
def bgnbd():
    return import_module("benchmarks.quality.bgnbd")


def averaged(of_customer) -> float:
    """Average over customers, whose rates are gamma and whose chances to drop out are beta distributed (Gauss)."""
    rates, rate_weights = roots_genlaguerre(150, R - 1)
    chances, chance_weights = roots_jacobi(40, B - 1, A - 1)
    values = of_customer(rates[:, None] / ALPHA, (1 + chances[None, :]) / 2)
    return rate_weights / rate_weights.sum() @ values @ (chance_weights / chance_weights.sum())


def still_active(history):
    x, _, age = history
    return lambda rate, p: (1 - p) ** x * rate**x * np.exp(-rate * age)


def gone(history):
    x, last, _ = history
    # Nobody drops out before the first repeat.
    return lambda rate, p: (p * (1 - p) ** max(x - 1, 0) * rate**x * np.exp(-rate * last)) * (x > 0)


@pytest.mark.parametrize("history", TYPICAL)
def test_likelihood_is_the_average_over_customers(bgnbd, history) -> None:
    known = bgnbd.Histories(*(np.array([value]) for value in history))
    expected = averaged(still_active(history)) + averaged(gone(history))
    assert bgnbd.BGNBD(R, ALPHA, A, B).log_likelihood(known) == pytest.approx(np.log(expected), rel=1e-5)


@pytest.mark.parametrize("history", TYPICAL)
def test_chance_of_a_purchase_is_the_average_over_customers_with_this_history(bgnbd, history) -> None:
    known = bgnbd.Histories(*(np.array([value]) for value in history))
    active = still_active(history)
    buys = averaged(lambda rate, p: active(rate, p) * (1 - np.exp(-rate * 30.0)))
    expected = buys / (averaged(active) + averaged(gone(history)))
    (found,) = bgnbd.BGNBD(R, ALPHA, A, B).chance_of_purchase(known, days=30.0)
    assert found == pytest.approx(expected, rel=1e-5)


def test_fit_finds_what_customers_were_drawn_from(bgnbd) -> None:
    known = drawn(bgnbd, customers=4_000)
    found = bgnbd.fit_bgnbd(known)
    assert found.log_likelihood(known) >= bgnbd.BGNBD(R, ALPHA, A, B).log_likelihood(known)
    assert found.r / found.alpha == pytest.approx(R / ALPHA, rel=0.15)
    assert found.a / (found.a + found.b) == pytest.approx(A / (A + B), rel=0.15)


def drawn(bgnbd, *, customers: int):
    rng = np.random.default_rng(0)
    age = rng.uniform(200.0, 400.0, size=customers)
    rate, chance = rng.gamma(R, 1 / ALPHA, size=customers), rng.beta(A, B, size=customers)
    repeats, last = np.zeros(customers), np.zeros(customers)
    active = np.ones(customers, dtype=bool)
    while active.any():
        following = last + rng.exponential(1 / rate)
        active &= following < age
        repeats, last = repeats + active, np.where(active, following, last)
        active &= rng.uniform(size=customers) >= chance
    return bgnbd.Histories(repeats, last, age)


def test_histories_know_only_the_days_before_the_prediction() -> None:
    histories = import_module("benchmarks.quality.histories").histories
    day = [datetime(1997, 1, number, tzinfo=UTC) for number in range(1, 32)]
    purchases = pl.DataFrame(
        {"user_id": [1, 1, 1, 1, 2], "timestamp": [day[0], day[4], day[4], day[20], day[10]]},
        schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    )
    rows = pl.DataFrame(
        {"user_id": [2, 1, 1], "prediction_time": [day[20], day[20], day[30]]},
        schema_overrides={"prediction_time": pl.Datetime("us", "UTC")},
    )
    assert histories(rows, purchases).rows() == [(0.0, 0.0, 10.0), (1.0, 4.0, 20.0), (2.0, 20.0, 30.0)]
