"""Adversarial validation: whether a classifier can tell the rows of test from those of train, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import lightgbm as lgb
import numpy as np
import polars as pl

from purchase_pred.metrics import metrics
from purchase_pred.models.rows.design_matrix import design_matrix, spec_of
from purchase_pred.models.rows.feature_rows import count_of, take_rows
from purchase_pred.schema import PREDICTION_TIME, USER_ID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from purchase_pred.models.rows.feature_rows import FeatureRows

_ROWS: Final = 20_000
_FOLDS: Final = 3
_ROUNDS: Final = 60
_LEAST_USERS: Final = 30
_PARAMETERS: Final = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.7,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True)
class AdversarialValidation:
    """How well train and test can be told apart, and by what."""

    auc: float
    """ROC-AUC on users and days that the classifier has not seen; 0.5: not at all."""
    features: pl.DataFrame
    """`feature`, `gain_share`, `mean_train`, `mean_test` (of the category codes for a category; nulls left out), the
    most telling first, ties by name."""


def adversarial_validation(
    train: FeatureRows, test: FeatureRows, /, *, seed: int = 0, threads: int | None = None
) -> AdversarialValidation | None:
    """Return how well a classifier tells rows of test from rows of train.

    At most 20,000 rows of each, drawn by `seed`; three folds by user *and* by UTC day (by hour where one of the frames
    has fewer than three days), and rows of a user and a day are scored by a classifier that has seen neither. So no
    row is recognised by its likeness to another of its user, nor by what all rows of a day have in common, such as
    the conversion rate of a category. None when there are fewer than 30 users, or too few days or hours to hold
    any out.

    Raises
    ------
    BundleError
        The frames do not have the same features.
    """
    spec = spec_of(train)
    kept = [_sampled(frame, seed) for frame in (train, test)]
    matrix = np.concatenate([design_matrix(frame, spec) for frame in kept])
    later = np.repeat(np.array([0, 1], dtype=np.uint8), [frame.height for frame in kept])
    users, slots = pl.concat([frame[USER_ID] for frame in kept]), _slots(kept)
    if users.n_unique() < _LEAST_USERS:
        return None
    user_fold, slot_fold = (_folds(groups, seed) for groups in (users, slots))
    scores, gains = np.full(len(later), np.nan), np.zeros(len(spec.features))
    for held_out in range(_FOLDS):
        inside = (user_fold != held_out) & (slot_fold != held_out)
        outside = (user_fold == held_out) & (slot_fold == held_out)
        if not 0 < later[inside].sum() < inside.sum():
            return None
        rows = lgb.Dataset(matrix[inside], label=later[inside], categorical_feature=list(spec.categorical))
        booster = lgb.train({**_PARAMETERS, "seed": seed, "num_threads": threads or 0}, rows, num_boost_round=_ROUNDS)
        if outside.any():
            scores[outside] = booster.predict(matrix[outside], raw_score=True)
        gains += booster.feature_importance("gain")
    scored = ~np.isnan(scores)
    auc = metrics(later[scored], scores[scored], probabilities=False)["roc_auc"]
    return None if auc is None else AdversarialValidation(auc, _telling(spec.names, gains, matrix, later))


def _telling(
    names: tuple[str, ...], gains: NDArray[np.float64], matrix: NDArray[np.float32], later: NDArray[np.uint8]
) -> pl.DataFrame:
    table = pl.DataFrame(
        {
            "feature": list(names),
            "gain_share": gains / max(float(gains.sum()), 1.0),
            "mean_train": _means(matrix[later == 0]),
            "mean_test": _means(matrix[later == 1]),
        }
    )
    return table.sort("gain_share", "feature", descending=[True, False])


def _means(matrix: NDArray[np.float32]) -> list[float | None]:
    columns = (column[~np.isnan(column)] for column in matrix.T)
    return [float(column.mean(dtype=np.float64)) if len(column) else None for column in columns]


def _sampled(frame: FeatureRows, seed: int) -> pl.DataFrame:
    height = count_of(frame)
    drawn = pl.int_range(height, eager=True).sample(min(height, _ROWS), seed=seed).to_numpy()
    ascending, place = np.unique(drawn, return_inverse=True)
    return take_rows(frame, ascending)[place]


def _slots(frames: list[pl.DataFrame]) -> pl.Series:
    """Return the day of each row, or the hour where a frame has too few days to hold one out."""
    fewest = min(frame[PREDICTION_TIME].dt.date().n_unique() for frame in frames)
    unit = "1d" if fewest >= _FOLDS else "1h"
    return pl.concat([frame[PREDICTION_TIME].dt.truncate(unit) for frame in frames])


def _folds(groups: pl.Series, seed: int) -> NDArray[np.int64]:
    position = groups.rank("dense").to_numpy().astype(np.int64) - 1
    order = np.random.default_rng(seed).permutation(int(position.max(initial=-1)) + 1)
    folds: NDArray[np.int64] = order[position] % _FOLDS
    return folds
