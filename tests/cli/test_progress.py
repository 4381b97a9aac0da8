"""The live line tells how far a stage has come that works shard by shard, and how long it will take."""

from __future__ import annotations

import pytest
from purchase_pred_cli import console


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


def test_time_left_follows_the_pace_of_the_shards_made_since_the_start(clock):
    line = console._RunningLine()  # noqa: SLF001  (what a terminal would be shown)
    line.start("features", "missing")
    line.count_shards(4, 10, 4_000)
    assert "4 of 10 shards, 4,000 rows, peak" in str(line.__rich__())
    clock[0] += 30
    line.count_shards(6, 10, 6_500)
    assert "running 30 s, 6 of 10 shards, 6,500 rows, 60 s left" in str(line.__rich__())


def test_the_next_stage_starts_without_the_shards_of_the_one_before(clock):
    line = console._RunningLine()  # noqa: SLF001  (what a terminal would be shown)
    line.start("sessionize", "missing")
    line.count_shards(4, 10, 4_000)
    clock[0] += 1
    line.start("split", "missing")
    assert "shards" not in str(line.__rich__())
