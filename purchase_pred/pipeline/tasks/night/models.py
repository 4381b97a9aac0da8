"""The model of the night: judged on what has come true, trained anew when due, replaced by one that is not worse."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import UnsupportedTargetError
from purchase_pred.evaluation import scored_splits
from purchase_pred.metrics import metrics
from purchase_pred.models import load_model
from purchase_pred.names import SPLITS
from purchase_pred.pipeline.engine.parquet import scan
from purchase_pred.pipeline.engine.runner import Request, run_stages
from purchase_pred.pipeline.engine.workspace import SESSIONIZED_FILE
from purchase_pred.pipeline.feature_files import read_split
from purchase_pred.pipeline.model_files import (
    LOG_UNTIL,
    all_models,
    default_model,
    fresh_model,
    read_metrics,
    validation_rank,
)
from purchase_pred.pipeline.models_in_use import given_up, model_in_use, put_in_use, read_history
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.pipeline.stages.features import log_end
from purchase_pred.pipeline.tasks.models import compare_models
from purchase_pred.schema import LABEL_END, SESSIONIZED
from purchase_pred.settings.carried import adopted_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from purchase_pred.evaluation.paired import Difference
    from purchase_pred.pipeline.engine.stage import Observer
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings
    from purchase_pred.settings.loading import ResolvedSettings
    from purchase_pred.settings.nightly import NightlySettings

_LOGGER: Final = logging.getLogger(__name__)
_FIGURES: Final = ("average_precision", "log_loss")


@dataclass(frozen=True)
class Judgement:
    """How right the model in use was about what nobody knew when it was trained."""

    model: str
    rows: int
    """Prediction points whose labels have matured since."""
    positives: int
    average_precision: float | None
    log_loss: float | None
    mean_probability: float | None
    """Beside the share of positives: whether the probabilities still are some."""
    average_precision_test: float | None
    """What it had on test when it was trained."""


@dataclass(frozen=True)
class Training:
    """Whether another model was due, and what became of it."""

    reasons: tuple[str, ...]
    """Why one was due; empty: none was."""
    models: tuple[str, ...] = ()
    """Those that were trained in this night."""
    impossible: str | None = None
    """Why none could be trained."""


@dataclass(frozen=True)
class Promotion:
    """A new model beside the one in use, on the same rows of test."""

    candidate: str
    against: str | None
    """None: there was none in use."""
    promoted: bool
    why: str


def current_model(workspace: Workspace, /) -> Path | None:
    """Return the model in use; where none was ever chosen, put the newest in use; None: there is none.

    Raises
    ------
    InputError
        The one in use is gone.
    """
    if model_in_use(workspace) is None:
        folders = all_models(workspace)
        if not folders:
            return None
        put_in_use(workspace, folders[0].name)
    return default_model(workspace)


def judge_matured(workspace: Workspace, resolved: ResolvedSettings, model: Path, /) -> Judgement | None:
    """Judge a model on the labels that have matured since it was trained; None: there are none yet.

    Raises
    ------
    ConfigError
        The settings, or those of the feature files, are others than the model's.
    """
    fitted = load_model(model)
    settings = adopted_settings(resolved, fitted.feature_settings, owner=str(model))
    until = known_until(fitted.training)
    if until is None:
        return None
    rows = pl.concat([read_split(workspace, settings, split, asker=str(model)) for split in SPLITS])
    matured = scored_splits([fitted], {"matured": rows.filter(pl.col(LABEL_END) > until)})["matured"]
    if not matured.rows.height:
        return None
    probabilities = matured.probabilities(fitted)
    figures = metrics(matured.labels, probabilities)
    judged = Judgement(
        model=fitted.name,
        rows=figures["rows"],
        positives=figures["positives"],
        average_precision=figures["average_precision"],
        log_loss=figures["log_loss"],
        mean_probability=float(probabilities.mean()),
        average_precision_test=read_metrics(model)["splits"]["test"]["average_precision"],
    )
    _LOGGER.info("night: %s", judged)
    return judged


def passed_limits(judged: Judgement | None, settings: NightlySettings, /) -> tuple[str, ...]:
    """Return a sentence about each limit that the model in use has passed.

    Examples
    --------
    >>> from purchase_pred.settings.nightly import NightlySettings
    >>> judged = Judgement("lightgbm_1", 5000, 150, 0.2, 0.1, 0.03, 0.4)
    >>> passed_limits(judged, NightlySettings())
    ('PR-AUC of lightgbm_1 is 0.2000 on 5,000 rows that have matured, below 0.7 of the 0.4000 it had on test',)
    """
    if judged is None or judged.positives < settings.min_positives:
        return ()
    found, before = judged.average_precision, judged.average_precision_test
    if found is None or before is None or found >= settings.retrain_below * before:
        return ()
    share = f"below {settings.retrain_below:g} of the {before:.4f} it had on test"
    return (f"PR-AUC of {judged.model} is {found:.4f} on {judged.rows:,} rows that have matured, {share}",)


def train_when_due(
    workspace: Workspace, settings: Settings, limits: Sequence[str], /, *, observer: Observer
) -> Training:
    """Train where there is no model, or the newest one is too old, or a limit was passed.

    A night that is run again does not train again: models of the same features are fresh.
    """
    reasons = (*_age(workspace, settings), *limits)
    if not reasons:
        _LOGGER.info("night: no training is due")
        return Training(())
    request = Request(STAGE_BY_NAME["train"], tuple(settings.train.models))
    try:
        report = run_stages([request], workspace=workspace, settings=settings, observer=observer)[0]
    except UnsupportedTargetError as error:
        return Training(reasons, impossible=str(error))
    models = tuple(output.rpartition("/")[2] for output in report.outputs)
    _LOGGER.info("night: trained %s, since %s", ", ".join(models) or "nothing anew", "; ".join(reasons))
    return Training(reasons, models)


def promote(workspace: Workspace, resolved: ResolvedSettings, model: Path | None, /) -> Promotion | None:
    """Put the best model of the features that are there in use, if it is not worse; None: there is no other one.

    One that a person has gone back from is not put in use again.

    Raises
    ------
    ConfigError
        The settings, or those of the feature files, are others than those of one of the two.
    """
    settings = resolved.settings
    fresh = [fresh_model(workspace, settings, kind) for kind in settings.train.models]
    found = [folder for folder in fresh if folder is not None]
    if not found:
        return None
    candidate = max(found, key=validation_rank).name
    if model is not None and candidate == model.name:
        return None
    taken, why = _decide(workspace, resolved, model, candidate)
    if taken:
        put_in_use(workspace, candidate)
    _LOGGER.info("night: %s is %s: %s", candidate, "put in use" if taken else "not put in use", why)
    return Promotion(candidate, model.name if model else None, taken, why)


def known_until(training: dict[str, object], /) -> datetime | None:
    """Return the end of the log from which a model was trained; None: it was saved before models kept that."""
    try:
        return datetime.fromisoformat(str(training[LOG_UNTIL]))
    except (KeyError, ValueError):
        return None


def not_worse(differences: dict[str, Difference], rule: str, /) -> bool:
    """Tell whether the second model may take the place of the first, by the intervals of the differences.

    Without intervals the differences themselves decide.

    Examples
    --------
    >>> from purchase_pred.evaluation.paired import Difference
    >>> differences = {
    ...     "average_precision": Difference(0.40, 0.41, 0.01, (-0.01, 0.03)),
    ...     "log_loss": Difference(0.10, 0.10, 0.0, (-0.01, 0.01)),
    ... }
    >>> not_worse(differences, "not_worse"), not_worse(differences, "better"), not_worse(differences, "never")
    (True, False, False)
    """
    (low, high), (least, _) = (_interval(differences[name]) for name in _FIGURES)
    return {"not_worse": high >= 0, "better": low > 0, "never": False}[rule] and least <= 0


def _interval(difference: Difference) -> tuple[float, float]:
    if difference.interval_95 is not None:
        return difference.interval_95
    alone = float("nan") if difference.difference is None else difference.difference
    return alone, alone


def _decide(workspace: Workspace, resolved: ResolvedSettings, model: Path | None, candidate: str) -> tuple[bool, str]:
    rule = resolved.settings.nightly.promote
    if candidate in given_up(read_history(workspace)):
        return False, "a person has gone back from it"
    if model is None:
        return True, "there is no other"
    compared = compare_models(workspace, resolved, model.name, candidate, most=0)
    return not_worse(compared.differences, rule), f"{_told(compared.differences)} (nightly.promote: {rule})"


def _told(differences: dict[str, Difference]) -> str:
    return ", ".join(
        f"{name} {_number(differences[figure].difference)} [{', '.join(map(_number, _interval(differences[figure])))}]"
        for figure, name in zip(_FIGURES, ("PR-AUC", "log-loss"), strict=True)
    )


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:+.4f}"


def _age(workspace: Workspace, settings: Settings) -> tuple[str, ...]:
    """Return why the newest model is too old; nothing: it is not."""
    folders = all_models(workspace)
    if not folders:
        return ("there is no model",)
    until = known_until(load_model(folders[0]).training)
    if until is None:
        return (f"nothing tells from how long a log {folders[0].name} was trained",)
    end = log_end(scan(workspace.path(SESSIONIZED_FILE), SESSIONIZED))
    grown = timedelta() if end is None else end - until
    if grown < settings.nightly.retrain_every:
        return ()
    return (f"the log has grown by {grown.days} days since {folders[0].name} was trained",)
