"""Monitoring: the days of the log and the rows of a model, held against what was before, as one verdict."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.durations import duration_name
from purchase_pred.errors import InputError
from purchase_pred.execution.known_rows import KnownRows
from purchase_pred.models import load_model
from purchase_pred.monitoring.event_checks import DaysChecked, check_days
from purchase_pred.monitoring.row_checks import CONTROLS, RowsChecked, check_rows
from purchase_pred.pipeline.engine.manifest import is_output_of
from purchase_pred.pipeline.engine.parquet import scan, scan_if_there
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, SESSIONIZED_FILE, USERS_FILE
from purchase_pred.pipeline.tasks.open_predictions import moment_text
from purchase_pred.pipeline.tasks.scoring_inputs import check_inputs
from purchase_pred.schema import CATALOG, SESSIONIZED, TIMESTAMP, USERS
from purchase_pred.settings.carried import adopted_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from purchase_pred.models.fitted import FittedModel
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings
    from purchase_pred.settings.loading import ResolvedSettings

_LOGGER: Final = logging.getLogger(__name__)
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, eq=False)
class Verdict:
    """What monitoring found: every figure behind it, and which limits were passed."""

    model: str
    """The name of the model."""
    as_of: datetime
    """The moment: events before it, strictly, are known."""
    window: timedelta
    """How far back the new data reaches."""
    days: DaysChecked
    rows: RowsChecked | None
    """None: the window holds no row of the model, which the days tell the reason of."""

    @property
    def findings(self) -> pl.DataFrame:
        """All findings, as `purchase_pred.monitoring.findings.findings_table` has them, alarms first."""
        parts = [self.days.findings, *([self.rows.findings] if self.rows else [])]
        return pl.concat(parts).sort(~pl.col("alarm"), maintain_order=True)

    @property
    def alarms(self) -> pl.DataFrame:
        """The findings beyond their limits; none: all is quiet."""
        return self.findings.filter("alarm")

    @property
    def limits_passed(self) -> list[str]:
        """The checks that raised an alarm, each once."""
        return self.alarms["check"].unique(maintain_order=True).to_list()


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
    check_inputs(workspace, settings, warns=warns)
    log = scan(workspace.path(SESSIONIZED_FILE), SESSIONIZED)
    moment = _moment(log, as_of)
    train_end, val_end = _periods(fitted, model, moment)
    known = KnownRows(
        log,
        settings=settings,
        as_of=moment,
        train_end=train_end,
        val_end=val_end,
        users=settings.monitor.users,
        most=settings.monitor.rows,
        catalog=scan_if_there(workspace.path(CATALOG_FILE), CATALOG),
        profiles=scan_if_there(workspace.path(USERS_FILE), USERS),
        assume_sorted=is_output_of("sessionize", workspace.path(SESSIONIZED_FILE)),
    )
    days = check_days(log, as_of=moment, settings=settings.monitor)
    return Verdict(fitted.name, moment, settings.monitor.window, days, _rows(fitted, known, moment, settings))


def verdict_document(verdict: Verdict, /) -> dict[str, Any]:
    """Return a verdict as JSON holds it: what `monitor --json` prints."""
    rows = verdict.rows
    return {
        "schema_version": 1,
        "model": verdict.model,
        "as_of": verdict.as_of.isoformat(),
        "window": duration_name(verdict.window),
        "quiet": verdict.alarms.is_empty(),
        "limits_passed": verdict.limits_passed,
        "findings": _records(verdict.findings),
        "volumes": _records(verdict.days.volumes),
        "features": _records(rows.features) if rows else [],
        "adversarial": _records(rows.adversarial) if rows else [],
        "performance": _records(rows.performance) if rows else [],
        "weeks": _records(rows.weeks) if rows else [],
    }


def _records(table: pl.DataFrame) -> list[dict[str, Any]]:
    return [
        {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
        for row in table.iter_rows(named=True)
    ]


def _moment(log: pl.LazyFrame, as_of: datetime | None) -> datetime:
    first, last = log.select(first=pl.col(TIMESTAMP).min(), last=pl.col(TIMESTAMP).max()).collect().row(0)
    moment: datetime = last + _TICK if as_of is None else as_of
    if first >= moment:
        raise InputError(f"no event is known before {moment_text(moment)}: the log begins at {moment_text(first)}")
    return moment


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
