"""A fitted model: learner, calibrator and the specification of what they may be asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from purchase_pred.models.calibration import sigmoid
from purchase_pred.models.rows.design_matrix import check_features, design_matrix
from purchase_pred.models.rows.feature_rows import row_blocks, schema_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from purchase_pred.models.amount_model import AmountModel
    from purchase_pred.models.calibration import Calibrator
    from purchase_pred.models.learners.learner import Learner
    from purchase_pred.models.rows.feature_rows import FeatureRows
    from purchase_pred.models.rows.spec import FeatureSpec


@dataclass(frozen=True)
class FittedModel:
    """A learner with its calibrator, and all that is needed to use and to judge it."""

    name: str
    """`"xgboost_20240801_120000"`, or the kind alone when no moment of training was given."""
    learner: Learner
    calibrator: Calibrator
    spec: FeatureSpec
    """The features it takes, as they were in training."""
    odds_factor: float
    """Factor that weights and sampling put on the odds; divided out before calibration."""
    target: dict[str, Any]
    """What it predicts: level, horizon, sessions, and the kind of prediction points."""
    settings: dict[str, Any]
    """The settings it was trained with."""
    feature_settings: dict[str, Any]
    """Every setting that its rows and features depend on, by dotted key; see `purchase_pred.settings.carried`."""
    training: dict[str, Any]
    """Rows, positives, rounds, average precision on validation, log-loss of each kind of calibrator."""
    amounts: AmountModel | None = None
    """What is spent where there is a purchase; None: `target.value` asked for no amounts."""
    nearer: tuple[FittedModel, ...] = ()
    """Of `target.horizons` the shorter ones, the longest first: which share of the purchases within the next longer
    horizon comes within this one."""
    first_fit: FittedModel | None = None
    """With `train.refit` the model as it was before it saw validation: it says how good the model is there."""

    @property
    def kind(self) -> str:
        """Which learner: logistic, xgboost or lightgbm."""
        return self.learner.kind

    def to_judge_on(self, split: str, /) -> FittedModel:
        """Return who is judged on a split: on validation the fit that has not learnt from it."""
        return self.first_fit if split == "val" and self.first_fit else self

    def predict(self, features: FeatureRows, /) -> NDArray[np.float64]:
        """Return the calibrated probability of each row, in the order of the rows; of a lazy frame block by block.

        Raises
        ------
        BundleError
            The features differ from those of the training in name, order, dtype or categories.
        """
        return self.calibrator.probabilities(self.log_odds(features))

    def predict_horizons(self, features: FeatureRows, /) -> dict[str, NDArray[np.float64]]:
        """Return the probability of each row within each horizon, the shortest first, by its name.

        From one horizon to the next no probability falls: each is that of the longer one times a share.

        Raises
        ------
        BundleError
            As for `predict`.
        """
        found = {str(self.target["horizon"]): self.predict(features)}
        for model in self.nearer:
            found[str(model.target["horizon"])] = found[next(reversed(found))] * model.predict(features)
        return dict(reversed(found.items()))

    def predict_spend(self, features: FeatureRows, /) -> NDArray[np.float64] | None:
        """Return the expected spend of each row, probability times amount; None: it was not trained to.

        Raises
        ------
        BundleError
            As for `predict`.
        """
        if self.amounts is None:
            return None
        blocks = [self.amounts.amounts(design_matrix(block, self.spec)) for block in row_blocks(features)]
        return self.predict(features) * (np.concatenate(blocks) if blocks else np.empty(0))

    def log_odds(self, features: FeatureRows, /) -> NDArray[np.float64]:
        """Return the log-odds before calibration, weights and sampling taken back.

        Raises
        ------
        BundleError
            As for `predict`.
        """
        return log_odds_of_all([self], features)[0]

    def uncalibrated(self, features: FeatureRows, /) -> NDArray[np.float64]:
        """Return the probabilities before calibration."""
        return sigmoid(self.log_odds(features))

    def log_odds_of(self, matrix: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Return the log-odds before calibration of the rows of a design matrix."""
        if not len(matrix):
            return np.empty(0)
        return self.learner.log_odds(matrix) - math.log(self.odds_factor)


def log_odds_of_all(models: Sequence[FittedModel], features: FeatureRows, /) -> list[NDArray[np.float64]]:
    """Return the log-odds before calibration of several models, in one pass over the rows, block by block.

    Raises
    ------
    BundleError
        As for `FittedModel.predict`.
    """
    parts: list[list[NDArray[np.float64]]] = [[] for _ in models]
    for block in row_blocks(features):
        matrices = {model.spec: design_matrix(block, model.spec) for model in models}
        for model, found in zip(models, parts, strict=True):
            found.append(model.log_odds_of(matrices[model.spec]))
    if all(parts):
        return [np.concatenate(found) for found in parts]
    for model in models:
        check_features(schema_of(features), model.spec)
    return [np.empty(0) for _ in models]
