"""Shards of users: ranges of user_id that hold about as many events each, whole users in one shard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from purchase_pred.schema import USER_ID

EVENTS: Final = "events"
"""Name of the column that says how many events a shard holds."""
SHARD: Final = "shard"
"""Name of the column that numbers shards from 0."""


def shard_starts(events: pl.LazyFrame, /, *, size: int) -> pl.LazyFrame:
    """Return the first user of each shard of about `size` events, ascending.

    A shard is full when it holds `size` events. A user with as many is a shard alone, so no other shard holds as much
    as twice `size`.

    Parameters
    ----------
    events
        ``user_id``, in any order.
    size
        Events per shard.

    Returns
    -------
    LazyFrame
        ``user_id`` and ``events`` (UInt64: how many the shard holds), one row per shard; none for an empty log.

    Examples
    --------
    >>> log = pl.LazyFrame({"user_id": [1, 1, 2, 3, 3, 4]})
    >>> shard_starts(log, size=2).collect().rows()
    [(1, 2), (2, 1), (3, 2), (4, 1)]
    """
    earlier = pl.col(EVENTS).cum_sum() - pl.col(EVENTS)
    heavy = pl.col(EVENTS) >= size
    full = (earlier // size).diff() != 0
    starts = (full | heavy | heavy.shift(1)).fill_null(value=True)
    return (
        events.group_by(USER_ID)
        .agg(pl.len().cast(pl.UInt64).alias(EVENTS))
        .sort(USER_ID)
        .with_columns(starts.cum_sum().alias(SHARD))
        .group_by(SHARD)
        .agg(pl.col(USER_ID).min(), pl.col(EVENTS).sum())
        .sort(SHARD)
        .drop(SHARD)
    )


@dataclass(frozen=True)
class UserShards:
    """Ranges of users, ascending, and how many events each holds.

    The first also takes what lies below it, the last what lies above, so that no row is lost.

    Examples
    --------
    >>> log, anchors = pl.LazyFrame({"user_id": [1, 2, 3]}), pl.DataFrame({"user_id": [0, 1, 2, 3, 9]})
    >>> shards = UserShards.of(shard_starts(log, size=1).collect())
    >>> [anchors.filter(shards.condition(number))["user_id"].to_list() for number in range(len(shards))]
    [[0, 1], [2], [3, 9]]
    >>> anchors.select(shards.number())["shard"].to_list()
    [0, 0, 1, 2, 2]
    """

    starts: tuple[Any, ...]
    """The first user of each."""
    events: tuple[int, ...]

    @classmethod
    def of(cls, drawn: pl.DataFrame, /) -> UserShards:
        """Return the shards that `shard_starts` has drawn."""
        return cls(tuple(drawn[USER_ID].to_list()), tuple(drawn[EVENTS].to_list()))

    def __len__(self) -> int:
        return len(self.starts)

    def condition(self, number: int, /) -> pl.Expr:
        """Return the condition for the users of a shard: from its start up to, not including, the next one's."""
        user = pl.col(USER_ID)
        above = pl.lit(value=True) if number == 0 else user >= self.starts[number]
        return above if number == len(self) - 1 else above & (user < self.starts[number + 1])

    def number(self) -> pl.Expr:
        """Return the number of the shard that each user is in, ``shard`` (UInt32)."""
        passed = ((pl.col(USER_ID) >= start).cast(pl.UInt32) for start in self.starts[1:])
        return pl.sum_horizontal(pl.lit(0, pl.UInt32), *passed).alias(SHARD)
