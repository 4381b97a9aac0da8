"""The feature dictionary for logs of any size: one shard of users after the other, in bounded memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from purchase_pred.execution.launcher import side_by_side
from purchase_pred.execution.user_shards import find_shards
from purchase_pred.features import build_features, item_days

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from purchase_pred.settings.features import FeatureSettings

EVENTS_PER_SHARD: Final = 250_000
"""Larger shards are no faster. Not a matter of memory: a shard is a row group of the feature files."""
BYTES_PER_EVENT: Final = 2_000
"""What the features of a shard take while they are made, for each of its events."""
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
    shards = find_shards(sessionized, size=events_per_shard)

    def build(number: int) -> pl.DataFrame:
        in_shard = shards.condition(number)
        features = build_features(
            anchors.filter(in_shard),
            sessionized.filter(in_shard),
            catalog=catalog,
            users=users,
            settings=settings,
            days=days,
            assume_sorted=assume_sorted,
        )
        # A shard fits into memory, and takes less time there than streamed.
        return features.collect(engine="in-memory")

    jobs = ((1, partial(build, number)) for number in range(len(shards)))
    yield from side_by_side(jobs, room=_AHEAD, at_most=_AHEAD)
