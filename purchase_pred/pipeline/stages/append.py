"""The stage `ingest --append`: further files are put behind a log, which becomes what reading all at once makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.errors import InputError, WorkspaceError
from purchase_pred.ingest import check_rejected
from purchase_pred.ingest.append import KnownLog, append_log
from purchase_pred.ingest.layout import LogLayout
from purchase_pred.pipeline.engine.claim import is_claimed
from purchase_pred.pipeline.engine.manifest import is_intact, program_version, read_manifest
from purchase_pred.pipeline.engine.parquet import continue_file, sink
from purchase_pred.pipeline.engine.publish import recover
from purchase_pred.pipeline.engine.stage import Made, Stage
from purchase_pred.pipeline.engine.workspace import (
    CATALOG_FILE,
    EVENTS_FILE,
    FIRST_KNOWN_FILE,
    LEDGER_FILE,
    REJECTED_FILE,
    USERS_FILE,
)
from purchase_pred.pipeline.stages.ingest import (
    CATALOG,
    FORMAT,
    LAYOUT,
    PATHS,
    UNITS,
    by_reason,
    check_listed,
    ingest_stage,
    warn,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from purchase_pred.ingest.append import AppendedLog
    from purchase_pred.pipeline.engine.manifest import Manifest
    from purchase_pred.pipeline.engine.stage import Work
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings

_SOURCE_ROWS: Final = "source_rows"
_FREE: Final = (PATHS, CATALOG, "ingest.max_rejected", "ingest.catalog_columns")
"""What may differ from delivery to delivery; everything else decides how the known rows were read."""


def append_stage(
    workspace: Workspace,
    log_format: str,
    paths: Sequence[Path],
    /,
    *,
    catalog: Sequence[Path] = (),
    settings: Settings,
    planned: bool = False,
) -> Stage:
    """Return the stage that puts files behind the log of a workspace; `planned`: it is only to be judged.

    What it leaves behind is, down to the manifest, what `ingest_stage` of all files in the same order leaves.

    Raises
    ------
    InputError
        A path or glob matches no file; there is no ingested log, or it was read in another way.
    """
    if is_claimed(workspace, "ingest") and not planned:
        with workspace.locked():
            recover(workspace)  # what the last delivery was cut off from publishing is known
    held = _held(workspace)
    stage = ingest_stage(log_format, paths, catalog=catalog)
    _check_read_alike(held, *(stage.settings_of(EVENTS_FILE, one) for one in (settings, type(settings)())))
    files = [*held.settings[PATHS], *stage.options[PATHS]]
    kept = {name: held.inputs[name] for name in held.settings[PATHS] if name in held.inputs}
    return Stage(
        name=stage.name,
        function="purchase_pred.pipeline.stages.append:append",
        inputs=stage.inputs,
        held_inputs={name: found for name, found in kept.items() if name not in stage.inputs},
        units=stage.units,
        settings=stage.settings,
        counted=stage.counted,
        replaces=stage.replaces,
        options={**stage.options, PATHS: files},
    )


def append(work: Work, /) -> list[Made]:
    """Write the raw files anew, with what the further files add.

    Raises
    ------
    InputError
        The files cannot be read, too much of them was rejected, or they cannot be added; see `append_log`.
    WorkspaceError
        Another run has changed the log meanwhile.
    """
    held = _held(work.workspace)
    before = held.settings[PATHS]
    if work.options[PATHS][: len(before)] != before:
        raise WorkspaceError(f"{work.workspace.name}: another run has changed the log meanwhile; run the command again")
    log = append_log(
        _known(work.workspace, held),
        work.options[PATHS][len(before) :],
        log_format=work.options[FORMAT],
        catalog=work.options.get(CATALOG, ()),
        settings=work.settings.ingest,
    )
    for warning in log.added.warnings:
        warn(warning, work)
    files = _Files(work)
    rejected = _write_rejected(log, files, work)
    rows = {REJECTED_FILE: sum(rejected.values())} | _write(log, files, work)
    added = rows[EVENTS_FILE] - (held.rows or 0)
    _tell(log, added, work)
    counts = {
        REJECTED_FILE: rejected,
        EVENTS_FILE: {
            _SOURCE_ROWS: held.counts[_SOURCE_ROWS] + log.added.rows,
            "rejected": rows[REJECTED_FILE],
            "added": added,
            "known_again": log.known_again,
            "late": log.late,
            "changed_users": log.changed_users,
            "earlier_users": log.earlier_users,
            "earlier_items": log.earlier_items,
        },
    }
    return [Made(unit, files.whole[unit], unit, rows=rows[unit], counts=counts.get(unit, {})) for unit in UNITS]


@dataclass(frozen=True)
class _Files:
    """Where the whole files are made, and those of what is added, which no name is kept of."""

    work: Work

    @property
    def whole(self) -> Mapping[str, Path]:
        return {unit: self.work.workspace.partial(unit) for unit in UNITS}

    def added(self, unit: str, /) -> Path:
        return self.work.workspace.partial(f"{unit}.added")

    def continued(self, unit: str, rows: pl.LazyFrame, /) -> int:
        """Put rows behind those of a file, which is not read."""
        sink(rows, self.added(unit))
        return continue_file(self.work.read(unit), self.added(unit), self.whole[unit])


def _held(workspace: Workspace) -> Manifest:
    """Return the manifest of the events that are to be added to."""
    path = workspace.path(EVENTS_FILE)
    manifests = {unit: read_manifest(workspace.path(unit)) for unit in UNITS}
    held = manifests[EVENTS_FILE]
    if held is None or held.stage != "ingest" or not path.is_file():
        raise InputError(f"{path}: --append needs a log that `purchase-pred ingest` has read, and there is none")
    for unit, manifest in manifests.items():
        file = workspace.path(unit)
        if manifest is None or not file.is_file() or not is_intact(file, manifest) or manifest.inputs != held.inputs:
            raise InputError(
                f"{file} is not as `purchase-pred ingest` left it, so nothing can be added to the log; bring all files "
                "in by one `purchase-pred ingest` with --force"
            )
    if held.program_version != program_version():
        raise InputError(
            f"the log was read by version {held.program_version}, and this is {program_version()}; bring all files in "
            "by one `purchase-pred ingest` with --force"
        )
    return held


def _check_read_alike(held: Manifest, wanted: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    before = {**defaults, **held.settings}  # a setting that did not exist then had its default
    differing = [key for key in {**before, **wanted} if key not in _FREE and before.get(key) != wanted.get(key)]
    if differing:
        told = "; ".join(f"{key} was {before.get(key)} and is {wanted.get(key)}" for key in differing)
        raise InputError(
            f"what is added must be read as the log was: {told}; give the format and options that the log was read "
            "with, or bring all files in by one `purchase-pred ingest` with --force"
        )


def _known(workspace: Workspace, held: Manifest) -> KnownLog:
    first_known = workspace.path(FIRST_KNOWN_FILE)
    return KnownLog(
        events=pl.scan_parquet(workspace.path(EVENTS_FILE)),
        rejected=pl.scan_parquet(workspace.path(REJECTED_FILE)),
        users=pl.scan_parquet(workspace.path(USERS_FILE)),
        items=pl.scan_parquet(first_known),
        ledger=pl.scan_parquet(workspace.path(LEDGER_FILE)),
        rows=held.counts[_SOURCE_ROWS],
        layout=LogLayout.from_json(pl.read_parquet_metadata(first_known)[LAYOUT]),
    )


def _write_rejected(log: AppendedLog, files: _Files, work: Work) -> dict[str, int]:
    """Write all rejected rows, and return how many there are for each reason; known rows speak against no file."""
    added = files.added(REJECTED_FILE)
    sink(log.added.rejected, added)
    new = by_reason(added)
    new["duplicate"] = new.get("duplicate", 0) - log.known_again
    limit = work.settings.ingest.max_rejected
    check_rejected(new, rows=log.added.rows, max_rejected=limit, examples=log.added.examples)
    both = [pl.scan_parquet(work.read(REJECTED_FILE)), pl.scan_parquet(added)]
    sink(pl.concat(both, how="diagonal"), files.whole[REJECTED_FILE])
    return by_reason(files.whole[REJECTED_FILE])


def _write(log: AppendedLog, files: _Files, work: Work) -> dict[str, int]:
    rows = {
        EVENTS_FILE: files.continued(EVENTS_FILE, log.added.events),
        LEDGER_FILE: files.continued(LEDGER_FILE, log.added.ledger),
        USERS_FILE: sink(log.users, files.whole[USERS_FILE]),
        FIRST_KNOWN_FILE: sink(log.items, files.whole[FIRST_KNOWN_FILE], told={LAYOUT: log.layout.to_json()}),
    }
    items = log.catalog(pl.scan_parquet(files.whole[FIRST_KNOWN_FILE]))
    rows[CATALOG_FILE] = sink(items, files.whole[CATALOG_FILE])
    catalog = work.options.get(CATALOG, ())
    if catalog and log.added.listed is not None:
        check_listed(files.whole[CATALOG_FILE], log.added.listed, catalog, work)
    for unit in (REJECTED_FILE, EVENTS_FILE, LEDGER_FILE):
        files.added(unit).unlink()
    return rows


def _tell(log: AppendedLog, added: int, work: Work) -> None:
    if not added:
        warn(f"nothing was added: of {log.added.rows:,} rows {log.known_again:,} are events that are known", work)
    elif log.known_again:
        warn(f"{log.known_again:,} of {log.added.rows:,} rows are events that are known, and were left out", work)
    if log.late:
        warn(
            f"{log.late:,} of {added:,} events added are older than the newest one known: of {log.changed_users:,} "
            f"users the history has changed; {log.earlier_users:,} users and {log.earlier_items:,} items are known "
            "earlier than before",
            work,
        )
