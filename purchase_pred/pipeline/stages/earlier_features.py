"""The feature files of the run before: whoever is made of the same is taken from there, row by row.

Beside the files lies, in `data/.features.histories`, what they were made of: a fingerprint of each user's history and
of each day's sums. It is found by the inputs and settings that the files' manifests name: it never speaks of others.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.features.histories import (
    SINCE,
    day_fingerprints,
    days_differing,
    histories,
    sees_changed_day,
    unchanged,
)
from purchase_pred.names import SPLITS
from purchase_pred.pipeline.engine.fingerprint import fingerprint
from purchase_pred.pipeline.engine.freshness import input_fingerprints
from purchase_pred.pipeline.engine.manifest import is_intact, program_version, read_manifest
from purchase_pred.pipeline.engine.parquet import scan_if_there
from purchase_pred.pipeline.engine.parquet_join import join_parquet
from purchase_pred.pipeline.engine.publish import written_whole
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, features_file, remove
from purchase_pred.pipeline.feature_files import named_features
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.prediction_rows import target_keys
from purchase_pred.schema import CATALOG, PREDICTION_TIME, USER_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.stage import Work
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings

ROW: Final = "__row"
"""Name of the column by which a row is found again."""
_FOLDER: Final = "data/.features.histories"
_USERS_FILE: Final = "users.parquet"
_DAYS_FILE: Final = "days.parquet"
_SUMS_FILE: Final = "fingerprints.json"
"""Written last: the fingerprints of the two files, so that a damaged one is not believed."""


@dataclass(frozen=True)
class EarlierFeatures:
    """Feature files, and what they were made of; all that a worker is told."""

    files: tuple[Path, ...]
    folder: Path
    """Where the fingerprints lie of what they were made of."""
    changed: pl.DataFrame
    """The days whose sums have changed since."""
    settings: Settings

    def of(self, rows: pl.LazyFrame, fingerprints: pl.LazyFrame, users: pl.Expr, /) -> pl.DataFrame:
        """Return those of a shard's rows whose features are as they were, with these, in some order.

        Parameters
        ----------
        rows
            Prediction points of the shard, each with its number in `ROW`.
        fingerprints
            Of its events, as `event_fingerprints` returns them.
        users
            The condition for its users.
        """
        keys = [*target_keys(self.settings), PREDICTION_TIME]
        names = named_features(self.files[0]) or []
        found = pl.concat([pl.scan_parquet(file).filter(users).select(*keys, *names) for file in self.files])
        if self.settings.anchors.kind == "in_session":
            # Points that agree in all keys may differ in an item that the files do not name: none of them is taken.
            found = found.unique(keys, keep="none")
        as_before = unchanged(fingerprints, pl.scan_parquet(self.folder / _USERS_FILE).filter(users))
        seen = (pl.col(PREDICTION_TIME) <= pl.col(SINCE)).fill_null(value=True)
        same = rows.join(as_before, on=USER_ID).filter(seen).drop(SINCE)
        moved = sees_changed_day(same, self.changed.lazy(), settings=self.settings.features)
        return same.join(moved.select(ROW), on=ROW, how="anti").join(found, on=keys).collect(engine="in-memory")


def find_earlier(work: Work, days: pl.LazyFrame, /) -> EarlierFeatures | None:
    """Return the feature files that are there, if it is known what they were made of and the settings are the same.

    Parameters
    ----------
    work
        With `force`, nothing is taken from anywhere.
    days
        The sums per item and day of the log as it is now.
    """
    stage, workspace = STAGE_BY_NAME["features"], work.workspace
    wanted = stage.settings_of(stage.units[0], work.settings)
    files: dict[Path, list[Path]] = {}
    for split in () if work.force else SPLITS:
        path = workspace.path(features_file(split))
        manifest = read_manifest(path)
        if manifest is None or dict(manifest.settings) != wanted or not path.is_file() or not is_intact(path, manifest):
            continue
        folder = _folder(workspace, manifest.inputs, wanted)
        if _is_whole(folder):
            files.setdefault(folder, []).append(path)
    if not files:
        return None
    folder, paths = max(files.items(), key=lambda one: len(one[1]))
    before = pl.scan_parquet(folder / _DAYS_FILE)
    return EarlierFeatures(
        tuple(paths), folder, days_differing(_fingerprints(days, workspace), before).collect(), work.settings
    )


def write_histories(fingerprints: pl.LazyFrame, path: Path, /) -> None:
    """Write what the features of a shard were made of."""
    histories(fingerprints).collect().write_parquet(path)


def keep_histories(work: Work, parts: Sequence[Path], days: pl.LazyFrame, earlier: EarlierFeatures | None, /) -> None:
    """Keep what the features were made of, for the next run; what `earlier` files were made of stays until then."""
    stage, workspace = STAGE_BY_NAME["features"], work.workspace
    inputs = input_fingerprints(stage, workspace)
    folder = _folder(workspace, inputs, stage.settings_of(stage.units[0], work.settings))
    for other in workspace.path(_FOLDER).glob("*"):
        if other not in {folder, earlier and earlier.folder}:
            with suppress(OSError):
                remove(other)
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / _DAYS_FILE) as path:
        _fingerprints(days, workspace).collect().write_parquet(path)
    with written_whole(folder / _USERS_FILE) as path:
        join_parquet(parts, path)
    with written_whole(folder / _SUMS_FILE) as path:
        path.write_text(_sums(folder), encoding="utf-8")


def forget_histories(workspace: Workspace, /) -> None:
    """Remove what the features were made of; the next run makes all of them."""
    remove(workspace.path(_FOLDER))


def damaged_histories(workspace: Workspace, /) -> list[str]:
    """Return the folders, by their paths within the workspace, that no longer hold what was written there."""
    return [workspace.relative(path) for path in sorted(workspace.path(_FOLDER).glob("*")) if not _is_whole(path)]


def _sums(folder: Path) -> str:
    return json.dumps({name: fingerprint(folder / name) for name in (_USERS_FILE, _DAYS_FILE)}) + "\n"


def _is_whole(folder: Path) -> bool:
    try:
        return (folder / _SUMS_FILE).read_bytes() == _sums(folder).encode()
    except OSError:
        return False


def _fingerprints(days: pl.LazyFrame, workspace: Workspace) -> pl.LazyFrame:
    return day_fingerprints(days, catalog=scan_if_there(workspace.path(CATALOG_FILE), CATALOG))


def _folder(workspace: Workspace, inputs: Mapping[str, str | None], settings: Mapping[str, Any]) -> Path:
    made_of = json.dumps(
        {
            "program_version": program_version(),
            "polars": pl.__version__,
            "inputs": dict(sorted(inputs.items())),
            "settings": settings,
        },
        sort_keys=True,
    )
    return workspace.path(_FOLDER) / hashlib.sha256(made_of.encode()).hexdigest()[:16]
