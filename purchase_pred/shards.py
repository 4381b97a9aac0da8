"""Shards of users: ranges of user_id that hold about as many events each, whole users in one shard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.schema import USER_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def in_shard(starts: Sequence[Any], number: int, /) -> pl.Expr:
    """Return the condition for the users of shard `number`: from its start up to, not including, the next one's.

    The first shard also takes what lies below it, the last what lies above, so that no row is lost.

    Examples
    --------
    >>> anchors = pl.DataFrame({"user_id": [0, 1, 2, 3, 9]})
    >>> [anchors.filter(in_shard([1, 2, 3], number))["user_id"].to_list() for number in range(3)]
    [[0, 1], [2], [3, 9]]
    """
    user = pl.col(USER_ID)
    above = pl.lit(value=True) if number == 0 else user >= starts[number]
    return above if number == len(starts) - 1 else above & (user < starts[number + 1])


def shard_of(starts: Sequence[Any], /) -> pl.Expr:
    """Return the number of the shard that each user is in, UInt32, as `in_shard` draws the bounds.

    Examples
    --------
    >>> anchors = pl.DataFrame({"user_id": [0, 1, 2, 3, 9]})
    >>> anchors.select(shard_of([1, 2, 3]))["shard"].to_list()
    [0, 0, 1, 2, 2]
    """
    passed = ((pl.col(USER_ID) >= start).cast(pl.UInt32) for start in starts[1:])
    return pl.sum_horizontal(pl.lit(0, pl.UInt32), *passed).alias(SHARD)
