"""Features of prediction points, for logs of any size: of whole users, in shards, the next while one is in hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from purchase_pred.execution.days_in_memory import days_in_memory
from purchase_pred.execution.engines import engine_for_shards
from purchase_pred.execution.launcher import side_by_side
from purchase_pred.execution.memory import BYTES_PER_EVENT, EVENTS_PER_SHARD, events_at_once, memory_limit
from purchase_pred.features import build_features
from purchase_pred.schema import USER_ID
from purchase_pred.shards import UserShards, shard_starts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import polars as pl

    from purchase_pred.settings import Settings
    from purchase_pred.windows.event_tables import EventTables


@dataclass(frozen=True, eq=False)
class FeatureInputs:
    """What features are made from beside a log."""

    settings: Settings
    """What rows and features depend on, and `execution`."""
    days: pl.LazyFrame
    """The sums per item and day of the whole log."""
    catalog: pl.LazyFrame | None = None
    users: pl.LazyFrame | None = None
    assume_sorted: bool = False
    """The log is sorted by (user_id, timestamp, event_id)."""


def features_of_points(
    log: pl.LazyFrame,
    points: Callable[[pl.LazyFrame], pl.LazyFrame],
    inputs: FeatureInputs,
    /,
    *,
    events_per_shard: int = EVENTS_PER_SHARD,
) -> Iterator[pl.DataFrame]:
    """Yield the points of a log with their features, whole users at a time and by ascending user.

    They are those of `build_features` for the whole log, bit for bit. While the caller has one frame in hand, the next
    are in the making.

    Parameters
    ----------
    log
        All events of the users that are asked about.
    points
        Returns the prediction points of a part of the log that holds whole users.
    inputs
        What features are made from beside the log.
    events_per_shard
        About how many events of the log are taken at a time.
    """
    shards = UserShards.of(shard_starts(log, size=events_per_shard).collect())
    room = events_at_once(memory_limit(inputs.settings.execution), bytes_per_event=BYTES_PER_EVENT)
    tables = days_in_memory(points(log), inputs.days, catalog=inputs.catalog, settings=inputs.settings.features)
    jobs = (
        (events, partial(_features, log.filter(shards.condition(number)), points, inputs, tables))
        for number, events in enumerate(shards.events)
    )
    return side_by_side(jobs, room=room)


def _features(
    shard: pl.LazyFrame,
    points: Callable[[pl.LazyFrame], pl.LazyFrame],
    inputs: FeatureInputs,
    tables: Mapping[str, EventTables],
) -> pl.DataFrame:
    # What is made of a shard looks at its events several times, and a shard fits into memory.
    engine = engine_for_shards(inputs.settings.execution.engine)
    events = shard.collect(engine=engine).lazy()
    asked = points(events).collect(engine=engine).lazy()
    return build_features(
        asked,
        events.join(asked, on=USER_ID, how="semi", maintain_order="left"),
        catalog=inputs.catalog,
        users=inputs.users,
        settings=inputs.settings.features,
        days=tables,
        assume_sorted=inputs.assume_sorted,
    ).collect(engine=engine)
