"""The model in use judged: by what has come true since it was trained, and by monitoring."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.evaluation import scored_splits
from purchase_pred.metrics import metrics
from purchase_pred.models import load_model
from purchase_pred.names import SPLITS
from purchase_pred.pipeline.feature_files import read_split
from purchase_pred.pipeline.model_files import LOG_UNTIL, read_metrics
from purchase_pred.pipeline.tasks.monitor import monitor
from purchase_pred.schema import LABEL_END
from purchase_pred.settings.carried import adopted_settings

if TYPE_CHECKING:
    from pathlib import Path

    from purchase_pred.pipeline.engine.stage import Observer
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings.loading import ResolvedSettings
    from purchase_pred.settings.nightly import NightlySettings

_LOGGER: Final = logging.getLogger(__name__)


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
class Watched:
    """What monitoring says of the log and of the model in use: a sentence for each limit that was passed."""

    log: tuple[str, ...] = ()
    """Days that are odd, which no other model mends."""
    model: tuple[str, ...] = ()
    """Rows that are no longer those that the model has learnt from, or probabilities that do not come true."""


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


def known_until(training: dict[str, object], /) -> datetime | None:
    """Return the end of the log from which a model was trained; None: it was saved before models kept that."""
    try:
        return datetime.fromisoformat(str(training[LOG_UNTIL]))
    except (KeyError, ValueError):
        return None


def watch(
    workspace: Workspace, resolved: ResolvedSettings, model: Path, as_of: datetime | None, /, *, observer: Observer
) -> Watched:
    """Ask monitoring which limits are passed; a model that it cannot judge is told of and passes none.

    Raises
    ------
    ConfigError
        The settings are others than the model's.
    """
    if not resolved.settings.nightly.monitor:
        return Watched()
    try:
        verdict = monitor(workspace, resolved, model=model, as_of=as_of, warns=observer.warns)
    except InputError as error:
        observer.warns(f"monitoring was left out: {error}")
        _LOGGER.warning("night: monitoring was left out: %s", error)
        return Watched()
    parts = (verdict.days.findings, None if verdict.rows is None else verdict.rows.findings)
    found = Watched(*(_told(part) for part in parts))
    _LOGGER.info("night: monitoring: %s", "; ".join((*found.log, *found.model)) or "quiet")
    return found


def _told(findings: pl.DataFrame | None) -> tuple[str, ...]:
    if findings is None:
        return ()
    return tuple(
        f"{row['check']} of {row['subject']}{f' on {day}' if (day := row['day']) else ''}: {row['meaning']}"
        for row in findings.filter("alarm").iter_rows(named=True)
    )
