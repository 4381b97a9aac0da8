"""Tuning: the learners' settings searched on rolling time-ordered folds of the training rows, with purge."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import yaml

from purchase_pred.errors import MissingExtraError, UnsupportedTargetError
from purchase_pred.metrics import average_precision
from purchase_pred.models.learners.learner import FitRows
from purchase_pred.models.rows.design_matrix import design_matrix, feature_spec, label_vector
from purchase_pred.models.rows.folds import later_folds, rolling_folds
from purchase_pred.models.rows.row_keys import row_draws
from purchase_pred.models.rows.sampling import sample_negatives
from purchase_pred.models.training import FITTERS
from purchase_pred.settings.training import TrainSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from purchase_pred.models.rows.folds import Fold
    from purchase_pred.models.rows.spec import FeatureSpec
    from purchase_pred.names import ModelName
    from purchase_pred.settings import Settings

_Suggest = Any
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
class _Rows:
    """All training rows, turned into a matrix once."""

    spec: FeatureSpec
    matrix: NDArray[np.float32]
    labels: NDArray[np.uint8]
    draws: NDArray[np.float64]


@dataclass(frozen=True)
class TuningStep:
    """A trial that is done."""

    trial: int
    """Counted from 1; the first is the start."""
    trials: int
    """How many there will be."""
    score: float
    """Its mean average precision over the folds."""
    best: float
    """The best so far."""


@dataclass(frozen=True)
class TuningResult:
    """What a search found, and whether it is better where the search has not looked."""

    kind: ModelName
    best: dict[str, Any]
    """The searched settings of the learner to use: those found, or those at the start if these are as good later."""
    found: dict[str, Any]
    """The settings that were best on the folds of the search."""
    score: float
    """Mean average precision over the folds of the search at the settings found; never below `starting_score`."""
    starting_score: float
    """The same at the settings the search started from."""
    later_score: float
    """Mean average precision over the later folds, which chose nothing, at the settings found."""
    later_starting_score: float
    """The same at the settings the search started from."""
    trials: pl.DataFrame
    """`trial`, `average_precision` (mean over the folds), then one column per searched setting; trial 0 is the
    start."""

    @property
    def is_better(self) -> bool:
        """Whether the settings found are better than the start on the later folds too."""
        return self.later_score > self.later_starting_score

    @property
    def yaml(self) -> str:
        """The settings to use as a configuration file that `--config` takes."""
        verdict = "the settings found are better there too" if self.is_better else "so the start is kept"
        head = (
            f"# {self.kind} tuned in {self.trials.height} trials on rolling folds of the training rows: mean average\n"
            f"# precision {self.score:.4f}, from {self.starting_score:.4f} at the start. On later folds, which chose "
            f"nothing, {self.later_score:.4f}\n# against {self.later_starting_score:.4f}: {verdict}.\n"
        )
        chosen: str = yaml.safe_dump({"train": {self.kind: self.best}}, sort_keys=False)
        return head + chosen


def tune(
    train: pl.DataFrame,
    /,
    *,
    kind: ModelName,
    settings: Settings,
    trials: int = 30,
    folds: int = 3,
    on_step: Callable[[TuningStep], None] | None = None,
) -> TuningResult:
    """Search the settings of one learner for the best mean average precision over rolling folds of `train`.

    Each fold fits on the past, stops on the rows after it and is scored on those after them; validation and test are
    not looked at. The first trial is the settings as they are, so what is found is never worse on the folds; the best
    of many trials always looks better there than it is. So it is judged beside the start on later folds, half as many
    and at least one, and unless it is better on them too, the start is kept. The search (Optuna's TPE) is decided by
    `train.random_seed`.

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
    on_step
        Is told of every trial that is done.

    Raises
    ------
    MissingExtraError
        Optuna is not installed.
    UnsupportedTargetError
        A fold has no rows or no positives to fit, stop or score on.
    """
    optuna = _optuna()
    spec = feature_spec(train, leave_out=settings.train.leave_out)
    rows = _Rows(spec, design_matrix(train, spec), label_vector(train), row_draws(train))
    parts = rolling_folds(train, folds=folds + later_folds(folds), embargo=settings.split.embargo)
    _check(parts, rows.labels)
    start = getattr(settings.train, kind).model_dump(mode="json")
    study = _search(
        optuna,
        kind,
        lambda values: _mean_score(kind, parts[:folds], rows, with_settings(settings.train, kind, values)),
        start={name: start[name] for name in _searched(optuna, kind)},
        seed=settings.train.random_seed,
        trials=trials,
        on_step=on_step,
    )
    first, found = study.trials[0], study.best_trial
    later_starting_score, later_score = (
        _mean_score(kind, parts[folds:], rows, with_settings(settings.train, kind, trial.params))
        for trial in (first, found)
    )
    table = pl.DataFrame(
        [{"trial": done.number, "average_precision": done.value, **done.params} for done in study.trials]
    )
    return TuningResult(
        kind=kind,
        best=dict(found.params if later_score > later_starting_score else first.params),
        found=dict(found.params),
        score=float(found.value),
        starting_score=float(first.value),
        later_score=later_score,
        later_starting_score=later_starting_score,
        trials=table,
    )


def with_settings(settings: TrainSettings, kind: ModelName, values: Mapping[str, Any], /) -> TrainSettings:
    """Return the settings with some of one learner's changed."""
    own = getattr(settings, kind)
    return settings.model_copy(update={kind: own.model_copy(update=dict(values))})


def _search(
    optuna: Any,
    kind: ModelName,
    score: Callable[[dict[str, Any]], float],
    *,
    start: dict[str, Any],
    seed: int,
    trials: int,
    on_step: Callable[[TuningStep], None] | None,
) -> Any:
    """Return the study of so many trials, the first of them at the start."""

    def tell(study: Any, trial: Any) -> None:
        if on_step:
            on_step(TuningStep(trial.number + 1, trials, float(trial.value), float(study.best_value)))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(start, skip_if_exists=True)
    study.optimize(lambda trial: score(_SPACES[kind](trial)), n_trials=trials, callbacks=[tell])
    return study


def _mean_score(kind: ModelName, folds: list[Fold], rows: _Rows, settings: TrainSettings) -> float:
    return float(np.mean([_score(kind, fold, rows, settings) for fold in folds]))


def _score(kind: ModelName, fold: Fold, everything: _Rows, settings: TrainSettings) -> float:
    spec, matrix, labels = everything.spec, everything.matrix, everything.labels
    sample = sample_negatives(labels[fold.fit], everything.draws[fold.fit], settings=settings.sampling)
    fit = fold.fit if sample.rows is None else fold.fit[sample.rows]
    rows = FitRows(
        spec=spec,
        matrix=matrix[fit],
        labels=labels[fit],
        weights=sample.weights,
        stop_matrix=matrix[fold.stop],
        stop_labels=labels[fold.stop],
        settings=settings,
        odds_factor=sample.odds_factor,
    )
    return average_precision(labels[fold.score], FITTERS[kind](rows).log_odds(matrix[fold.score]))


def _check(folds: list[Fold], labels: NDArray[np.uint8]) -> None:
    for number, fold in enumerate(folds, start=1):
        for what, rows in (("fit on", fold.fit), ("stop on", fold.stop), ("score on", fold.score)):
            positives = int(labels[rows].sum())
            if positives in {0, len(rows)}:
                raise UnsupportedTargetError(
                    f"fold {number} of {len(folds)} needs positive rows and others to {what}, found "
                    f"{positives} positives among {len(rows)}: fewer folds, a shorter horizon or embargo, or a longer "
                    "log would do"
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
