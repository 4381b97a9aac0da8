"""The feature dictionary for logs of any size: one shard of users after the other, in bounded memory."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from purchase_pred.features import build_features, item_days
from purchase_pred.schema import USER_ID
from purchase_pred.shards import in_shard, shard_starts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    import polars as pl

    from purchase_pred.settings.features import FeatureSettings

EVENTS_PER_SHARD: Final = 250_000
"""Features of so many events take about half a gigabyte; larger shards are no faster."""
_AHEAD: Final = 2
"""Shards in the making while another is being used."""


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
    hand, the next are in the making. Parameters as for `build_features`.
    """
    days = item_days(sessionized).collect().lazy()
    starts = shard_starts(sessionized, size=events_per_shard).collect()[USER_ID].to_list()
    shards = (
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
    )
    yield from _made_ahead(shards)


def _made_ahead(shards: Iterator[pl.LazyFrame]) -> Iterator[pl.DataFrame]:
    """Collect the next shards while the caller uses one: where a shard leaves a core idle, another takes it."""
    with ThreadPoolExecutor(_AHEAD) as threads:
        coming: deque[Future[pl.DataFrame]] = deque()
        for shard in shards:
            # A shard fits into memory, and takes less time there than streamed.
            coming.append(threads.submit(shard.collect, engine="in-memory"))
            if len(coming) > _AHEAD:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
