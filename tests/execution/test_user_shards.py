"""Shards hold about as many events each, whoever clicks most; work on them keeps within its room."""

from __future__ import annotations

import threading

import polars as pl
import pytest

from purchase_pred.execution.user_shards import find_shards, side_by_side
from purchase_pred.shards import shard_of


@pytest.mark.parametrize("heavy", [0, 50, 99])
def test_one_heavy_user_is_a_shard_alone_and_the_others_stay_balanced(heavy) -> None:
    users = [user for user in range(100) for _ in range(10 if user != heavy else 400)]
    shards = find_shards(pl.LazyFrame({"user_id": users}), size=100)
    others = [events for start, events in zip(shards.starts, shards.events, strict=True) if start != heavy]

    assert shards.events[shards.starts.index(heavy)] == 400
    assert max(others) < 200
    assert sum(shards.events) == len(users)


def test_every_event_is_in_the_shard_whose_condition_it_meets() -> None:
    log = pl.LazyFrame({"user_id": [f"user {number * 7 % 23}" for number in range(200)]})
    shards = find_shards(log, size=30)
    numbered = log.with_columns(shard_of(shards.starts)).collect()

    for number, events in enumerate(shards.events):
        found = numbered.filter(shards.condition(number))
        assert (found["shard"].unique().to_list(), found.height) == ([number], events)


@pytest.mark.parametrize(("room", "together"), [(1, 1), (10, 1), (20, 2), (1000, 3)])
def test_jobs_in_work_never_take_more_than_there_is_room_for(room, together) -> None:
    lock, seen, working = threading.Lock(), [], [0]
    meet = threading.Barrier(together, timeout=10)

    def job(number: int) -> int:
        with lock:
            working[0] += 1
            seen.append(working[0])
        meet.wait()
        with lock:
            working[0] -= 1
        return number

    jobs = [(10, lambda number=number: job(number)) for number in range(6)]
    assert list(side_by_side(jobs, room=room, at_most=3)) == list(range(6))
    assert max(seen) == together


def test_a_job_that_fails_fails_the_work() -> None:
    def fail() -> int:
        raise KeyError("shard")

    with pytest.raises(KeyError, match="shard"):
        list(side_by_side([(1, fail), (1, lambda: 1)], room=2))
