"""Monitoring: the days of the log and the rows of a model, held against what was before, as one verdict."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from purchase_pred.errors import InputError
from purchase_pred.execution.known_rows import KnownRows
from purchase_pred.models import load_model
from purchase_pred.monitoring.event_checks import check_days
from purchase_pred.monitoring.row_checks import CONTROLS, check_rows
from purchase_pred.monitoring.verdict import Verdict
from purchase_pred.pipeline.engine.publish import written_whole
from purchase_pred.pipeline.tasks.scoring.known_log import known_log, moment_text
from purchase_pred.report.monitor_page import render_monitor
from purchase_pred.settings.carried import adopted_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from purchase_pred.models.fitted import FittedModel
    from purchase_pred.monitoring.row_checks import RowsChecked
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings
    from purchase_pred.settings.loading import ResolvedSettings

MONITOR_FILE: Final = "monitor.html"

_LOGGER: Final = logging.getLogger(__name__)


def monitor(
    workspace: Workspace,
    resolved: ResolvedSettings,
    /,
    *,
    model: Path,
    as_of: datetime | None = None,
    warns: Callable[[str], None] = _LOGGER.warning,
) -> Verdict:
    """Hold the latest days of a workspace, and a model's rows of them, against what was before.

    Nothing is written. The training rows are made anew from the log, out of the periods that the model keeps and the
    settings that it carries: so they are those it learnt from, however the log has grown and whatever was trained
    since.

    Parameters
    ----------
    workspace
        Holds the sessionized log, and catalog and users if there are any.
    resolved
        The settings, and where each value came from; `monitor` is used, and what the model carries goes before them.
    model
        The folder of a model.
    as_of
        Events before this moment, strictly, are known; None: all events.
    warns
        Is told what the user should know and what stops nothing.

    Raises
    ------
    InputError
        There is no event before the moment, the model does not tell the periods it learnt from, or has learnt from
        later ones, or the inputs do not belong together.
    ConfigError
        The settings give another value than the model was trained with.
    BundleError
        The model cannot be loaded, or takes other features.
    """
    fitted = load_model(model)
    settings = adopted_settings(resolved, fitted.feature_settings, owner=str(model))
    log = known_log(workspace, settings, as_of=as_of, warns=warns)
    train_end, val_end = _periods(fitted, model, log.as_of)
    chosen = settings.monitor
    known = KnownRows(log, train_end=train_end, val_end=val_end, users=chosen.users, most=chosen.rows)
    days = check_days(log.sessionized, as_of=log.as_of, settings=chosen)
    return Verdict(fitted.name, log.as_of, chosen.window, days, _rows(fitted, known, log.as_of, settings))


def write_page(workspace: Workspace, verdict: Verdict, /) -> Path:
    """Draw the page of a verdict into the workspace, in place of the one before, and return where it lies."""
    path = workspace.path(MONITOR_FILE)
    with workspace.locked(), written_whole(path) as partial:
        partial.write_text(render_monitor(verdict), encoding="utf-8")
    return path


def _periods(fitted: FittedModel, folder: Path, moment: datetime) -> tuple[datetime, datetime]:
    """Return when training and validation of a model ended."""
    periods = fitted.training.get("periods", {})
    ends = [_utc(periods[name][-1]) for name in ("train", "val") if periods.get(name)]
    if len(ends) < 2:  # noqa: PLR2004  (one for each)
        raise InputError(
            f"{folder} does not tell from which days it has learnt, as an older version saved it; "
            "`purchase-pred train --force` trains one that does"
        )
    if ends[1] >= moment:
        raise InputError(
            f"{folder} has learnt from days up to {moment_text(ends[1])}, and nothing later is known at "
            f"{moment_text(moment)}: choose a later --as-of, or a model that was trained on earlier days"
        )
    return ends[0], ends[1]


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _rows(fitted: FittedModel, known: KnownRows, moment: datetime, settings: Settings) -> RowsChecked | None:
    chosen, train = settings.monitor, settings.train
    rows = known.since(moment - max((CONTROLS + 1) * chosen.window, timedelta(weeks=chosen.weeks)))
    if rows.is_empty():
        return None
    learnt = known.learnt_from()
    return check_rows(
        fitted, learnt, rows, as_of=moment, settings=chosen, seed=train.random_seed, threads=train.threads
    )
