from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from frames import splits

from purchase_pred.models import design_matrix, feature_spec
from purchase_pred.models.learners.learner import FEW_STOP_POSITIVES, FitRows
from purchase_pred.models.learners.lightgbm_learner import lightgbm_parameters
from purchase_pred.models.rows.row_labels import RowLabels
from purchase_pred.models.rows.validation import validation_rows
from purchase_pred.models.training import FITTERS
from purchase_pred.settings import Settings

SPLITS = splits()


def settings(**train: object) -> Settings:
    return Settings.model_validate({"train": {"threads": 1, **train}})


def rows_of_splits(**changes: object) -> FitRows:
    """Return the rows of the splits as the learners are given them."""
    spec = feature_spec(SPLITS["train"])
    train, val = (SPLITS[name] for name in ("train", "val"))
    labels, stop_labels = train["label"].to_numpy(), val["label"].to_numpy()
    matrices = design_matrix(train, spec), design_matrix(val, spec)
    return FitRows(spec, matrices[0], labels, None, matrices[1], stop_labels, settings(**changes).train)


def fit_rows(rows: int, positives: int, *, stop_positives: int = 0, **changes: object) -> FitRows:
    """Return rows of zeros, the first of them positive, that stop on themselves."""
    spec = feature_spec(pl.DataFrame({"views": [0]}))
    matrix = np.zeros((rows, 1), dtype=np.float32)
    labels, stop_labels = ((np.arange(rows) < many).astype(np.uint8) for many in (positives, stop_positives))
    own = settings(**changes).train
    return FitRows(spec, matrix, labels, None, matrix, stop_labels, own)


@pytest.mark.parametrize(
    ("rows", "positives", "asked", "given"),
    [
        (10, 5, 200, 1),
        (400, 200, 200, 20),
        (400, 200, 5, 5),
        (3_999, 2_000, 200, 199),
        (9_999, 2_000, 200, 200),
        (9_999, 799, 200, 199),
        (9_999, 100, 200, 25),
        (9_999, 3, 200, 1),
    ],
)
def test_a_leaf_holds_at_most_a_twentieth_of_the_rows_and_a_quarter_of_the_positives(
    rows: int, positives: int, asked: int, given: int
):
    found = lightgbm_parameters(fit_rows(rows, positives, lightgbm={"min_data_in_leaf": asked}))
    assert found["min_data_in_leaf"] == given


@pytest.mark.parametrize(
    ("asked", "stop_positives", "found"),
    [
        ("auto", FEW_STOP_POSITIVES - 1, "log_loss"),
        ("auto", FEW_STOP_POSITIVES, "average_precision"),
        ("log_loss", FEW_STOP_POSITIVES, "log_loss"),
        ("average_precision", 1, "average_precision"),
    ],
)
def test_few_positives_to_stop_on_are_judged_by_log_loss(asked: str, stop_positives: int, found: str):
    rows = fit_rows(1_000, 100, stop_positives=stop_positives, early_stopping_metric=asked)
    assert rows.stop_metric == found


def test_log_loss_sees_the_odds_that_the_fit_was_given_and_average_precision_the_rows():
    by_log_loss = replace(fit_rows(4, 1, stop_positives=1, early_stopping_metric="log_loss"), odds_factor=3.0)
    assert by_log_loss.stop_weights(2.0).tolist() == [6.0, 1.0, 1.0, 1.0]
    by_rank = replace(fit_rows(4, 1, stop_positives=1, early_stopping_metric="average_precision"), odds_factor=3.0)
    assert by_rank.stop_weights(2.0) is None
    assert fit_rows(4, 1, early_stopping_metric="log_loss").stop_weights(1.0) is None


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_a_booster_that_stops_on_log_loss_keeps_the_rounds_of_the_least_log_loss(kind: str):
    rows = rows_of_splits(models=[kind], early_stopping_metric="log_loss", **{kind: {"learning_rate": 0.3}})
    stopped = FITTERS[kind](rows)
    losses = []
    for rounds in range(1, stopped.rounds + 20):
        learner = FITTERS[kind](replace(rows, rounds=rounds))
        z = learner.log_odds(rows.stop_matrix)
        weights = rows.stop_weights(learner.positive_weight)
        losses.append(np.average(np.logaddexp(0.0, z) - rows.stop_labels * z, weights=weights))
    assert stopped.rounds == 1 + int(np.argmin(losses)) > 1


def test_of_very_many_rows_that_stop_whole_users_are_drawn(monkeypatch: pytest.MonkeyPatch):
    val = SPLITS["val"]
    spec, chosen = feature_spec(val), settings(calibration={"min_positives": 1}).train.calibration
    known = RowLabels.of(val)
    every = validation_rows(val, known, spec, settings=chosen)
    watched, draws = val.filter(pl.Series(~every.calibrates)), every.draws[~every.calibrates]
    monkeypatch.setattr("purchase_pred.models.rows.validation.STOP_ROWS", 400)
    drawn = validation_rows(val, known, spec, settings=chosen)

    is_drawn = pl.Series(draws < np.sort(draws)[400])
    kept, others = watched.filter(is_drawn), watched.filter(~is_drawn)
    assert 300 < kept.height <= 400 < others.height
    assert set(kept["user_id"]).isdisjoint(others["user_id"])
    assert np.array_equal(drawn.stop_matrix, design_matrix(kept, spec), equal_nan=True)
    assert (drawn.stop_labels == kept["label"].to_numpy()).all()
    assert (drawn.calibrates == every.calibrates).all()
