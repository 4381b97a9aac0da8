"""The runner: which stages are due and why, and each of them made, published and reported in turn."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from polars.exceptions import PolarsError

from purchase_pred.errors import InputError
from purchase_pred.execution.engines import polars_engine
from purchase_pred.pipeline.engine.claim import is_claimed
from purchase_pred.pipeline.engine.freshness import input_fingerprints, judge_stage
from purchase_pred.pipeline.engine.publish import publish, recover
from purchase_pred.pipeline.engine.shard_store import forget_shards
from purchase_pred.pipeline.engine.stage import StageReport, Work
from purchase_pred.pipeline.engine.workspace import disk_fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purchase_pred.pipeline.engine.freshness import Verdict
    from purchase_pred.pipeline.engine.stage import Made, Observer, Stage
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings

MISSING: Final = ("missing",)
"""The reason why a stage runs of which no output is there."""
CUT_OFF: Final = "stale: it was cut off while its outputs took their names; the next run goes on there"

_LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """A stage to run, and which of its units; none named: all of them."""

    stage: Stage
    units: tuple[str, ...] = ()
    kept: str = ""
    """Why the stage is not to run and its outputs are kept as they are, whosever they may be; empty: it may run."""


def run_stages(
    requests: Sequence[Request],
    /,
    *,
    workspace: Workspace,
    settings: Settings,
    observer: Observer,
    force: bool = False,
) -> list[StageReport]:
    """Run the stages that are due, in the order given, as the only writer of the workspace.

    Raises
    ------
    PurchasePredError
        A setting is wrong, an input is missing or wrong, the workspace is held by another run, or real raw data would
        be overwritten. What earlier runs published stays as it was.
    """
    for request in requests:
        request.stage.check_settings(settings)
    with workspace.locked():
        for told in recover(workspace):
            _LOGGER.info(told)
        reports = []
        for request in requests:
            report = _keep(request, workspace) or _run_stage(request, workspace, settings, observer, force=force)
            _log(report)
            observer.stage_ends(report)
            reports.append(report)
        return reports


def plan_stages(
    requests: Sequence[Request],
    /,
    *,
    workspace: Workspace,
    settings: Settings,
    force: bool = False,
) -> list[StageReport]:
    """Return what `run_stages` would do and why, writing nothing.

    A stage whose inputs would be made again is stale too: whether it has to run shows only when their content is
    known.
    """
    reports: list[StageReport] = []
    remade: dict[str, str] = {}
    for request in requests:
        stage = request.stage
        stage.check_settings(settings)
        kept = _keep(request, workspace)
        if kept:
            reports.append(kept)
            continue
        verdicts = _verdicts(request, workspace, settings)
        due = _due(request, verdicts, force=force)
        if due and not force:
            stage.guard(workspace)
        reasons = _reasons(verdicts, due, force=force)
        if is_claimed(workspace, stage.name):
            reasons = (CUT_OFF,)
        upstream = dict.fromkeys(remade[name] for name in (*stage.inputs, *stage.optional_inputs) if name in remade)
        if reasons != MISSING:
            reasons += tuple(f"{name} would run first" for name in upstream)
        missing = all(verdict.state == "missing" for verdict in verdicts.values())
        reports.append(StageReport(stage.name, "missing" if missing else "stale" if reasons else "fresh", reasons))
        if reasons:
            remade |= dict.fromkeys(stage.units, stage.name)
    return reports


def _run_stage(
    request: Request, workspace: Workspace, settings: Settings, observer: Observer, *, force: bool
) -> StageReport:
    stage = request.stage
    started = time.perf_counter()
    _check_inputs(stage, workspace)
    verdicts = _verdicts(request, workspace, settings)
    due = _due(request, verdicts, force=force)
    if not due:
        forget_shards(workspace, stage.name)
        return StageReport(stage.name, "fresh", seconds=time.perf_counter() - started)
    if not force:
        stage.guard(workspace)
    reasons = _reasons(verdicts, due, force=force)
    _LOGGER.info("%s starts: %s", stage.name, "; ".join(reasons))
    observer.stage_starts(stage.name, reasons)
    inputs = input_fingerprints(stage, workspace)
    work = Work(workspace, settings, due, observer, stage.options, force=force)
    try:
        with polars_engine(settings.execution.engine):
            made = stage.load()(work)
        manifests = publish(made, stage, work=work, inputs=inputs)
    except BaseException as error:
        fault = disk_fault(workspace.leftovers()) if isinstance(error, PolarsError) else None
        _clean_up(workspace)
        if fault:
            raise fault from error
        raise
    with suppress(OSError):  # a worker that was given up may be writing there; the next run removes what is left
        forget_shards(workspace, stage.name)
    return StageReport(
        stage.name,
        "ran",
        reasons,
        rows=_rows(made, stage),
        seconds=time.perf_counter() - started,
        outputs=tuple(manifest.output for manifest in manifests),
        counts={manifest.output: dict(manifest.counts) for manifest in manifests if manifest.counts},
    )


def _keep(request: Request, workspace: Workspace) -> StageReport | None:
    """Report a stage whose outputs are to be kept; None: it may run."""
    if not request.kept:
        return None
    request.stage.check_kept(workspace)
    return StageReport(request.stage.name, "kept", (request.kept,))


def _clean_up(workspace: Workspace) -> None:
    with suppress(OSError):  # what has just failed is told, not this
        try:
            recover(workspace)
        except KeyboardInterrupt:  # one Ctrl-C is raised by Polars, and then by Python again
            recover(workspace)


def _rows(made: Sequence[Made], stage: Stage) -> int | None:
    counted = [one.rows for one in made if not stage.counted or one.unit in stage.counted]
    return None if None in counted else sum(rows or 0 for rows in counted)


def _verdicts(request: Request, workspace: Workspace, settings: Settings) -> dict[str, Verdict]:
    verdicts = judge_stage(request.stage, workspace, settings)
    return {unit: verdicts[unit] for unit in request.units or request.stage.units}


def _due(request: Request, verdicts: Mapping[str, Verdict], *, force: bool) -> tuple[str, ...]:
    """Return the units to make: those not fresh, or all of a stage that cannot be divided."""
    due = tuple(unit for unit, verdict in verdicts.items() if force or verdict.state != "fresh")
    return due if request.stage.divisible or not due else request.stage.units


def _reasons(verdicts: Mapping[str, Verdict], due: tuple[str, ...], *, force: bool) -> tuple[str, ...]:
    if all(verdict.state == "missing" for verdict in verdicts.values()):
        return MISSING
    reasons = dict.fromkeys(
        f"{verdict.state}: {reason}" if verdict.state == "stale" else reason
        for verdict in verdicts.values()
        for reason in verdict.reasons
    )
    return tuple(reasons) or (("--force",) if force and due else ())


def _check_inputs(stage: Stage, workspace: Workspace) -> None:
    absent = [name for name in stage.inputs if not workspace.path(name).is_file()]
    if absent:
        where = workspace.origin.name or workspace.root.resolve()
        raise InputError(
            f"{stage.name} needs {', '.join(absent)} in {where}, not found; "
            "`purchase-pred run all` makes all that is missing, `purchase-pred ingest` takes a real log"
        )


def _log(report: StageReport) -> None:
    if report.state != "ran":
        _LOGGER.info("%s: %s", report.stage, "up to date" if report.state == "fresh" else "existing raw data kept")
        return
    made = f"{len(report.outputs)} outputs" if report.rows is None else f"{report.rows:,} rows"
    _LOGGER.info("%s: %s in %.1f s", report.stage, made, report.seconds)
    for output, counts in report.counts.items():
        _LOGGER.info("%s: %s", output, ", ".join(f"{name} {value}" for name, value in counts.items()))
