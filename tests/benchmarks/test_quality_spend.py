"""The rival of expected spend gives the published figures, and the intervals are those of plain counting."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

import numpy as np
import polars as pl
import pytest

ONE = (2.0, 30.43, 38.86)
"""Customer 1 of the papers, in weeks: two repeats, the last after 30.43, known for 38.86; 22.35 dollars on average."""


@pytest.fixture
def gammagamma():
    return import_module("benchmarks.quality.gammagamma")


def test_purchases_of_the_first_customer_are_those_of_the_paper() -> None:
    bgnbd = import_module("benchmarks.quality.bgnbd")
    known = bgnbd.Histories(*(np.array([value]) for value in ONE))
    found = bgnbd.BGNBD(0.243, 4.414, 0.793, 2.426).expected_purchases(known, days=39.0)
    assert found.round(3).tolist() == [1.226]


def test_amounts_of_the_first_customer_and_of_one_without_repeats_are_those_of_the_note(gammagamma) -> None:
    known = gammagamma.Amounts(np.array([2.0, 0.0]), np.array([22.35, 0.0]))
    found = gammagamma.GammaGamma(6.25, 3.74, 15.44).expected_amount(known)
    assert found.round(2).tolist() == [24.66, 35.22]


def test_fit_finds_what_amounts_were_drawn_from(gammagamma) -> None:
    rng, customers = np.random.default_rng(0), 4_000
    x, nu = rng.integers(1, 8, customers).astype(float), rng.gamma(4.0, 1 / 15.0, customers)
    known = gammagamma.Amounts(x, rng.gamma(6.0 * x, 1 / nu) / x)
    found = gammagamma.fit_gamma_gamma(known)
    assert found.log_likelihood(known) >= gammagamma.GammaGamma(6.0, 4.0, 15.0).log_likelihood(known)
    assert (found.p, found.q, found.gamma) == pytest.approx((6.0, 4.0, 15.0), rel=0.15)


def test_amounts_are_means_per_day_but_the_first_as_known_before_the_prediction() -> None:
    histories = import_module("benchmarks.quality.histories")

    def at(day: int, hour: int = 0) -> datetime:
        return datetime(1997, 1, day, hour, tzinfo=UTC)

    us = pl.Datetime("us", "UTC")
    orders = [
        ("ann", at(1), 5.0),
        ("ann", at(3), 8.0),
        ("ann", at(3, 9), 4.0),
        ("ann", at(9), 6.0),
        ("bob", at(2), 1.0),
    ]
    purchases = pl.DataFrame(
        [*orders, ("bob", at(2), 1.0)],
        schema={"user_id": pl.String, "timestamp": us, "price": pl.Float64},
        orient="row",
    )
    points = [("ann", at(2)), ("ann", at(5)), ("ann", at(10)), ("bob", at(5))]
    rows = pl.DataFrame(points, schema={"user_id": pl.String, "prediction_time": us}, orient="row")
    assert histories.amounts(rows, purchases).tolist() == [0.0, 12.0, 9.0, 0.0]


def test_captured_money_of_all_rows_and_of_resamples_is_that_of_plain_counting() -> None:
    spend = import_module("benchmarks.quality.spend")
    rng = np.random.default_rng(1)
    users = np.sort(rng.integers(0, 12, 60))
    users = np.unique(users, return_inverse=True)[1].astype(np.int64)
    spent, said = rng.gamma(0.3, 10.0, 60), rng.random(60)
    found = spend.over_users(users, spent, {"ours": said}, resamples=5)["ours"]
    best = np.argsort(-said, kind="stable")[:6]
    assert found["captured_at_10pct"][0] == pytest.approx(spent[best].sum() / spent.sum())
    assert found["mean_absolute_error"][0] == pytest.approx(np.abs(said - spent).mean())
    assert found["root_mean_squared_error"][0] == pytest.approx(np.sqrt(((said - spent) ** 2).mean()))
    drawn = next(spend.drawn_users(int(users.max()) + 1, 1, chunk=1, seed=0))[0].astype(int)
    rows = np.repeat(np.arange(60), drawn[users])
    order = rows[np.argsort(-said[rows], kind="stable")][: -(-len(rows) // 10)]
    assert found["captured_at_10pct"][1] == pytest.approx(spent[order].sum() / spent[rows].sum())
