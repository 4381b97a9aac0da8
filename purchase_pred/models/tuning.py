"""Tuning: the learners' settings searched on rolling time-ordered folds of the training rows, with purge."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import yaml

from purchase_pred.durations import microseconds
from purchase_pred.errors import MissingExtraError, UnsupportedTargetError
from purchase_pred.metrics import average_precision
from purchase_pred.models.design_matrix import design_matrix, feature_spec, label_vector
from purchase_pred.models.learner import FitRows
from purchase_pred.models.sampling import sample_negatives
from purchase_pred.models.training import FITTERS
from purchase_pred.schema import LABEL_END, PREDICTION_TIME
from purchase_pred.settings.training import TrainSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from purchase_pred.models.design_matrix import FeatureSpec
    from purchase_pred.settings import Settings
    from purchase_pred.settings.training import ModelName

_Suggest = Any
_NO_TIME: Final = timedelta()
_SPACES: Final[Mapping[ModelName, Callable[[_Suggest], dict[str, Any]]]] = {
    "logistic": lambda trial: {
        "inverse_regularisation": trial.suggest_float("inverse_regularisation", 1e-4, 10.0, log=True),
        "positive_weight": trial.suggest_categorical("positive_weight", ["none", "sqrt", "balanced"]),
    },
    "xgboost": lambda trial: {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
        "max_depth": trial.suggest_int("max_depth", 3, 9),
        "min_child_weight": trial.suggest_float("min_child_weight", 1.0, 100.0, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.2, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.1, 100.0, log=True),
        "positive_weight": trial.suggest_categorical("positive_weight", ["none", "sqrt", "balanced"]),
    },
    "lightgbm": lambda trial: {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 7, 127, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 20, 1000, log=True),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 100.0, log=True),
        "positive_weight": trial.suggest_categorical("positive_weight", ["none", "sqrt", "balanced"]),
    },
}


@dataclass(frozen=True)
class Fold:
    """Positions of the rows that one fold fits on, stops on and is scored on, in that order of time."""

    fit: NDArray[np.intp]
    stop: NDArray[np.intp]
    score: NDArray[np.intp]


@dataclass(frozen=True)
class _Rows:
    """All training rows, turned into a matrix once."""

    spec: FeatureSpec
    matrix: NDArray[np.float32]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class TuningResult:
    """What a search found."""

    kind: ModelName
    best: dict[str, Any]
    """The searched settings of the learner, at their best."""
    score: float
    """Mean average precision over the folds at the best settings."""
    starting_score: float
    """The same at the settings the search started from; never above `score`."""
    trials: pl.DataFrame
    """`trial`, `average_precision` (mean over the folds), then one column per searched setting; trial 0 is the
    start."""

    @property
    def yaml(self) -> str:
        """The best settings as a configuration file that `--config` takes."""
        head = (
            f"# Found by tuning {self.kind} in {self.trials.height} trials on rolling folds of the training rows:\n"
            f"# mean average precision {self.score:.4f}, from {self.starting_score:.4f} at the start.\n"
        )
        found: str = yaml.safe_dump({"train": {self.kind: self.best}}, sort_keys=False)
        return head + found


def tune(
    train: pl.DataFrame, /, *, kind: ModelName, settings: Settings, trials: int = 30, folds: int = 3
) -> TuningResult:
    """Search the settings of one learner for the best mean average precision over rolling folds of `train`.

    Each fold fits on the past, stops on the rows after it and is scored on those after them; validation and test are
    not looked at. The first trial is the settings as they are, so the result is never worse on the folds. The search
    (Optuna's TPE) is decided by `train.random_seed`.

    Parameters
    ----------
    train
        The feature frame of the training rows.
    kind
        The learner.
    settings
        Where the search starts, and everything that it does not touch.
    trials, folds
        How many settings are tried, on how many folds each.

    Raises
    ------
    MissingExtraError
        Optuna is not installed.
    UnsupportedTargetError
        A fold has no rows or no positives to fit, stop or score on.
    """
    optuna = _optuna()
    spec = feature_spec(train, leave_out=settings.train.leave_out)
    rows = _Rows(spec, design_matrix(train, spec), label_vector(train))
    parts = rolling_folds(train, folds=folds, embargo=settings.split.embargo)
    _check(parts, rows.labels)

    def objective(trial: _Suggest) -> float:
        asked = with_settings(settings.train, kind, _SPACES[kind](trial))
        return float(np.mean([_score(kind, fold, rows, asked) for fold in parts]))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=settings.train.random_seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    start = getattr(settings.train, kind).model_dump(mode="json")
    study.enqueue_trial({name: start[name] for name in _searched(optuna, kind)}, skip_if_exists=True)
    study.optimize(objective, n_trials=trials)
    table = pl.DataFrame(
        [{"trial": done.number, "average_precision": done.value, **done.params} for done in study.trials]
    )
    return TuningResult(
        kind=kind,
        best=dict(study.best_trial.params),
        score=float(study.best_trial.value),
        starting_score=float(study.trials[0].value),
        trials=table,
    )


def rolling_folds(train: pl.DataFrame, /, *, folds: int, embargo: str | timedelta = _NO_TIME) -> list[Fold]:
    """Cut rows into folds by time: fit on [start, a), stop on [a, b), score on [b, c), each fold later than the last.

    The later half of the rows is shared out evenly over the folds' stop and score parts. Rows to fit on whose label
    is not known at a (`label_end` > a) are purged, and so are rows whose T lies in the embargo: stop takes rows from
    a + embargo on, score from b + embargo on.

    Examples
    --------
    >>> from datetime import UTC, datetime, timedelta
    >>> days = [datetime(2024, 8, day, tzinfo=UTC) for day in range(1, 9)]
    >>> frame = pl.DataFrame({"prediction_time": days, "label_end": [day + timedelta(days=2) for day in days]})
    >>> [(fold.fit.tolist(), fold.stop.tolist(), fold.score.tolist()) for fold in rolling_folds(frame, folds=1)]
    [([0, 1, 2], [4, 5], [6, 7])]
    """
    times, ends = (train[name].to_physical().to_numpy() for name in (PREDICTION_TIME, LABEL_END))
    cuts = np.quantile(times, np.linspace(0.5, 1.0, 2 * folds + 1), method="higher").tolist()
    cuts[-1] = np.inf
    wait = microseconds(embargo)
    return [
        Fold(
            fit=np.flatnonzero((times < start) & (ends <= start)),
            stop=np.flatnonzero((times >= start + wait) & (times < middle)),
            score=np.flatnonzero((times >= middle + wait) & (times < end)),
        )
        for start, middle, end in zip(cuts[:-1:2], cuts[1::2], cuts[2::2], strict=True)
    ]


def with_settings(settings: TrainSettings, kind: ModelName, values: Mapping[str, Any], /) -> TrainSettings:
    """Return the settings with some of one learner's changed."""
    own = getattr(settings, kind)
    return settings.model_copy(update={kind: own.model_copy(update=dict(values))})


def _score(kind: ModelName, fold: Fold, everything: _Rows, settings: TrainSettings) -> float:
    spec, matrix, labels = everything.spec, everything.matrix, everything.labels
    sample = sample_negatives(labels[fold.fit], settings=settings.sampling, seed=settings.random_seed)
    fit = fold.fit if sample.rows is None else fold.fit[sample.rows]
    rows = FitRows(spec, matrix[fit], labels[fit], sample.weights, matrix[fold.stop], labels[fold.stop], settings)
    return average_precision(labels[fold.score], FITTERS[kind](rows).log_odds(matrix[fold.score]))


def _check(folds: list[Fold], labels: NDArray[np.uint8]) -> None:
    for number, fold in enumerate(folds, start=1):
        for what, rows in (("fit on", fold.fit), ("stop on", fold.stop), ("score on", fold.score)):
            positives = int(labels[rows].sum())
            if positives in {0, len(rows)}:
                raise UnsupportedTargetError(
                    f"fold {number} of {len(folds)} needs rows that buy and rows that do not to {what}, found "
                    f"{positives} that buy of {len(rows)}: fewer folds, a shorter horizon or embargo, or a longer log "
                    "would do"
                )


def _searched(optuna: Any, kind: ModelName) -> list[str]:
    """Return the names of the settings that are searched, by asking the space itself."""
    trial = optuna.trial.FixedTrial(TrainSettings().model_dump(mode="json")[kind])
    return list(_SPACES[kind](trial))


def _optuna() -> Any:
    try:
        return importlib.import_module("optuna")
    except ImportError as error:
        raise MissingExtraError(
            "tuning needs Optuna, which is not installed: pip install 'purchase-pred[tune]'"
        ) from error
