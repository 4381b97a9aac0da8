"""The shards of a log: ranges of users, and how many events each holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from purchase_pred.schema import USER_ID
from purchase_pred.shards import EVENTS, in_shard, shard_starts

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class UserShards:
    """Ranges of users, ascending, and how many events each holds."""

    starts: tuple[Any, ...]
    """The first user of each."""
    events: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.starts)

    def condition(self, number: int, /) -> pl.Expr:
        """Return the condition for the users of a shard."""
        return in_shard(self.starts, number)


def find_shards(events: pl.LazyFrame, /, *, size: int) -> UserShards:
    """Return the shards of about `size` events that `shard_starts` draws."""
    shards = shard_starts(events, size=size).collect()
    return UserShards(tuple(shards[USER_ID].to_list()), tuple(shards[EVENTS].to_list()))
