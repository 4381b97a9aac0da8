"""Training: one matrix for all learners, fitted on train, stopped and calibrated on validation, test unseen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from purchase_pred.errors import UnsupportedTargetError
from purchase_pred.metrics import average_precision
from purchase_pred.models.calibration import Calibrator, choose_calibrator, fit_calibrator
from purchase_pred.models.design_matrix import design_matrix, feature_spec, label_vector
from purchase_pred.models.fitted import FittedModel
from purchase_pred.models.learner import FitRows
from purchase_pred.models.lightgbm_learner import fit_lightgbm
from purchase_pred.models.logistic_learner import fit_logistic
from purchase_pred.models.sampling import sample_negatives
from purchase_pred.models.xgboost_learner import fit_xgboost
from purchase_pred.schema import PREDICTION_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import polars as pl
    from numpy.typing import NDArray

    from purchase_pred.models.learner import Learner
    from purchase_pred.settings import Settings
    from purchase_pred.settings.training import CalibrationMethod, CalibrationSettings, ModelName

FITTERS: Final[Mapping[ModelName, Callable[[FitRows], Learner]]] = {
    "logistic": fit_logistic,
    "xgboost": fit_xgboost,
    "lightgbm": fit_lightgbm,
}


@dataclass(frozen=True)
class _Validation:
    """Validation rows and which of them do what."""

    matrix: NDArray[np.float32]
    labels: NDArray[np.uint8]
    times: NDArray[np.int64]
    stops: NDArray[np.bool_]
    calibrates: NDArray[np.bool_]


def train_models(
    train: pl.DataFrame, val: pl.DataFrame, /, *, settings: Settings, trained_at: datetime | None = None
) -> list[FittedModel]:
    """Train the models named in `train.models`, in that order.

    Coefficients and trees are fitted on `train` alone. The earlier rows of `val` by `prediction_time` tell the
    boosters when to stop, by average precision; the later ones calibrate. Equal frames and settings give equal
    models.

    Parameters
    ----------
    train, val
        Feature frames: keys, `prediction_time`, `label`, then features that are numbers, Booleans or Enums.
    settings
        The settings tree; `train` and the description of the target are used.
    trained_at
        The moment that goes into the names of the models; none: a model is named by its kind.

    Raises
    ------
    UnsupportedTargetError
        A frame has no rows, or no label of one of the two classes.
    SchemaError
        A feature that is not left out is neither a number, a Boolean nor an Enum, or a label neither 0 nor 1.
    BundleError
        The features of `val` differ from those of `train`.
    ConfigError
        `train.leave_out` or a constraint names a feature that is not there, or nothing is left to learn from.
    """
    labels = _labels_of_both_classes(train, "training")
    val_labels = _labels_of_both_classes(val, "validation")
    spec = feature_spec(train, leave_out=settings.train.leave_out)
    sample = sample_negatives(labels, settings=settings.train.sampling, seed=settings.train.random_seed)
    kept = train if sample.rows is None else train[sample.rows]
    times = val[PREDICTION_TIME].to_physical().to_numpy()
    stops, calibrates = _parts(times, val_labels, settings.train.calibration)
    validation = _Validation(design_matrix(val, spec), val_labels, times, stops, calibrates)
    rows = FitRows(
        spec=spec,
        matrix=design_matrix(kept, spec),
        labels=labels if sample.rows is None else labels[sample.rows],
        weights=sample.weights,
        stop_matrix=validation.matrix[stops],
        stop_labels=val_labels[stops],
        settings=settings.train,
        odds_factor=sample.odds_factor,
    )
    counts = {"rows": len(labels), "positives": int(labels.sum()), "rows_fitted": len(rows.labels)}
    return [
        _finish(
            FITTERS[kind](rows),
            validation,
            odds_factor=sample.odds_factor,
            settings=settings,
            trained_at=trained_at,
            counts=counts,
        )
        for kind in settings.train.models
    ]


def best_model(models: list[FittedModel], /) -> FittedModel:
    """Return the model with the best average precision on validation, of equals the first."""
    return max(models, key=lambda model: float(model.training["validation_average_precision"]))


def _finish(
    learner: Learner,
    validation: _Validation,
    *,
    odds_factor: float,
    settings: Settings,
    trained_at: datetime | None,
    counts: dict[str, int],
) -> FittedModel:
    model = FittedModel(
        name=learner.kind if trained_at is None else f"{learner.kind}_{trained_at:%Y%m%d_%H%M%S}",
        learner=learner,
        calibrator=Calibrator("none"),
        spec=learner.spec,
        odds_factor=odds_factor * learner.positive_weight,
        target=describe_target(settings),
        settings=settings.train.model_dump(mode="json"),
        training={},
    )
    log_odds = model.log_odds_of(validation.matrix)
    part = validation.calibrates
    calibrator, losses = _calibrator(
        log_odds[part], validation.labels[part], validation.times[part], settings.train.calibration
    )
    training: dict[str, Any] = {
        **counts,
        "rounds": learner.rounds,
        "stop_rows": int(validation.stops.sum()),
        "calibration_rows": int(part.sum()),
        "validation_average_precision": average_precision(validation.labels, log_odds),
        "calibration_log_loss": losses,
    }
    return replace(model, calibrator=calibrator, training=training)


def describe_target(settings: Settings, /) -> dict[str, Any]:
    """Return what is predicted, as JSON values."""
    return {**settings.target.model_dump(mode="json"), "anchors": settings.anchors.kind}


def _calibrator(
    log_odds: NDArray[np.float64],
    labels: NDArray[np.uint8],
    times: NDArray[np.int64],
    settings: CalibrationSettings,
) -> tuple[Calibrator, dict[CalibrationMethod, float]]:
    if settings.method == "auto":
        return choose_calibrator(log_odds, labels, times)
    return fit_calibrator(settings.method, log_odds, labels), {}


def _parts(
    times: NDArray[np.int64], labels: NDArray[np.uint8], settings: CalibrationSettings
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cut validation by time: the earlier rows stop the training, the later ones calibrate."""
    stops = times < np.quantile(times, 1.0 - settings.share, method="inverted_cdf")
    positives = (int(labels[stops].sum()), int(labels[~stops].sum()))
    if min(positives) < settings.min_positives or labels[stops].all() or labels[~stops].all():
        everything = np.ones(len(times), dtype=np.bool_)
        return everything, everything
    return stops, ~stops


def _labels_of_both_classes(frame: pl.DataFrame, what: str) -> NDArray[np.uint8]:
    if frame.is_empty():
        raise UnsupportedTargetError(
            f"the {what} split has no rows to learn from: every prediction point was purged or none fell into it. "
            "A shorter target.horizon, other split shares or a longer log would give some"
        )
    labels = label_vector(frame)
    positives = int(labels.sum())
    if positives in {0, len(labels)}:
        raise UnsupportedTargetError(
            f"the {what} split needs rows that buy and rows that do not, found {positives} of {len(labels)} that "
            "buy. A longer target.horizon, another target.level or a longer log would give both"
        )
    return labels
