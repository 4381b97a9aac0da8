"""The model of the night: trained anew when due, replaced by one that is not worse."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from purchase_pred.errors import UnsupportedTargetError
from purchase_pred.models import load_model
from purchase_pred.pipeline.engine.parquet import scan
from purchase_pred.pipeline.engine.runner import Request, run_stages
from purchase_pred.pipeline.engine.workspace import SESSIONIZED_FILE
from purchase_pred.pipeline.model_files import (
    all_models,
    default_model,
    fresh_model,
    validation_rank,
)
from purchase_pred.pipeline.models_in_use import given_up, model_in_use, put_in_use, read_history
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.pipeline.stages.features import log_end
from purchase_pred.pipeline.tasks.models import compare_models
from purchase_pred.pipeline.tasks.night.judging import known_until
from purchase_pred.schema import SESSIONIZED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from purchase_pred.evaluation.paired import Difference
    from purchase_pred.pipeline.engine.stage import Observer
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings
    from purchase_pred.settings.loading import ResolvedSettings

_LOGGER: Final = logging.getLogger(__name__)
_FIGURES: Final = ("average_precision", "log_loss")


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


def train_when_due(
    workspace: Workspace, settings: Settings, limits: Sequence[str], /, *, observer: Observer
) -> Training:
    """Train where there is no model, or the newest one is too old, or the one in use has passed limits.

    Where a newer one than that in use was trained already and not promoted, limits wait for its age. A night that is
    run again does not train again: models of the same features are fresh.
    """
    folders = all_models(workspace)
    is_newest = bool(folders) and _moment_of(folders[0]) == _moment_of(default_model(workspace))
    reasons = (*_age(workspace, settings), *(limits if is_newest else ()))
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


def _moment_of(folder: Path) -> str:
    """Return what the names of models have in common that were trained together."""
    return folder.name.partition("_")[2]


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
