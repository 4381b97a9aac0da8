"""The stage `sessionize`: at once where the log fits the memory, else one shard of users after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.execution.engines import engine_for_shards
from purchase_pred.execution.memory import events_at_once, memory_limit
from purchase_pred.pipeline.engine.parquet import row_count, scan, sink
from purchase_pred.pipeline.engine.shard_store import open_shards
from purchase_pred.pipeline.engine.stage import Made
from purchase_pred.pipeline.engine.workspace import EVENTS_FILE, SESSIONIZED_FILE, remove
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.schema import EVENTS, TIMESTAMP
from purchase_pred.sessions import sessionize
from purchase_pred.shards import SHARD, UserShards, shard_starts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.shard_store import ShardStore
    from purchase_pred.pipeline.engine.stage import Work

COPIES: Final = 4
"""How many times its own size an event takes while it is sorted and written."""
SINKS: Final = 16
"""Shards that one pass over the log is dealt out to; each holds the rows that it has not yet written."""
_PASSING: Final = "lz4"
"""What is read once and removed is compressed for speed."""


def sessionize_events(work: Work, /) -> list[Made]:
    """Give the sessions of each user their numbers."""
    path = work.read(EVENTS_FILE)
    events = scan(path, EVENTS)
    count = row_count(path)
    if not count:
        raise InputError(f"{path}: the log must hold events, and holds none")
    timeless = events.select(pl.col(TIMESTAMP).null_count()).collect().item()
    if timeless:
        raise InputError(
            f"{path}: every event needs a timestamp, {timeless:,} of {count:,} have none; leave them out, or read the "
            "log with `purchase-pred ingest`, which rejects and counts them"
        )
    size = events_at_once(memory_limit(work.settings.execution), bytes_per_event=COPIES * _bytes_of_a_row(events))
    partial = work.workspace.partial(SESSIONIZED_FILE)
    whole = sessionize(events, gap=work.settings.session.gap) if count <= size else _by_shard(work, events, size=size)
    return [Made(SESSIONIZED_FILE, partial, SESSIONIZED_FILE, rows=sink(whole, partial))]


def _bytes_of_a_row(events: pl.LazyFrame) -> float:
    """Return the bytes that an event takes in memory, judged by the first ones."""
    first = events.head(10_000).collect()
    return first.estimated_size() / first.height


def _by_shard(work: Work, events: pl.LazyFrame, *, size: int) -> pl.LazyFrame:
    """Sort shards of so many events one by one, and return them in order as one log."""
    shards = UserShards.of(shard_starts(events, size=size).collect())
    store = open_shards(STAGE_BY_NAME["sessionize"], work, starts=shards.starts)
    names = [f"{number:05}.parquet" for number in range(len(shards))]
    missing = [number for number, name in enumerate(names) if not store.holds(name)]
    done = len(shards) - len(missing)
    rows = sum(shards.events) - sum(shards.events[number] for number in missing)
    work.observer.shards_done(done, of=len(shards), rows=rows)
    for number, dealt in _deal(events, shards, missing, store):
        with store.making(names[number]) as partial:
            shard = sessionize(dealt, gap=work.settings.session.gap)
            shard.collect(engine=engine_for_shards(work.settings.execution.engine)).write_parquet(
                partial, compression=_PASSING
            )
        done, rows = done + 1, rows + shards.events[number]
        work.observer.shards_done(done, of=len(shards), rows=rows)
    return pl.scan_parquet([store.path(name) for name in names])


def _deal(
    events: pl.LazyFrame, shards: UserShards, missing: Sequence[int], store: ShardStore
) -> Iterator[tuple[int, pl.LazyFrame]]:
    """Yield the events of each missing shard, dealt out to files of their own in few passes over the log."""
    for first in range(0, len(missing), SINKS):
        wanted = missing[first : first + SINKS]
        folder = store.path("dealt")
        remove(folder)
        dealt = events.with_columns(shards.number()).filter(pl.col(SHARD).is_in(wanted))
        dealt.sink_parquet(_one_file_per_shard(folder), compression=_PASSING, mkdir=True)
        for number in wanted:
            path = folder / _dealt_name(number)
            yield number, pl.scan_parquet(path)
            path.unlink()
        remove(folder)


def _one_file_per_shard(folder: Path) -> pl.PartitionBy:
    return pl.PartitionBy(
        folder,
        key=SHARD,
        include_key=False,
        approximate_bytes_per_file=None,
        file_path_provider=lambda file: _dealt_name(file.partition_keys.item()),
    )


def _dealt_name(number: int) -> str:
    return f"{number}.parquet"
