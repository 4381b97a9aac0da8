"""The model of amounts: means given a purchase, the same bits when it is read back, refused where nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from frames import feature_splits

from purchase_pred.errors import BundleError, UnsupportedTargetError
from purchase_pred.evaluation import evaluate
from purchase_pred.models import FittedModel, load_model, save_bundle, train_models
from purchase_pred.models.rows.design_matrix import design_matrix
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = Settings.model_validate(
    {
        "target": {"value": "revenue"},
        "train": {
            "threads": 1,
            "models": ["logistic"],
            "early_stopping_rounds": 20,
            "lightgbm": {"max_rounds": 60, "learning_rate": 0.1, "min_data_in_leaf": 10},
            "calibration": {"min_positives": 20},
        },
    }
)


def with_amounts(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Let whoever has something in the cart spend four times as much as the others."""
    noise = np.random.default_rng(seed).lognormal(0.0, 0.5, frame.height)
    amount = 10.0 * (1.0 + 3.0 * pl.col("user_item_in_cart")) * pl.Series(noise)
    return frame.with_columns(label_value=pl.when(pl.col("label") == 1).then(amount).otherwise(0.0))


SPLITS = feature_splits(with_amounts, intercept=-2.5)


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return train_models(SPLITS["train"], SPLITS["val"], settings=SETTINGS)[0]


def test_amounts_are_means_given_a_purchase(model: FittedModel):
    buyers = SPLITS["test"].filter(label=1)
    said = pl.Series(model.amounts.amounts(design_matrix(buyers, model.spec)))
    for in_cart in (0, 1):
        chosen = buyers["user_item_in_cart"] == in_cart
        assert said.filter(chosen).mean() == pytest.approx(buyers["label_value"].filter(chosen).mean(), rel=0.25)


def test_expected_spend_is_probability_times_amount_and_of_no_rows_nothing(model: FittedModel):
    test = SPLITS["test"]
    amounts = model.amounts.amounts(design_matrix(test, model.spec))
    assert np.array_equal(model.predict_spend(test), model.predict(test) * amounts)
    assert np.array_equal(model.predict_spend(test.lazy()), model.predict_spend(test))
    assert len(model.predict_spend(test.clear())) == 0


def test_amounts_are_no_features(model: FittedModel):
    assert "label_value" not in model.spec.names


def test_rows_whose_price_is_not_known_are_neither_learnt_from_nor_judged(model: FittedModel):
    some = pl.when(pl.int_range(pl.len()) % 3 == 0).then(None).otherwise(pl.col("label_value")).alias("label_value")
    hidden = {name: frame.with_columns(some) for name, frame in SPLITS.items()}
    learnt = train_models(hidden["train"], hidden["val"], settings=SETTINGS)[0]
    assert learnt.amounts.mean == pytest.approx(hidden["train"].filter(label=1)["label_value"].mean())
    found = evaluate(model, hidden, settings=SETTINGS, logistic=model)["spend"]["test"]
    assert found["rows"] == hidden["test"]["label_value"].drop_nulls().len()
    assert found["realised"] == pytest.approx(hidden["test"]["label_value"].sum())


def test_a_reloaded_model_expects_the_same_bits_and_another_booster_is_refused(model: FittedModel, tmp_path: Path):
    save_bundle(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert np.array_equal(loaded.predict_spend(SPLITS["test"]), model.predict_spend(SPLITS["test"]))
    save_bundle(loaded, tmp_path / "again")
    file = tmp_path / "model" / "amounts.txt"
    assert (tmp_path / "again" / "amounts.txt").read_bytes() == file.read_bytes()
    file.write_bytes(file.read_bytes().replace(b"objective=tweedie\n", b"objective=poisson\n"))
    with pytest.raises(BundleError, match=r"amounts\.txt: the file is not the one that model\.json describes"):
        load_model(tmp_path / "model")


def test_too_few_purchases_with_a_price_are_refused_with_the_count():
    bare = SPLITS["val"].with_columns(label_value=pl.when(pl.col("label") == 0).then(0.0))
    with pytest.raises(UnsupportedTargetError, match=r"20 rows of the validation split that buy .* found 0: leave"):
        train_models(SPLITS["train"], bare, settings=SETTINGS)


def test_the_document_judges_expected_spend_beside_the_mean_amount(model: FittedModel):
    document = evaluate(model, SPLITS, settings=SETTINGS, logistic=model)
    spend = document["spend"]
    assert list(spend) == ["val", "test", "mean_amount"]
    assert [row["rows"] for row in spend["test"]["deciles"]] == [300] * 10
    assert spend["test"]["expected_over_realised"] == pytest.approx(1.0, abs=0.25)
    assert spend["test"]["mean_absolute_error"] < spend["mean_amount"]["mean_absolute_error"]
    plain = Settings.model_validate({"train": SETTINGS.train.model_dump()})
    of_none = train_models(SPLITS["train"], SPLITS["val"], settings=plain)[0]
    assert of_none.predict_spend(SPLITS["test"]) is None
    assert "spend" not in evaluate(of_none, SPLITS, settings=plain, logistic=of_none)
