"""The logistic regression is that of scikit-learn, on the same rows, weights and categories."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from frames import splits, with_many_categories
from reference.logistic_pipeline import fitted_log_odds

from purchase_pred.models import design_matrix, feature_spec, train_models
from purchase_pred.models.learners.learner import FitRows
from purchase_pred.models.learners.logistic_learner import fit_logistic
from purchase_pred.settings import Settings

SPLITS = splits()


def settings(**train: object) -> Settings:
    return Settings.model_validate({"train": {"threads": 1, **train}})


@pytest.mark.parametrize("weighted", [False, True])
def test_the_logistic_regression_is_that_of_scikit_learn(*, weighted: bool):
    train = SPLITS["train"].with_columns(
        pl.when(pl.int_range(pl.len()) % 7 > 0).then("item_category").alias("item_category")
    )
    spec = feature_spec(train)
    matrix, labels = design_matrix(train, spec), train["label"].to_numpy()
    weights = np.linspace(0.5, 3.0, len(labels), dtype=np.float32) if weighted else None
    rows = FitRows(spec, matrix, labels, weights, matrix, labels, settings().train)
    np.testing.assert_allclose(
        fit_logistic(rows).log_odds(matrix), fitted_log_odds(rows, weights=weights), rtol=1e-4, atol=1e-4
    )


def test_the_logistic_regression_stops_at_the_steps_it_may_take():
    matrix, labels = design_matrix(SPLITS["train"], feature_spec(SPLITS["train"])), SPLITS["train"]["label"].to_numpy()
    rows = FitRows(
        feature_spec(SPLITS["train"]), matrix, labels, None, matrix, labels,
        settings(logistic={"max_iterations": 1}).train,
    )  # fmt: skip
    assert np.abs(fit_logistic(rows).log_odds(matrix) - fitted_log_odds(rows)).max() > 0.5


def test_rare_categories_share_one_coefficient_of_the_logistic_regression():
    train = with_many_categories(SPLITS["train"], known=800)
    spec = feature_spec(train)
    matrix, labels = design_matrix(train, spec), train["label"].to_numpy()
    rows = FitRows(spec, matrix, labels, None, matrix, labels, settings().train)
    learner = fit_logistic(rows)
    assert [len(set(weights)) for weights in learner.numbers.category_weights] == [6, 50]
    np.testing.assert_allclose(learner.log_odds(matrix), fitted_log_odds(rows), rtol=1e-4, atol=1e-4)


def test_logistic_without_categories_or_without_numbers_still_trains():
    for names in (["user_item_view_count"], ["item_category"]):
        frames = [SPLITS[split].select("prediction_time", "label", *names) for split in ("train", "val")]
        model = train_models(*frames, settings=settings(models=["logistic"]))[0]
        assert len(np.unique(model.predict(frames[0]))) > 1
