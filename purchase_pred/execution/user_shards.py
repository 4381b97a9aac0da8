"""The shards of a log, and work on several of them side by side."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from purchase_pred.schema import USER_ID
from purchase_pred.shards import EVENTS, in_shard, shard_starts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    import polars as pl

SIDE_BY_SIDE: Final = 3
"""Shards in work at most: where one leaves a core idle, another takes it."""

_Result = TypeVar("_Result")


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


def side_by_side(
    jobs: Iterable[tuple[int, Callable[[], _Result]]], /, *, room: int, at_most: int = SIDE_BY_SIDE
) -> Iterator[_Result]:
    """Run jobs in threads, as many at once as there is room for but always one, and yield their results in order.

    Parameters
    ----------
    jobs
        How much room each takes, and what it does; taken up one by one.
    room
        What the jobs in work may take together; a job that takes more is in work alone.
    at_most
        Jobs in work at once.

    Examples
    --------
    >>> list(side_by_side([(1, lambda: "a"), (2, lambda: "b")], room=2))
    ['a', 'b']
    """
    working: deque[tuple[int, Future[_Result]]] = deque()
    with ThreadPoolExecutor(at_most) as threads:
        for size, job in jobs:
            while working and (len(working) == at_most or sum(taken for taken, _ in working) + size > room):
                yield working.popleft()[1].result()
            working.append((size, threads.submit(job)))
        while working:
            yield working.popleft()[1].result()
