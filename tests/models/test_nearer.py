"""Several horizons at once: probabilities that never fall from a shorter to a longer one, whatever is asked."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from frames import feature_frame, feature_splits
from pydantic import ValidationError

from purchase_pred.errors import BundleError, UnsupportedTargetError
from purchase_pred.evaluation import evaluate
from purchase_pred.models import FittedModel, load_model, save_bundle, train_models
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

HORIZONS = ("1h", "6h", "24h")
SETTINGS = Settings.model_validate(
    {
        "target": {"horizons": HORIZONS},
        "train": {
            "threads": 1,
            "models": ["logistic"],
            "early_stopping_rounds": 20,
            "lightgbm": {"max_rounds": 40, "learning_rate": 0.1, "min_data_in_leaf": 10},
            "calibration": {"min_positives": 20},
        },
    }
)


def with_times(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Let whoever has something in the cart buy within hours, and others at any time of the day."""
    drawn = pl.Series(np.random.default_rng(seed).random(frame.height))
    hours = 24 * pl.lit(drawn) ** (1 + 4 * pl.col("user_item_in_cart").cast(pl.Int8))
    moment = pl.col("prediction_time") + pl.duration(microseconds=(hours * 3_600_000_000).cast(pl.Int64))
    return frame.with_columns(label_time=pl.when(pl.col("label") == 1).then(moment))


SPLITS = feature_splits(with_times, intercept=-2.0)


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return train_models(SPLITS["train"], SPLITS["val"], settings=SETTINGS)[0]


def senseless(rows: int, seed: int) -> pl.DataFrame:
    """Return rows with nothing of the training rows in them: extremes, nulls and categories at random."""
    rng = np.random.default_rng(seed)
    frame = feature_frame(rows, seed=seed)
    wild = pl.Series(rng.choice([0.0, 1e30, -1e30, float("nan")], rows)).cast(pl.Float64)
    return frame.with_columns(
        hours_since_user_item_view=wild,
        user_item_view_count=pl.Series(rng.choice([0, 2**32 - 1], rows), dtype=pl.UInt32),
        item_category=pl.when(pl.Series(rng.random(rows) < 0.5)).then(pl.col("item_category")),
    )


@pytest.mark.parametrize("rows", [SPLITS["test"], *(senseless(500, seed) for seed in range(3))])
def test_no_probability_falls_from_a_horizon_to_a_longer_one(model: FittedModel, rows: pl.DataFrame):
    found = model.predict_horizons(rows)
    assert list(found) == ["1h", "6h", "1d"]
    for shorter, longer in pairwise(found.values()):
        assert (shorter <= longer).all()
        assert (shorter < longer).any()
    assert np.array_equal(found["1d"], model.predict(rows))


def test_shorter_horizons_learn_who_buys_soon(model: FittedModel):
    document = evaluate(model, SPLITS, settings=SETTINGS, logistic=model)["horizons"]
    assert list(document) == ["1h", "6h", "1d"]
    within = (SPLITS["test"]["label_time"] - SPLITS["test"]["prediction_time"]).drop_nulls()
    for name, hours in (("1h", 1), ("6h", 6), ("1d", 24)):
        assert document[name]["positives"] == (within < timedelta(hours=hours)).sum()
        assert document[name]["mean_probability"] == pytest.approx(document[name]["prevalence"], rel=0.3)
        assert document[name]["roc_auc"] > 0.7


def test_a_reloaded_model_says_the_same_of_every_horizon(model: FittedModel, tmp_path: Path):
    save_bundle(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model").predict_horizons(SPLITS["test"])
    assert all(np.array_equal(loaded[name], found) for name, found in model.predict_horizons(SPLITS["test"]).items())
    inner = tmp_path / "model" / "horizon_6h" / "model.json"
    inner.write_text(inner.read_text().replace("lightgbm", "lightgbn"))
    with pytest.raises(BundleError, match="horizon_6h"):
        load_model(tmp_path / "model")


def test_a_horizon_within_which_nobody_buys_is_refused_by_name():
    target = SETTINGS.target.model_copy(update={"horizons": (timedelta(microseconds=1), timedelta(days=1))})
    asked = SETTINGS.model_copy(update={"target": target})
    with pytest.raises(UnsupportedTargetError, match=r"some must buy within 1us and some later.*leave 1us out"):
        train_models(SPLITS["train"], SPLITS["val"], settings=asked)


def test_the_longest_of_the_horizons_is_the_horizon_unless_it_is_given():
    assert SETTINGS.target.horizon == timedelta(days=1)
    for target, fault in (
        ({"horizons": ["7d", "1d"]}, "horizons must ascend, found 1w, 1d|horizons must ascend, found 7d, 1d"),
        ({"horizons": ["1d", "7d"], "horizon": "28d"}, "or left out, found 28d"),
        ({"horizons": ["1d", "7d"], "kind": "churn", "level": "user"}, "kind must be purchase"),
    ):
        with pytest.raises(ValidationError, match=fault):
            Settings.model_validate({"target": target})
