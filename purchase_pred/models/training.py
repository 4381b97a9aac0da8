"""Training: one matrix for all learners, fitted on train, stopped and calibrated on validation, test unseen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from purchase_pred.errors import UnsupportedTargetError
from purchase_pred.metrics import average_precision
from purchase_pred.models.amount_model import fit_amounts
from purchase_pred.models.calibration import Calibrator, CalibratorChoice, choose_calibrator, fit_calibrator
from purchase_pred.models.fitted import FittedModel, log_odds_of_all
from purchase_pred.models.learners.learner import FitRows
from purchase_pred.models.learners.lightgbm_learner import fit_lightgbm
from purchase_pred.models.learners.logistic_learner import fit_logistic
from purchase_pred.models.learners.xgboost_learner import fit_xgboost
from purchase_pred.models.nearer import fit_nearer
from purchase_pred.models.rows.design_matrix import check_features, spec_of
from purchase_pred.models.rows.feature_rows import matrix_of, schema_of
from purchase_pred.models.rows.periods import period_of
from purchase_pred.models.rows.room import most_rows, room_beside
from purchase_pred.models.rows.row_labels import RowLabels
from purchase_pred.models.rows.sampling import sample_negatives, thinned
from purchase_pred.models.rows.validation import Validation, validation_rows
from purchase_pred.settings.carried import carried_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from purchase_pred.models.learners.learner import Learner
    from purchase_pred.models.rows.feature_rows import FeatureRows
    from purchase_pred.models.rows.sampling import Sample
    from purchase_pred.models.rows.spec import FeatureSpec
    from purchase_pred.names import ModelName
    from purchase_pred.settings import Settings
    from purchase_pred.settings.training import CalibrationSettings

FITTERS: Final[Mapping[ModelName, Callable[[FitRows], Learner]]] = {
    "logistic": fit_logistic,
    "xgboost": fit_xgboost,
    "lightgbm": fit_lightgbm,
}


@dataclass(frozen=True)
class _Learnt:
    """What is to be known of the rows that a learner was fitted on, without the rows."""

    rows: int
    odds_factor: float
    stop_metric: str
    facts: dict[str, Any]
    """How they were drawn from all there were."""


def train_models(
    train: FeatureRows,
    val: FeatureRows,
    /,
    *,
    settings: Settings,
    trained_at: datetime | None = None,
    memory: int | None = None,
) -> list[FittedModel]:
    """Train the models named in `train.models`, in that order.

    Coefficients and trees are fitted on `train` alone. The earlier rows of `val` by `prediction_time` tell the
    boosters when to stop, by `train.early_stopping_metric`; the later ones calibrate. With `train.refit` the learners
    are then fitted once more on both frames, with the rounds found; the calibrator stays the one that was fitted on
    scores of unseen rows, and `first_fit` is the model as it was. What `target.value` and `target.horizons` ask for
    beside the probability is fitted once, on `train`, for all models. Equal frames and settings give equal models.

    Parameters
    ----------
    train, val
        Feature frames: keys, `prediction_time`, `label`, then features that are numbers, Booleans or Enums. Of a lazy
        frame only the rows that are learnt from are held, all others block by block.
    settings
        The settings tree; `train` and the description of the target are used.
    trained_at
        The moment that goes into the names of the models; none: a model is named by its kind.
    memory
        Bytes that training may take: what labels and draws of all rows leave is for those learnt from, learner by
        learner as `most_rows` tells; None: as many as they take.

    Raises
    ------
    UnsupportedTargetError
        A frame has no rows, or no label of one of the two classes, or too few purchases with a price for
        `target.value`.
    SchemaError
        A feature that is not left out is neither a number, a Boolean, an Enum nor text, or a label neither 0 nor 1.
    BundleError
        The features of `val` differ from those of `train`.
    ConfigError
        `train.leave_out` or a constraint names a feature that is not there, or nothing is left to learn from.
    """
    return train_and_score(train, val, settings=settings, trained_at=trained_at, memory=memory)[0]


def train_and_score(
    train: FeatureRows,
    val: FeatureRows,
    /,
    *,
    settings: Settings,
    trained_at: datetime | None = None,
    memory: int | None = None,
) -> tuple[list[FittedModel], dict[str, NDArray[np.float64]]]:
    """Return what `train_models` does, and by name the log-odds of each row of `val`, which calibration was fitted on.

    They are those of the fit that has not learnt from `val`, before calibration, weights and sampling taken back.
    """
    spec = spec_of(train, leave_out=settings.train.leave_out)
    check_features(schema_of(val), spec)
    known, val_known = RowLabels.of(train), RowLabels.of(val)
    _check_both_classes(known, "training")
    _check_both_classes(val_known, "validation")
    room = room_beside(known, val_known, memory=memory)
    validation = validation_rows(val, val_known, spec, settings=settings.train.calibration, memory=room)
    fitted = _fit_all(train, known, spec, validation, settings=settings, memory=room)
    periods = {"train": period_of(train), "val": period_of(val)}
    facts = {"rows": len(known), "positives": known.positives, "periods": periods}
    unjudged = [_uncalibrated(*one, settings=settings, trained_at=trained_at, facts=facts) for one in fitted]
    scores = dict(zip((one.name for one in unjudged), log_odds_of_all(unjudged, val), strict=True))
    models = [_calibrated(one, scores[one.name], validation, settings.train.calibration) for one in unjudged]
    models = _with_more_answers(models, train, val, settings=settings, memory=memory)
    if not settings.train.refit:
        return models, scores
    order = val.collect_schema().names()
    both = pl.concat([rows.lazy().select(order) for rows in (train, val)])
    both_known = known.followed_by(val_known)
    rounds = [model.learner.rounds for model in models]
    refitted = _fit_all(both, both_known, spec, validation, settings=settings, memory=room, rounds=rounds)
    whole = [_refit(model, learner, learnt) for model, (learner, learnt) in zip(models, refitted, strict=True)]
    return whole, scores


def best_model(models: list[FittedModel], /) -> FittedModel:
    """Return the model with the best average precision on validation, of equals the first."""
    return max(models, key=lambda model: float(model.training["validation_average_precision"]))


def describe_target(settings: Settings, /) -> dict[str, Any]:
    """Return what is predicted, as JSON values."""
    return {**settings.target.model_dump(mode="json"), "anchors": settings.anchors.kind}


def _with_more_answers(
    models: list[FittedModel], train: FeatureRows, val: FeatureRows, *, settings: Settings, memory: int | None
) -> list[FittedModel]:
    """Return the models with what the target asks for beside the probability, which all of them share."""
    if settings.target.value is not None:
        amounts = fit_amounts(train, val, models[0].spec, settings=settings, memory=memory)
        models = [replace(model, amounts=amounts) for model in models]
    if settings.target.horizons:
        nearer = fit_nearer(train, val, settings=settings, fit=train_models, memory=memory)
        models = [replace(model, nearer=nearer) for model in models]
    return models


def _uncalibrated(
    learner: Learner, learnt: _Learnt, *, settings: Settings, trained_at: datetime | None, facts: dict[str, Any]
) -> FittedModel:
    return FittedModel(
        name=learner.kind if trained_at is None else f"{learner.kind}_{trained_at:%Y%m%d_%H%M%S}",
        learner=learner,
        calibrator=Calibrator("none"),
        spec=learner.spec,
        odds_factor=learnt.odds_factor * learner.positive_weight,
        target=describe_target(settings),
        settings=settings.train.model_dump(mode="json"),
        feature_settings=carried_settings(settings),
        training={
            **facts,
            "rows_fitted": learnt.rows,
            "rounds": learner.rounds,
            "stop_metric": None if learner.rounds is None else learnt.stop_metric,
            "sampling": learnt.facts,
        },
    )


def _calibrated(
    model: FittedModel, log_odds: NDArray[np.float64], validation: Validation, settings: CalibrationSettings
) -> FittedModel:
    """Return the model with a calibrator, from its log-odds on validation."""
    choice = _calibrator(log_odds, validation, settings)
    judged = {
        "stop_rows": len(validation.stop_labels),
        "calibration_rows": int(validation.calibrates.sum()),
        "validation_average_precision": average_precision(validation.labels, log_odds),
        "calibration_log_loss": choice.log_losses,
        "calibration": {"method": choice.calibrator.method, "left_alone": choice.left_alone, "why": choice.why},
    }
    return replace(model, calibrator=choice.calibrator, training=model.training | judged)


def _refit(model: FittedModel, learner: Learner, everything: _Learnt) -> FittedModel:
    """Return the model fitted on all rows, with the rounds and the calibrator found while validation was unseen."""
    refit = {"rows_fitted": everything.rows, "rounds": learner.rounds, "sampling": everything.facts}
    return replace(
        model,
        learner=learner,
        odds_factor=everything.odds_factor * learner.positive_weight,
        training={**model.training, "refit": refit},
        first_fit=model,
    )


def _fit_all(
    features: FeatureRows,
    known: RowLabels,
    spec: FeatureSpec,
    validation: Validation,
    *,
    settings: Settings,
    memory: int | None,
    rounds: Sequence[int | None] | None = None,
) -> list[tuple[Learner, _Learnt]]:
    """Fit each learner on the rows that it has room for; all are rows of one matrix, which is read once.

    Who has room for most comes first: the rows of the next are some of those, and the others are let go.
    """
    kinds, labels, draws = settings.train.models, known.labels, known.draws
    sample = sample_negatives(labels, draws, settings=settings.train.sampling)
    limits = {kind: most_rows(kind, len(spec.features), memory) for kind in kinds}
    held = thinned(sample, labels, draws, most=max(limits.values()))
    rows = FitRows(
        spec=spec,
        matrix=matrix_of(features, spec, numbers=held.rows, height=len(known)),
        labels=labels if held.rows is None else labels[held.rows],
        weights=held.weights,
        stop_matrix=validation.stop_matrix,
        stop_labels=validation.stop_labels,
        settings=settings.train,
        odds_factor=held.odds_factor,
    )
    asked = dict(zip(kinds, rounds or [None] * len(kinds), strict=True))
    fitted = {}
    for kind in sorted(kinds, key=limits.__getitem__, reverse=True):
        own = thinned(sample, labels, draws, most=limits[kind])
        rows, held = replace(_part_of(rows, held, own), rounds=asked[kind]), own
        learnt = _Learnt(len(rows.labels), rows.odds_factor, rows.stop_metric, own.facts)
        fitted[kind] = FITTERS[kind](rows), learnt
    return [fitted[kind] for kind in kinds]


def _part_of(rows: FitRows, held: Sample, own: Sample) -> FitRows:
    """Return the rows of a sample that is a part of the one that is held."""
    if own is held or own.rows is None or (held.rows is not None and len(own.rows) == len(held.rows)):
        return rows
    within = own.rows if held.rows is None else np.searchsorted(held.rows, own.rows)
    return replace(
        rows,
        matrix=rows.matrix[within],
        labels=rows.labels[within],
        weights=own.weights,
        odds_factor=own.odds_factor,
    )


def _calibrator(
    log_odds: NDArray[np.float64], validation: Validation, settings: CalibrationSettings
) -> CalibratorChoice:
    part = validation.calibrates
    if settings.method == "auto":
        return choose_calibrator(
            log_odds[part], validation.labels[part], validation.times[part], draws=validation.draws[part]
        )
    fitted = fit_calibrator(settings.method, log_odds[part], validation.labels[part])
    return CalibratorChoice(fitted, {}, left_alone=False, why="train.calibration.method says so")


def _check_both_classes(known: RowLabels, what: str) -> None:
    if not len(known):
        raise UnsupportedTargetError(
            f"the {what} split has no rows to learn from: every prediction point was purged or none fell into it. "
            "A shorter target.horizon, other split shares or a longer log would give some"
        )
    if known.positives in {0, len(known)}:
        raise UnsupportedTargetError(
            f"the {what} split needs positive rows and others, found {known.positives} of {len(known)} "
            "positive. Another target.horizon, another target.level or a longer log would give both"
        )
