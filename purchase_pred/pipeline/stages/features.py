"""The stage `features`: prediction points, labels and features of each split, with the whole history before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.execution import features_by_shard
from purchase_pred.pipeline.engine.manifest import is_output_of
from purchase_pred.pipeline.engine.parquet import ROWS_PER_GROUP, row_count, scan, scan_if_there, sink
from purchase_pred.pipeline.engine.stage import Made
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, SESSIONIZED_FILE, USERS_FILE
from purchase_pred.pipeline.stages.split import split_of
from purchase_pred.pipeline.stages.suggestions import suggest
from purchase_pred.pipeline.stages.support import LogFacts, SplitCounts, check_rows, check_size
from purchase_pred.prediction_rows import prediction_rows, target_keys
from purchase_pred.schema import (
    CATALOG,
    EVENT_TYPE,
    ITEM_ID,
    LABEL,
    PURCHASE,
    SESSION_INDEX,
    SESSIONIZED,
    SPLIT,
    TIMESTAMP,
    USER_ID,
    USERS,
    VIEW,
)
from purchase_pred.splits import PURGED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.stage import Work

KEYS: Final = (USER_ID, SESSION_INDEX, ITEM_ID)


def make_features(work: Work, /) -> list[Made]:
    """Make the feature file of each split asked for; purged rows are counted and left out."""
    sessionized = scan(work.read(SESSIONIZED_FILE), SESSIONIZED)
    splits = [split_of(unit) for unit in work.units]
    rows_path = work.workspace.partial("data/features/prediction_rows.parquet")
    check_size(sessionized, settings=work.settings)
    try:
        sink(prediction_rows(sessionized, settings=work.settings), rows_path)
        counts = _count(rows_path, splits)
        settings = work.settings
        check_rows(log_facts(sessionized), counts, settings=settings, advise=lambda: suggest(sessionized, settings))
        kept = pl.scan_parquet(rows_path).filter(~pl.col(PURGED), pl.col(SPLIT).is_in(splits)).drop(PURGED)
        shards = _feature_shards(work, kept, sessionized)
        return [_publishable(work, unit, parts, counts) for unit, parts in _write_parts(work, shards).items()]
    finally:
        rows_path.unlink(missing_ok=True)


def log_facts(sessionized: pl.LazyFrame, /) -> LogFacts:
    """Return what a log holds."""
    facts = sessionized.select(
        events=pl.len(),
        users=pl.col(USER_ID).n_unique(),
        views=(pl.col(EVENT_TYPE) == VIEW).sum(),
        purchases=(pl.col(EVENT_TYPE) == PURCHASE).sum(),
        span=pl.col(TIMESTAMP).max() - pl.col(TIMESTAMP).min(),
    )
    return LogFacts(**facts.collect().row(0, named=True))


def _count(rows_path: Path, splits: Sequence[str]) -> dict[str, SplitCounts]:
    kept = ~pl.col(PURGED)
    counted = (
        pl.scan_parquet(rows_path)
        .group_by(SPLIT)
        .agg(
            rows=kept.sum(),
            positives=pl.col(LABEL).filter(kept).sum().cast(pl.Int64),
            purged=pl.col(PURGED).sum(),
        )
        .collect()
    )
    found = {row.pop(SPLIT): SplitCounts(**row) for row in counted.to_dicts()}
    return {split: found.get(split, SplitCounts(0, 0, 0)) for split in splits}


def _feature_shards(work: Work, rows: pl.LazyFrame, sessionized: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Build the features of one shard of users after the other, without the keys that the target has no use for."""
    unneeded = set(KEYS) & set(rows.collect_schema()) - set(target_keys(work.settings))
    shards = features_by_shard(
        rows,
        sessionized,
        catalog=scan_if_there(work.read(CATALOG_FILE), CATALOG),
        users=scan_if_there(work.read(USERS_FILE), USERS),
        settings=work.settings.features,
        assume_sorted=is_output_of("sessionize", work.read(SESSIONIZED_FILE)),
    )
    return (shard.drop(unneeded) for shard in shards)


def _write_parts(work: Work, shards: Iterator[pl.DataFrame]) -> dict[str, list[Path]]:
    """Write the rows of each split of each shard to a file of its own."""
    parts: dict[str, list[Path]] = {unit: [] for unit in work.units}
    for number, shard in enumerate(shards):
        for unit, paths in parts.items():
            path = work.workspace.partial(f"{unit}.{number}")
            shard.filter(pl.col(SPLIT) == split_of(unit)).drop(SPLIT).write_parquet(path, row_group_size=ROWS_PER_GROUP)
            paths.append(path)
    return parts


def _publishable(work: Work, unit: str, parts: list[Path], counts: dict[str, SplitCounts]) -> Made:
    """Join the parts of a split into its file."""
    partial = work.workspace.partial(unit)
    if len(parts) == 1:
        parts[0].replace(partial)
    else:
        sink(pl.scan_parquet(parts), partial)
    for path in parts:
        path.unlink(missing_ok=True)
    count = counts[split_of(unit)]
    noted = {"positives": count.positives, "purged": count.purged}
    return Made(unit, partial, unit, rows=row_count(partial), counts=noted)
