"""The report of a model: what manifests and log say of the data behind it, and the page, written whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.names import SPLITS
from purchase_pred.pipeline.engine.manifest import content_fingerprint, read_manifest
from purchase_pred.pipeline.engine.parquet import scan, scan_if_there
from purchase_pred.pipeline.engine.publish import written_whole
from purchase_pred.pipeline.engine.workspace import (
    CATALOG_FILE,
    EVENTS_FILE,
    SESSIONIZED_FILE,
    USERS_FILE,
    features_file,
)
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.report.data import ReportSource, report_data
from purchase_pred.report.page import render_report
from purchase_pred.report.tables import log_table
from purchase_pred.schema import ITEM_ID, PERSONA, SESSIONIZED, USER_ID, USERS
from purchase_pred.settings.loading import flat_settings
from purchase_pred.shards import UserShards, shard_starts
from purchase_pred.splits import configured_boundaries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from purchase_pred.evaluation.scored import ScoredSplit
    from purchase_pred.models import FittedModel
    from purchase_pred.models.rows.feature_rows import FeatureRows
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings

_EVENTS_AT_ONCE: Final = 5_000_000
"""Of these the distinct sessions are counted at once."""
_FILES: Final = (EVENTS_FILE, CATALOG_FILE, USERS_FILE, SESSIONIZED_FILE, *map(features_file, SPLITS))


def report_source(workspace: Workspace, settings: Settings, /) -> ReportSource:
    """Return what is known of the log behind the feature files of a workspace.

    Raises
    ------
    InputError
        The sessionized log is missing.
    """
    sessionized = scan(workspace.path(SESSIONIZED_FILE), SESSIONIZED)
    log, boundaries = _facts(sessionized, settings)
    return ReportSource(
        log=log,
        boundaries=boundaries,
        purged=dict(_purged(workspace)),
        origin=_origin(workspace),
        settings=_settings(workspace, settings),
        fingerprints=dict(_fingerprints(workspace)),
        users=_personas(workspace),
        embargo=settings.split.embargo,
    )


def write_report(
    path: Path | str,
    model: FittedModel,
    splits: Mapping[str, FeatureRows | ScoredSplit],
    document: Mapping[str, Any],
    /,
    *,
    settings: Settings,
    sessionized: pl.LazyFrame,
    rivals: Sequence[Mapping[str, Any]] = (),
    users: pl.DataFrame | None = None,
    origin: str = "handed over as frames",
) -> Path:
    """Write the report of a model to a file, at once and whole, and return where it is.

    Parameters
    ----------
    path
        The HTML file; its folder is made if it is missing.
    model, splits, document
        A model, the feature frames of `train`, `val` and `test`, and what `evaluate` returned for them.
    settings
        The settings tree the frames were made with.
    sessionized
        The log behind the frames, for its size, its time and the steps of its sessions.
    rivals
        What `evaluate` returned for other models of the same splits; they stand in the comparison.
    users
        Users with ``persona``, if they have any; they make cohorts.
    origin
        Where the log comes from, as the end of the sentence "The log was ...".
    """
    share = settings.split
    log, boundaries = _facts(sessionized, settings)
    source = ReportSource(
        log=log,
        boundaries=boundaries,
        purged={},
        origin=origin,
        settings={key: json.dumps(value, ensure_ascii=False) for key, value in flat_settings(settings).items()},
        fingerprints={},
        users=users,
        embargo=share.embargo,
    )
    page = render_report(report_data(model, splits, document, source=source, settings=settings, rivals=rivals))
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(target) as partial:
        partial.write_text(page, encoding="utf-8")
    return target


def _facts(sessionized: pl.LazyFrame, settings: Settings) -> tuple[dict[str, Any], tuple[Any, ...]]:
    boundaries = configured_boundaries(sessionized, settings.split).collect()
    return log_row(sessionized), boundaries.row(0)


def log_row(sessionized: pl.LazyFrame, /, *, at_once: int = _EVENTS_AT_ONCE) -> dict[str, Any]:
    """Return the one row of `log_table`; of a larger log from the parts of some users each, whose sessions are few."""
    shards = UserShards.of(shard_starts(sessionized, size=at_once).collect())
    if len(shards) <= 1:
        return log_table(sessionized).collect().row(0, named=True)
    parts = [log_table(sessionized.filter(shards.condition(number))).collect() for number in range(len(shards))]
    added = pl.exclude("start", "end").sum()
    row = pl.concat(parts).select(added, pl.col("start").min(), pl.col("end").max()).row(0, named=True)
    items = sessionized.select(ITEM_ID).unique().select(pl.len()).collect(engine="streaming").item()
    return {**row, "items": items}


def _purged(workspace: Workspace) -> Iterator[tuple[str, int]]:
    for split in SPLITS:
        manifest = read_manifest(workspace.path(features_file(split)))
        purged = manifest.counts.get("purged") if manifest else None
        if isinstance(purged, int):
            yield split, purged


def _origin(workspace: Workspace) -> str:
    manifest = read_manifest(workspace.path(EVENTS_FILE))
    if manifest is None:
        return "put into the workspace by hand"
    if manifest.stage == "generate":
        return f"simulated by this program (dataset.random_seed {manifest.settings.get('dataset.random_seed')})"
    return f"read from real events in the format {manifest.settings.get('format')}"


def _settings(workspace: Workspace, settings: Settings) -> dict[str, str]:
    manifest = read_manifest(workspace.path(EVENTS_FILE))
    found = dict(manifest.settings) if manifest else {}
    for stage in ("features", "train"):
        for unit in STAGE_BY_NAME[stage].units:
            found |= STAGE_BY_NAME[stage].settings_of(unit, settings)
    # Where the source files lay is nobody's business who is handed the report.
    return {key: json.dumps(value, ensure_ascii=False) for key, value in found.items() if key != "paths"}


def _fingerprints(workspace: Workspace) -> Iterator[tuple[str, str]]:
    for name in _FILES:
        fingerprint = content_fingerprint(workspace.path(name))
        if fingerprint:
            yield name, fingerprint


def _personas(workspace: Workspace) -> pl.DataFrame | None:
    users = scan_if_there(workspace.path(USERS_FILE), USERS)
    if users is None or PERSONA not in users.collect_schema():
        return None
    return users.select(USER_ID, PERSONA).collect()
