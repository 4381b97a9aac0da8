"""Adversarial validation: whether a classifier can tell the rows of test from those of train, and by what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import lightgbm as lgb
import numpy as np
import polars as pl

from purchase_pred.metrics import metrics
from purchase_pred.models.design_matrix import design_matrix, feature_spec
from purchase_pred.schema import USER_ID

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    """ROC-AUC on users that the classifier has not seen; 0.5: not at all."""
    features: pl.DataFrame
    """`feature`, `gain_share`, `mean_train`, `mean_test` (of the category codes for a category; nulls left out), the
    most telling first, ties by name."""


def adversarial_validation(
    train: pl.DataFrame, test: pl.DataFrame, /, *, seed: int = 0, threads: int | None = None
) -> AdversarialValidation | None:
    """Return how well a classifier tells rows of test from rows of train.

    At most 20,000 rows of each, drawn by `seed`; three folds by *user*, so that no user's rows are recognised by their
    likeness to other rows of that user. None when there are fewer than 30 users.

    Raises
    ------
    BundleError
        The frames do not have the same features.
    """
    spec = feature_spec(train)
    kept = [_sampled(frame, seed) for frame in (train, test)]
    matrix = np.concatenate([design_matrix(frame, spec) for frame in kept])
    later = np.repeat(np.array([0, 1], dtype=np.uint8), [frame.height for frame in kept])
    fold, users = _folds(kept, seed)
    if users < _LEAST_USERS or later.min(initial=1) == later.max(initial=0):
        return None
    scores, gains = np.zeros(len(later)), np.zeros(len(spec.features))
    for held_out in range(_FOLDS):
        inside = fold != held_out
        rows = lgb.Dataset(matrix[inside], label=later[inside], categorical_feature=list(spec.categorical))
        booster = lgb.train({**_PARAMETERS, "seed": seed, "num_threads": threads or 0}, rows, num_boost_round=_ROUNDS)
        scores[~inside] = booster.predict(matrix[~inside], raw_score=True)
        gains += booster.feature_importance("gain")
    auc = metrics(later, scores, probabilities=False)["roc_auc"]
    return AdversarialValidation(auc=auc, features=_telling(spec.names, gains, matrix, later))


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


def _sampled(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    return frame.sample(min(frame.height, _ROWS), seed=seed)


def _folds(frames: list[pl.DataFrame], seed: int) -> tuple[NDArray[np.int64], int]:
    users = pl.concat([frame[USER_ID] for frame in frames])
    position = users.rank("dense").to_numpy().astype(np.int64) - 1
    count = int(position.max(initial=-1)) + 1
    return np.random.default_rng(seed).permutation(count)[position] % _FOLDS, count
