"""Training: one matrix for all learners, fitted on train, stopped and calibrated on validation, test unseen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from purchase_pred.errors import UnsupportedTargetError
from purchase_pred.metrics import average_precision
from purchase_pred.models.calibration import Calibrator, CalibratorChoice, choose_calibrator, fit_calibrator
from purchase_pred.models.design_matrix import design_matrix, feature_spec, label_vector
from purchase_pred.models.fitted import FittedModel
from purchase_pred.models.learner import FitRows
from purchase_pred.models.lightgbm_learner import fit_lightgbm
from purchase_pred.models.logistic_learner import fit_logistic
from purchase_pred.models.row_keys import ROW_KEY, row_draws
from purchase_pred.models.sampling import sample_negatives
from purchase_pred.models.xgboost_learner import fit_xgboost
from purchase_pred.schema import PREDICTION_TIME, USER_ID, require_eager
from purchase_pred.settings.carried import carried_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    from purchase_pred.models.design_matrix import FeatureSpec
    from purchase_pred.models.learner import Learner
    from purchase_pred.settings import Settings
    from purchase_pred.settings.training import CalibrationSettings, ModelName

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
    draws: NDArray[np.float64]
    """A number of each row's user, as good as drawn."""
    stops: NDArray[np.bool_]
    calibrates: NDArray[np.bool_]


@dataclass(frozen=True)
class _Learnt:
    """Rows to fit on, and how they were drawn from all there were."""

    rows: FitRows
    facts: dict[str, Any]


