"""Shards hold about as many events each, whoever clicks most."""

from __future__ import annotations

import polars as pl
import pytest

from purchase_pred.shards import UserShards, shard_starts


@pytest.mark.parametrize("heavy", [0, 50, 99])
def test_one_heavy_user_is_a_shard_alone_and_the_others_stay_balanced(heavy) -> None:
    users = [user for user in range(100) for _ in range(10 if user != heavy else 400)]
    shards = UserShards.of(shard_starts(pl.LazyFrame({"user_id": users}), size=100).collect())
    others = [events for start, events in zip(shards.starts, shards.events, strict=True) if start != heavy]

    assert shards.events[shards.starts.index(heavy)] == 400
    assert max(others) < 200
    assert sum(shards.events) == len(users)


def test_every_event_is_in_the_shard_whose_condition_it_meets() -> None:
    log = pl.LazyFrame({"user_id": [f"user {number * 7 % 23}" for number in range(200)]})
    shards = UserShards.of(shard_starts(log, size=30).collect())
    numbered = log.with_columns(shards.number()).collect()

    for number, events in enumerate(shards.events):
        found = numbered.filter(shards.condition(number))
        assert (found["shard"].unique().to_list(), found.height) == ([number], events)
