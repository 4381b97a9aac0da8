"""Shards of users: ranges of user_id that hold about as many events each, whole users in one shard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from purchase_pred.schema import USER_ID

if TYPE_CHECKING:
    from collections.abc import Sequence


def shard_starts(events: pl.LazyFrame, /, *, size: int) -> pl.LazyFrame:
    """Return the first user of each shard of about `size` events, ascending.

    Parameters
    ----------
    events
        ``user_id``, in any order; a user with more than `size` events makes a larger shard.
    size
        Events per shard.

    Returns
    -------
    LazyFrame
        ``user_id``, one row per shard; none for an empty log.

    Examples
    --------
    >>> log = pl.LazyFrame({"user_id": [1, 1, 2, 3, 3, 4]})
    >>> shard_starts(log, size=2).collect()["user_id"].to_list()
    [1, 2, 3]
    """
    return events.select(pl.col(USER_ID).sort()).gather_every(size).unique().sort(USER_ID)


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
