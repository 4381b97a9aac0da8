"""CDNOW's part of the quality benchmark, on a small log of the same form."""

from __future__ import annotations

from datetime import date, timedelta
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest


def orders(path: Path, *, customers: int) -> Path:
    """Write a log in the form of CDNOW: some customers order often, some once, most fall silent."""
    rng = np.random.default_rng(5)
    lines = []
    for customer in range(1, customers + 1):
        day, rate, leaves = rng.integers(0, 90), rng.gamma(1.5, 1 / 60), rng.beta(0.8, 6)
        while day < 545:
            when = date(1997, 1, 1) + timedelta(days=int(day))
            lines.append(f" {customer:05} {when:%Y%m%d} {rng.integers(1, 4):2} {rng.lognormal(3, 0.7):7.2f}")
            day += rng.exponential(1 / rate)
            if rng.uniform() < leaves:
                break
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("cdnow")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2])
        parts, cdnow = import_module("benchmarks.quality"), import_module("benchmarks.quality.cdnow")
        plan = parts.Plan(
            workspaces=folder, seeds=(), users=0, factors=(), runs=0, resamples=40, heads=folder,
            cdnow=orders(folder / "orders.txt", customers=600),
        )  # fmt: skip
        return cdnow.beside_rivals(plan)


def test_every_model_and_rival_is_judged_on_the_same_rows(found: dict) -> None:
    names = [row["name"] for row in found["models"]]
    assert sorted(names) == sorted(
        ["logistic", "xgboost", "lightgbm", "recency/frequency", "recency/frequency/age", "BG/NBD"]
    )
    prevalence = found["positives"] / found["rows"]
    for row in found["models"]:
        assert row["average_precision"]["mean"] > 1.5 * prevalence, row
        assert row["average_precision"]["low"] < row["average_precision"]["mean"] < row["average_precision"]["high"]
        assert 0.5 < row["predicted_over_observed"] < 2.0, row


def test_differences_are_those_of_the_figures_and_positive_when_ours_is_better(found: dict) -> None:
    figures = {row["name"]: row for row in found["models"]}
    assert {row["ours"] for row in found["differences"]} == {found["chosen"], found["booster"]}
    for row in found["differences"]:
        ours, rival = (figures[row[side]][row["figure"]]["mean"] for side in ("ours", "rival"))
        better = rival - ours if row["figure"] == "log_loss" else ours - rival
        assert row["mean"] == pytest.approx(better)
        assert row["low"] <= row["high"]


def test_the_months_of_test_add_up_to_what_was_observed(found: dict) -> None:
    assert [month["from"] for month in found["months"]] == ["1998-04-26", "1998-05-26"]
    observed = np.mean([month["observed"] for month in found["months"]])
    assert observed == pytest.approx(found["prevalence"]["test"])
    as_trained = found["calibrations"][0]
    (chosen,) = (row for row in found["models"] if row["name"] == found["chosen"])
    assert (as_trained["ece"], as_trained["log_loss"]) == (chosen["ece"], chosen["log_loss"]["mean"])