def train_models(
    train: pl.DataFrame, val: pl.DataFrame, /, *, settings: Settings, trained_at: datetime | None = None
) -> list[FittedModel]:
    """Train the models named in `train.models`, in that order.

    Coefficients and trees are fitted on `train` alone. The earlier rows of `val` by `prediction_time` tell the
    boosters when to stop, by `train.early_stopping_metric`; the later ones calibrate. With `train.refit` the learners
    are then fitted once more on both frames, with the rounds found; the calibrator stays the one that was fitted on
    scores of unseen rows, and `first_fit` is the model as it was. Equal frames and settings give equal models.

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
    require_eager(train, what="train")
    require_eager(val, what="val")
    labels = _labels_of_both_classes(train, "training")
    val_labels = _labels_of_both_classes(val, "validation")
    spec = feature_spec(train, leave_out=settings.train.leave_out)
    validation = _validation(val, val_labels, spec, settings.train.calibration)
    learnt = _learnt(train, labels, spec, validation, settings)
    counts = {"rows": len(labels), "positives": int(labels.sum()), "rows_fitted": len(learnt.rows.labels)}
    models = [
        _finish(
            FITTERS[kind](learnt.rows),
            validation,
            learnt,
            settings=settings,
            trained_at=trained_at,
            counts=counts,
        )
        for kind in settings.train.models
    ]
    if not settings.train.refit:
        return models
    both = pl.concat([train.select(val.columns), val])
    everything = _learnt(both, np.concatenate([labels, val_labels]), spec, validation, settings)
    return [_refit(kind, model, everything) for kind, model in zip(settings.train.models, models, strict=True)]


def best_model(models: list[FittedModel], /) -> FittedModel:
    """Return the model with the best average precision on validation, of equals the first."""
    return max(models, key=lambda model: float(model.training["validation_average_precision"]))


def describe_target(settings: Settings, /) -> dict[str, Any]:
    """Return what is predicted, as JSON values."""
    return {**settings.target.model_dump(mode="json"), "anchors": settings.anchors.kind}


def _finish(
    learner: Learner,
    validation: _Validation,
    learnt: _Learnt,
    *,
    settings: Settings,
    trained_at: datetime | None,
    counts: dict[str, int],
) -> FittedModel:
    model = FittedModel(
        name=learner.kind if trained_at is None else f"{learner.kind}_{trained_at:%Y%m%d_%H%M%S}",
        learner=learner,
        calibrator=Calibrator("none"),
        spec=learner.spec,
        odds_factor=learnt.rows.odds_factor * learner.positive_weight,
        target=describe_target(settings),
        settings=settings.train.model_dump(mode="json"),
        feature_settings=carried_settings(settings),
        training={},
    )
    log_odds = model.log_odds_of(validation.matrix)
    part = validation.calibrates
    choice = _calibrator(log_odds, validation, settings.train.calibration)
    training: dict[str, Any] = {
        **counts,
        "rounds": learner.rounds,
        "stop_metric": None if learner.rounds is None else learnt.rows.stop_metric,
        "stop_rows": int(validation.stops.sum()),
        "calibration_rows": int(part.sum()),
        "validation_average_precision": average_precision(validation.labels, log_odds),
        "calibration_log_loss": choice.log_losses,
        "calibration": {"method": choice.calibrator.method, "left_alone": choice.left_alone, "why": choice.why},
        "sampling": learnt.facts,
    }
    return replace(model, calibrator=choice.calibrator, training=training)


def _refit(kind: ModelName, model: FittedModel, everything: _Learnt) -> FittedModel:
    """Return the model fitted on all rows, with the rounds and the calibrator found while validation was unseen."""
    learner = FITTERS[kind](replace(everything.rows, rounds=model.learner.rounds))
    refit = {"rows_fitted": len(everything.rows.labels), "rounds": learner.rounds, "sampling": everything.facts}
    return replace(
        model,
        learner=learner,
        odds_factor=everything.rows.odds_factor * learner.positive_weight,
        training={**model.training, "refit": refit},
        first_fit=model,
    )


def _learnt(
    frame: pl.DataFrame,
    labels: NDArray[np.uint8],
    spec: FeatureSpec,
    validation: _Validation,
    settings: Settings,
) -> _Learnt:
    sample = sample_negatives(labels, row_draws(frame), settings=settings.train.sampling)
    kept = frame if sample.rows is None else frame[sample.rows]
    rows = FitRows(
        spec=spec,
        matrix=design_matrix(kept, spec),
        labels=labels if sample.rows is None else labels[sample.rows],
        weights=sample.weights,
        stop_matrix=validation.matrix[validation.stops],
        stop_labels=validation.labels[validation.stops],
        settings=settings.train,
        odds_factor=sample.odds_factor,
    )
    return _Learnt(rows, sample.facts)


def _validation(
    val: pl.DataFrame, labels: NDArray[np.uint8], spec: FeatureSpec, settings: CalibrationSettings
) -> _Validation:
    times = val[PREDICTION_TIME].to_physical().to_numpy()
    draws = row_draws(val, key=(USER_ID,) if USER_ID in val.columns else ROW_KEY)
    stops, calibrates = _parts(times, draws, labels, settings)
    return _Validation(design_matrix(val, spec), labels, times, draws, stops, calibrates)


def _calibrator(
    log_odds: NDArray[np.float64], validation: _Validation, settings: CalibrationSettings
) -> CalibratorChoice:
    part = validation.calibrates
    if settings.method == "auto":
        return choose_calibrator(
            log_odds[part], validation.labels[part], validation.times[part], draws=validation.draws[part]
        )
    fitted = fit_calibrator(settings.method, log_odds[part], validation.labels[part])
    return CalibratorChoice(fitted, {}, left_alone=False, why="train.calibration.method says so")


def _parts(
    times: NDArray[np.int64],
    draws: NDArray[np.float64],
    labels: NDArray[np.uint8],
    settings: CalibrationSettings,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cut validation by time, or by user where one time holds too many rows: one part stops, the other calibrates."""
    stops = _before(times, 1.0 - settings.share)
    if not stops.any():
        stops = _before(draws, 1.0 - settings.share)
    positives = (int(labels[stops].sum()), int(labels[~stops].sum()))
    if min(positives) < settings.min_positives or labels[stops].all() or labels[~stops].all():
        everything = np.ones(len(times), dtype=np.bool_)
        return everything, everything
    return stops, ~stops


def _before(order: NDArray[Any], share: float) -> NDArray[np.bool_]:
    before: NDArray[np.bool_] = order < np.quantile(order, share, method="inverted_cdf")
    return before


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
