"""The feature dictionary for logs of any size: one shard of users after the other, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from purchase_pred.execution.shards import in_shard, shard_starts
from purchase_pred.features import build_features, item_days
from purchase_pred.schema import USER_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from purchase_pred.settings.features import FeatureSettings

EVENTS_PER_SHARD: Final = 500_000
"""Features of so many events take about a gigabyte; larger shards are no faster."""


def features_by_shard(
    anchors: pl.LazyFrame,
    sessionized: pl.LazyFrame,
    /,
    *,
    catalog: pl.LazyFrame | None = None,
    users: pl.LazyFrame | None = None,
    settings: FeatureSettings | None = None,
    assume_sorted: bool = False,
    events_per_shard: int = EVENTS_PER_SHARD,
) -> Iterator[pl.DataFrame]:
    """Yield what `build_features` makes, for about so many events at a time, whole users in one shard.

    What features know of all users, the sums per item and day, is made once of the whole log, so every value is that
    of one call. Shards come by ascending user; within one, anchors keep their order. Parameters as for
    `build_features`.
    """
    days = item_days(sessionized).collect().lazy()
    starts = shard_starts(sessionized, size=events_per_shard).collect()[USER_ID].to_list()
    for number in range(len(starts)):
        features = build_features(
            anchors.filter(in_shard(starts, number)),
            sessionized.filter(in_shard(starts, number)),
            catalog=catalog,
            users=users,
            settings=settings,
            days=days,
            assume_sorted=assume_sorted,
        )
        yield features.collect(engine="in-memory")  # a shard fits, and takes less than when streamed
