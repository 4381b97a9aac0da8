"""The feature dictionary for logs of any size: one shard of users after the other, in bounded memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from purchase_pred.execution.shards import in_shard, shard_starts
from purchase_pred.features import build_features, item_days
from purchase_pred.schema import USER_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor, Future

    import polars as pl

    from purchase_pred.settings.features import FeatureSettings

EVENTS_PER_SHARD: Final = 250_000
"""Features of so many events take about half a gigabyte; larger shards are no faster."""


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
    of one call. Shards come by ascending user; within one, anchors keep their order. While the caller has one shard in
    hand, the next is in the making. Parameters as for `build_features`.
    """
    days = item_days(sessionized).collect().lazy()
    starts = shard_starts(sessionized, size=events_per_shard).collect()[USER_ID].to_list()
    with ThreadPoolExecutor(max_workers=1) as ahead:
        shards = [
            build_features(
                anchors.filter(in_shard(starts, number)),
                sessionized.filter(in_shard(starts, number)),
                catalog=catalog,
                users=users,
                settings=settings,
                days=days,
                assume_sorted=assume_sorted,
            )
            for number in range(len(starts))
        ]
        yield from _one_ahead(shards, ahead)


def _one_ahead(shards: Sequence[pl.LazyFrame], ahead: Executor) -> Iterator[pl.DataFrame]:
    """Collect one shard while the one before it is being used; each is let go as soon as it has been."""
    coming: Future[pl.DataFrame] | None = None
    for shard in shards:
        ready, coming = coming, ahead.submit(shard.collect, engine="in-memory")  # fits, and takes less than streamed
        if ready is not None:
            yield ready.result()
        del ready
    if coming is not None:
        yield coming.result()
