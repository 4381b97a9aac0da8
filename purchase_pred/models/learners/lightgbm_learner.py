"""LightGBM: histogram trees grown by leaf, categories handled natively."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import lightgbm as lgb
import numpy as np

from purchase_pred.errors import BundleError
from purchase_pred.models.learners.constraints import interaction_groups, monotone_signs
from purchase_pred.models.learners.learner import native_names
from purchase_pred.models.learners.lightgbm_text import check_lightgbm_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from purchase_pred.models.learners.learner import FitRows
    from purchase_pred.models.rows.spec import FeatureSpec
    from purchase_pred.settings.training import StopMetric

_LEAVES_OF_ROOM: Final = 20
_LEAVES_OF_POSITIVES: Final = 4
_METRICS: Final[Mapping[StopMetric, str]] = {"average_precision": "average_precision", "log_loss": "binary_logloss"}


@dataclass(frozen=True)
class LightGBMLearner:
    """A fitted LightGBM booster, cut at its best round."""

    booster: lgb.Booster
    positive_weight: float
    spec: FeatureSpec

    kind: ClassVar[str] = "lightgbm"
    file_name: ClassVar[str] = "booster.txt"
    library: ClassVar[str] = "lightgbm"
    explains: ClassVar[bool] = True

    @property
    def rounds(self) -> int:
        """Trees kept."""
        return int(self.booster.current_iteration())

    def log_odds(self, matrix: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Return the log-odds of each row, as fitted."""
        return np.asarray(self.booster.predict(matrix, raw_score=True), dtype=np.float64)

    def contributions(self, matrix: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Return the exact SHAP values of each row (TreeSHAP), and the constant as the last column."""
        return np.asarray(self.booster.predict(matrix, pred_contrib=True), dtype=np.float64)

    def gains(self) -> NDArray[np.float64]:
        """Return the total gain of each feature's splits."""
        return np.asarray(self.booster.feature_importance("gain"), dtype=np.float64)

    def to_bytes(self) -> bytes:
        """Return the booster in LightGBM's text format."""
        return bytes(self.booster.model_to_string().encode())

    def state(self) -> dict[str, Any]:
        """Return what the booster file does not hold."""
        return {"positive_weight": self.positive_weight}

    @classmethod
    def from_bytes(cls, content: bytes, state: dict[str, Any], spec: FeatureSpec, /) -> LightGBMLearner:
        """Return the learner that `to_bytes` wrote, every number of it checked first."""
        try:
            booster = lgb.Booster(model_str=check_lightgbm_text(content, spec))
        except (lgb.basic.LightGBMError, BundleError) as error:
            raise BundleError(
                f"{cls.file_name} is not a booster that LightGBM {lgb.__version__} may be given: {error}"
            ) from error
        return cls(booster=booster, positive_weight=state["positive_weight"], spec=spec)


def fit_lightgbm(rows: FitRows, /) -> LightGBMLearner:
    """Fit LightGBM, stopping when the metric on the stop rows no longer betters."""
    settings = rows.settings
    positive_weight = rows.positive_weight(settings.lightgbm.positive_weight)
    parameters = lightgbm_parameters(rows)
    train = lgb.Dataset(
        rows.matrix,
        label=rows.labels,
        # As weights and not as scale_pos_weight, which LightGBM leaves out of the score it starts from.
        weight=rows.weights_with(positive_weight),
        feature_name=native_names(rows.spec),
        categorical_feature=list(rows.spec.categorical),
        params=parameters,
    )
    if rows.rounds is not None:
        return LightGBMLearner(lgb.train(parameters, train, num_boost_round=rows.rounds), positive_weight, rows.spec)
    stop = lgb.Dataset(
        rows.stop_matrix,
        label=rows.stop_labels,
        weight=rows.stop_weights(positive_weight),
        reference=train,
        params=parameters,
    )
    booster = lgb.train(
        parameters,
        train,
        num_boost_round=settings.lightgbm.max_rounds,
        valid_sets=[stop],
        callbacks=[lgb.early_stopping(settings.early_stopping_rounds, verbose=False)],
    )
    kept = lgb.Booster(model_str=booster.model_to_string(num_iteration=booster.best_iteration))
    return LightGBMLearner(kept, positive_weight, rows.spec)


def lightgbm_parameters(rows: FitRows, /) -> dict[str, Any]:
    """Return the parameters that LightGBM is trained with, but for the weight of positives."""
    settings, own = rows.settings, rows.settings.lightgbm
    parameters: dict[str, Any] = {
        "objective": "binary",
        "metric": _METRICS[rows.stop_metric],
        "learning_rate": own.learning_rate,
        "num_leaves": own.num_leaves,
        "min_data_in_leaf": _rows_of_a_leaf(rows),
        "bagging_fraction": own.bagging_fraction,
        "bagging_freq": 1,
        "feature_fraction": own.feature_fraction,
        "lambda_l2": own.lambda_l2,
        "max_bin": own.max_bin,
        "seed": settings.random_seed,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
    if settings.threads is not None:
        parameters["num_threads"] = settings.threads
    if settings.monotone:
        parameters["monotone_constraints"] = monotone_signs(settings, rows.spec)
    if settings.interactions:
        parameters["interaction_constraints"] = interaction_groups(settings, rows.spec)
    return parameters


def _rows_of_a_leaf(rows: FitRows) -> int:
    """Return the least rows of a leaf: so few that a tree has room for its leaves, and some leaves for positives.

    Of a few hundred rows, 200 to a leaf allow no split at all; of 100 positives among 100,000 rows, they drown in it.
    """
    room = min(len(rows.labels) // _LEAVES_OF_ROOM, int(rows.labels.sum()) // _LEAVES_OF_POSITIVES)
    return min(rows.settings.lightgbm.min_data_in_leaf, max(1, room))
