"""The stage `features`: prediction points, labels and features of each split, with the whole history before them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import polars as pl

from purchase_pred.execution.backends import open_launcher
from purchase_pred.execution.engines import engine_for_shards
from purchase_pred.execution.memory import BYTES_PER_EVENT, EVENTS_PER_SHARD
from purchase_pred.features import build_features
from purchase_pred.features.histories import event_fingerprints
from purchase_pred.pipeline.engine.manifest import is_output_of
from purchase_pred.pipeline.engine.parquet import ROWS_PER_GROUP, row_count, scan, scan_if_there
from purchase_pred.pipeline.engine.parquet_join import join_parquet
from purchase_pred.pipeline.engine.shard_store import open_shards
from purchase_pred.pipeline.engine.stage import Made
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, SESSIONIZED_FILE, USERS_FILE
from purchase_pred.pipeline.feature_files import naming
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.pipeline.stages.days import forget_tables, tables_in_memory, write_days
from purchase_pred.pipeline.stages.earlier_features import (
    ROW,
    find_earlier,
    keep_histories,
    write_histories,
)
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
from purchase_pred.shards import UserShards, shard_starts
from purchase_pred.splits import PURGED, configured_boundaries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from purchase_pred.execution.launcher import Launcher
    from purchase_pred.pipeline.engine.shard_store import ShardStore
    from purchase_pred.pipeline.engine.stage import Work
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.pipeline.stages.earlier_features import EarlierFeatures
    from purchase_pred.settings import Settings
    from purchase_pred.windows.event_tables import EventTables

KEYS: Final = (USER_ID, SESSION_INDEX, ITEM_ID)

_LOGGER: Final = logging.getLogger(__name__)
_LEVEL: Final = 1
"""Of zstd: against the default, writing takes a third less, and files are a tenth larger."""


def make_features(work: Work, /) -> list[Made]:
    """Make the feature file of each split asked for; purged rows are counted and left out."""
    settings, workspace = work.settings, work.workspace.resolved()  # workers stand in folders of their own
    path = workspace.path(SESSIONIZED_FILE)
    sessionized = scan(path, SESSIONIZED)
    check_size(sessionized, settings=settings)
    shards = UserShards.of(shard_starts(sessionized, size=EVENTS_PER_SHARD).collect())
    placed = replace(work, workspace=workspace)
    store = open_shards(STAGE_BY_NAME["features"], placed, starts=shards.starts)
    log = _Log(workspace, shards, store, settings, work.units, is_sorted=is_output_of("sessionize", path))
    with open_launcher(
        settings.execution, bytes_per_event=BYTES_PER_EVENT, largest=max(shards.events, default=0), shared=path
    ) as launcher:
        _write_rows(log, launcher)
        counts = _count([store.path(_rows_name(number)) for number in range(len(shards))], work.units)
        check_rows(log_facts(sessionized), counts, settings=settings, advise=lambda: suggest(sessionized, settings))
        _write_features(log, launcher, placed)
    return [_joined(log, work.workspace.partial(unit), unit, counts) for unit in work.units]


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


def log_end(sessionized: pl.LazyFrame, /) -> datetime | None:
    """Return the time of the last event of a log; None: it has none."""
    end: datetime | None = sessionized.select(pl.col(TIMESTAMP).max()).collect().item()
    return end


@dataclass(frozen=True)
class _Log:
    """A log in shards of users, and where what is made of them is kept: all that a worker is told."""

    workspace: Workspace
    shards: UserShards
    store: ShardStore
    settings: Settings
    units: tuple[str, ...]
    is_sorted: bool

    @property
    def sessionized(self) -> pl.LazyFrame:
        return scan(self.workspace.path(SESSIONIZED_FILE), SESSIONIZED)

    @property
    def catalog(self) -> pl.LazyFrame | None:
        return scan_if_there(self.workspace.path(CATALOG_FILE), CATALOG)

    def of(self, number: int, /) -> pl.LazyFrame:
        """Return the events of a shard."""
        return self.sessionized.filter(self.shards.condition(number))

    def users_of(self, number: int, /) -> pl.LazyFrame | None:
        """Return the users of a shard, where users are known."""
        users = scan_if_there(self.workspace.path(USERS_FILE), USERS)
        return None if users is None else users.filter(self.shards.condition(number))

    def size(self, number: int, /) -> int:
        """Return the events of a shard, or its prediction points where they are known and more, as on a calendar."""
        rows = _rows_name(number)
        points = row_count(self.store.path(rows)) if self.store.holds(rows) else 0
        return max(self.shards.events[number], points)

    def tables(self) -> Mapping[str, EventTables]:
        """Return what shards look up in the sums per item and day of the whole log."""
        rows = self.store.path(_rows_name(0))  # of the same columns as the others
        catalog = self.workspace.path(CATALOG_FILE)
        return tables_in_memory(self.store, rows, catalog=catalog, settings=self.settings.features)

    def collect(self, frame: pl.LazyFrame, /) -> pl.DataFrame:
        """Collect what is made of a shard."""
        return frame.collect(engine=engine_for_shards(self.settings.execution.engine))


class _Shard(NamedTuple):
    """How many rows a shard has, and how many of them were taken over."""

    rows: int
    taken: int


def _rows_name(number: int) -> str:
    return f"rows.{number:05}.parquet"


def _part_name(unit: str, number: int) -> str:
    return f"{split_of(unit)}.{number:05}.parquet"


def _history_name(number: int) -> str:
    return f"history.{number:05}.parquet"


def _write_rows(log: _Log, launcher: Launcher) -> None:
    """Write the prediction points of each shard, with their labels and splits, to a file of its own."""
    numbers = [number for number in range(len(log.shards)) if not log.store.holds(_rows_name(number))]
    if not numbers:
        return
    boundaries = configured_boundaries(log.sessionized, log.settings.split).collect().row(0, named=True)
    for _ in launcher.run((log.size(number), partial(_make_rows, log, boundaries, number)) for number in numbers):
        pass


def _make_rows(log: _Log, boundaries: Mapping[str, Any], number: int) -> int:
    """Write the prediction points of a shard, and return their number."""
    rows = log.collect(prediction_rows(log.of(number), settings=log.settings, boundaries=boundaries))
    with log.store.making(_rows_name(number)) as path:
        rows.write_parquet(path, compression="lz4")
    return rows.height


def _count(rows: Sequence[Path], units: Sequence[str]) -> dict[str, SplitCounts]:
    kept = ~pl.col(PURGED)
    counted = (
        pl.concat([pl.scan_parquet(path) for path in rows])
        .group_by(SPLIT)
        .agg(
            rows=kept.sum(),
            positives=pl.col(LABEL).filter(kept).sum().cast(pl.Int64),
            purged=pl.col(PURGED).sum(),
        )
        if rows
        else pl.LazyFrame(schema={SPLIT: pl.String})
    )
    found = {row.pop(SPLIT): SplitCounts(**row) for row in counted.collect().to_dicts()}
    return {split_of(unit): found.get(split_of(unit), SplitCounts(0, 0, 0)) for unit in units}


def _write_features(log: _Log, launcher: Launcher, work: Work) -> None:
    """Write the features of each split of each shard to a file of its own, which is a row group of the whole."""
    store = log.store
    names = [[_part_name(unit, number) for unit in log.units] for number in range(len(log.shards))]
    missing = [number for number, parts in enumerate(names) if not all(map(store.holds, parts))]
    found = [name for number in set(range(len(names))).difference(missing) for name in names[number]]
    rows, taken = sum(row_count(store.path(name)) for name in found), 0
    work.observer.shards_done(len(names) - len(missing), of=len(names), rows=rows)
    if not missing:
        return
    days = write_days(store, log.sessionized)
    earlier = find_earlier(work, days) if log.is_sorted else None
    jobs = ((log.size(number), partial(_make_features, log, earlier, number)) for number in missing)
    for done, made in enumerate(launcher.run(jobs), start=1 + len(names) - len(missing)):
        rows, taken = rows + made.rows, taken + made.taken
        work.observer.shards_done(done, of=len(names), rows=rows)
    forget_tables()
    if earlier:
        _LOGGER.info("features: %s of %s rows are taken over from the files of before", f"{taken:,}", f"{rows:,}")
    if log.is_sorted:
        keep_histories(work, [store.path(_history_name(number)) for number in range(len(names))], days, earlier)


def _make_features(log: _Log, earlier: EarlierFeatures | None, number: int) -> _Shard:
    """Write the features of a shard: those that are as they were are taken over, the others made."""
    splits = [split_of(unit) for unit in log.units]
    rows = pl.scan_parquet(log.store.path(_rows_name(number)))
    wanted = rows.filter(~pl.col(PURGED), pl.col(SPLIT).is_in(splits)).drop(PURGED).with_row_index(ROW)
    events, of_item, of_user = log.of(number), log.catalog, log.users_of(number)
    taken = None
    if log.is_sorted:
        fingerprints = log.collect(event_fingerprints(events, catalog=of_item, users=of_user)).lazy()
        with log.store.making(_history_name(number)) as path:
            write_histories(fingerprints, path)
        taken = earlier.of(wanted, fingerprints, log.shards.condition(number)) if earlier else None
    if taken is not None:
        wanted = log.collect(wanted.join(taken.lazy(), on=ROW, how="anti")).lazy()
        events = events.join(wanted, on=USER_ID, how="semi", maintain_order="left")
    made = build_features(
        wanted,
        events,
        catalog=of_item,
        users=of_user,
        settings=log.settings.features,
        days=log.tables(),
        assume_sorted=log.is_sorted,
    )
    whole = log.collect(made)
    if taken is not None:
        whole = pl.concat([taken.select(whole.columns).cast(whole.schema), whole]).sort(ROW)
    _write_parts(log, number, whole.drop(ROW), known=rows.collect_schema().names())
    return _Shard(whole.height, 0 if taken is None else taken.height)


def _write_parts(log: _Log, number: int, whole: pl.DataFrame, *, known: Sequence[str]) -> None:
    """Write the features of a shard to a file for each split; of the keys it has those of the target."""
    unneeded = set(KEYS) & set(known) - set(target_keys(log.settings))
    metadata = naming([name for name in whole.columns if name not in known])
    for unit in log.units:
        with log.store.making(_part_name(unit, number)) as path:
            whole.filter(pl.col(SPLIT) == split_of(unit)).drop(SPLIT, *unneeded).write_parquet(
                path,
                compression="zstd",
                compression_level=_LEVEL,
                row_group_size=ROWS_PER_GROUP,
                metadata=metadata,
            )


def _joined(log: _Log, partial_path: Path, unit: str, counts: dict[str, SplitCounts]) -> Made:
    """Join the shards of a split into its file."""
    parts = [log.store.path(_part_name(unit, number)) for number in range(len(log.shards))]
    count = counts[split_of(unit)]
    noted = {"positives": count.positives, "purged": count.purged}
    return Made(unit, partial_path, unit, rows=join_parquet(parts, partial_path), counts=noted)
