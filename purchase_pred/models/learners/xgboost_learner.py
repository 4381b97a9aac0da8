"""XGBoost: histogram trees grown by depth, categories handled natively."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import xgboost as xgb

from purchase_pred.errors import BundleError
from purchase_pred.metrics import average_precision
from purchase_pred.models.learners.constraints import interaction_groups, monotone_signs
from purchase_pred.models.learners.learner import native_names
from purchase_pred.models.learners.xgboost_json import check_xgboost_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from purchase_pred.models.learners.learner import FitRows
    from purchase_pred.models.rows.spec import FeatureSpec
    from purchase_pred.settings.training import StopMetric, TrainSettings

_METRICS: Final[Mapping[StopMetric, str]] = {"average_precision": "average_precision", "log_loss": "logloss"}


@dataclass(frozen=True)
class XGBoostLearner:
    """A fitted XGBoost booster, cut at its best round."""

    booster: xgb.Booster
    positive_weight: float
    spec: FeatureSpec

    kind: ClassVar[str] = "xgboost"
    file_name: ClassVar[str] = "booster.json"
    library: ClassVar[str] = "xgboost"
    explains: ClassVar[bool] = True

    @property
    def rounds(self) -> int:
        """Trees kept."""
        return int(self.booster.num_boosted_rounds())

    def log_odds(self, matrix: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Return the log-odds of each row, as fitted."""
        return self.booster.inplace_predict(matrix, predict_type="margin").astype(np.float64)

    def contributions(self, matrix: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Return the exact SHAP values of each row (TreeSHAP), and the constant as the last column."""
        rows = xgb.DMatrix(matrix, **_column_types(self.spec))
        return self.booster.predict(rows, pred_contribs=True).astype(np.float64)

    def gains(self) -> NDArray[np.float64]:
        """Return the total gain of each feature's splits."""
        gains = self.booster.get_score(importance_type="total_gain")
        return np.array([gains.get(name, 0.0) for name in native_names(self.spec)], dtype=np.float64)

    def to_bytes(self) -> bytes:
        """Return the booster in XGBoost's JSON format."""
        return bytes(self.booster.save_raw("json"))

    def state(self) -> dict[str, Any]:
        """Return what the booster file does not hold."""
        return {"positive_weight": self.positive_weight}

    @classmethod
    def from_bytes(cls, content: bytes, state: dict[str, Any], spec: FeatureSpec, /) -> XGBoostLearner:
        """Return the learner that `to_bytes` wrote, every number of it checked first."""
        booster = xgb.Booster()
        try:
            booster.load_model(bytearray(check_xgboost_json(content, spec, cls.file_name)))
        except (xgb.core.XGBoostError, BundleError) as error:
            raise BundleError(
                f"{cls.file_name} is not a booster that XGBoost {xgb.__version__} may be given: {error}"
            ) from error
        return cls(booster=booster, positive_weight=state["positive_weight"], spec=spec)


def fit_xgboost(rows: FitRows, /) -> XGBoostLearner:
    """Fit XGBoost, stopping when the metric on the stop rows no longer betters."""
    settings = rows.settings
    positive_weight = rows.positive_weight(settings.xgboost.positive_weight)
    columns = _column_types(rows.spec)
    train = xgb.QuantileDMatrix(
        rows.matrix,
        label=rows.labels,
        weight=rows.weights,
        max_bin=settings.xgboost.max_bin,
        nthread=settings.threads,
        **columns,
    )
    parameters = xgboost_parameters(settings, rows.spec) | {"scale_pos_weight": positive_weight}
    if rows.rounds is not None:
        return XGBoostLearner(xgb.train(parameters, train, num_boost_round=rows.rounds), positive_weight, rows.spec)
    # Not quantised: trees are applied to it once a round, which takes a third of the time on plain rows.
    stop = xgb.DMatrix(
        rows.stop_matrix,
        label=rows.stop_labels,
        weight=rows.stop_weights(positive_weight),
        nthread=settings.threads,
        **columns,
    )
    booster = xgb.train(
        parameters | _stop_metric(rows.stop_metric),
        train,
        num_boost_round=settings.xgboost.max_rounds,
        evals=[(stop, "stop")],
        custom_metric=_average_precision if rows.stop_metric == "average_precision" else None,
        callbacks=[_early_stopping(rows)],
        verbose_eval=False,
    )
    return XGBoostLearner(booster[: booster.best_iteration + 1], positive_weight, rows.spec)


def xgboost_parameters(settings: TrainSettings, spec: FeatureSpec, /) -> dict[str, Any]:
    """Return the parameters that XGBoost is trained with, but for the weight of positives."""
    own = settings.xgboost
    parameters: dict[str, Any] = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "disable_default_eval_metric": 1,
        "learning_rate": own.learning_rate,
        "max_depth": own.max_depth,
        "min_child_weight": own.min_child_weight,
        "subsample": own.subsample,
        "colsample_bytree": own.colsample_bytree,
        "reg_lambda": own.reg_lambda,
        "max_bin": own.max_bin,
        "seed": settings.random_seed,
        "verbosity": 0,
    }
    if settings.threads is not None:
        parameters["nthread"] = settings.threads
    if settings.monotone:
        parameters["monotone_constraints"] = tuple(monotone_signs(settings, spec))
    if settings.interactions:
        parameters["interaction_constraints"] = str(interaction_groups(settings, spec))
    return parameters


def _column_types(spec: FeatureSpec) -> dict[str, Any]:
    return {
        "feature_names": native_names(spec),
        "feature_types": ["q" if feature.categories is None else "c" for feature in spec.features],
        "enable_categorical": True,
    }


def _stop_metric(metric: StopMetric) -> dict[str, Any]:
    return {"eval_metric": _METRICS[metric]} if metric == "log_loss" else {}


def _early_stopping(rows: FitRows) -> xgb.callback.EarlyStopping:
    return xgb.callback.EarlyStopping(
        rounds=rows.settings.early_stopping_rounds,
        metric_name=_METRICS[rows.stop_metric],
        maximize=rows.stop_metric == "average_precision",
    )


def _average_precision(scores: NDArray[np.float32], rows: xgb.DMatrix) -> tuple[str, float]:
    return _METRICS["average_precision"], average_precision(rows.get_label(), scores)
