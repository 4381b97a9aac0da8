"""What is delivered night by night is the shop in the end, and a soak that lost something says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from benchmarks.nights.page import write_block
from benchmarks.nights.soak import wrong
from benchmarks.nights.world import KEY, LONGEST_DELAY, Faults, deliveries

if TYPE_CHECKING:
    from pathlib import Path

DAYS, PER_DAY = 12, 40
SOUND = {
    "lost": 0, "never delivered": 0, "doubled in the log": 0, "temporary files left": 0, "delivered twice": 3,
    "rejected as duplicates": 3, "delivered that is no event": 2, "rejected for other reasons": 2,
    "differing from undisturbed nights": "nothing",
}  # fmt: skip


@pytest.fixture
def events() -> pl.DataFrame:
    moments = [
        datetime(2024, 5, 1, tzinfo=UTC) + timedelta(days=day, minutes=3 * number)
        for day in range(DAYS)
        for number in range(PER_DAY)
    ]
    return pl.DataFrame({"timestamp": moments, "number": range(len(moments))}).select(
        pl.col("number").mod(7).alias("user_id"),
        pl.col("timestamp").dt.cast_time_unit("us"),
        pl.lit("view").alias("event_type"),
        pl.col("number").mod(5).alias("item_id"),
        pl.col("number").cast(pl.Float64).alias("price"),
        pl.lit(None, dtype=pl.Float32).alias("duration_seconds"),
    )


def test_without_faults_each_night_brings_its_day(events: pl.DataFrame, tmp_path: Path) -> None:
    nights = list(deliveries(events, tmp_path, first_days=4))
    assert [night.events.height for night in nights] == [4 * PER_DAY, *[PER_DAY] * (DAYS - 4)]
    assert [(night.late, night.dirt) for night in nights] == [(0, 0)] * len(nights)


def test_late_doubled_and_silent_nights_bring_every_event_that_is_not_still_on_its_way(
    events: pl.DataFrame, tmp_path: Path
) -> None:
    faults = Faults(late=0.2, doubled=0.2, dirt=0.1, silent_every=5)
    nights = list(deliveries(events, tmp_path, first_days=2, faults=faults, seed=3))
    sent = pl.concat([night.events for night in nights]).select(KEY)
    last = events["timestamp"].max()
    on_its_way = events.select(KEY).join(sent, on=KEY, how="anti", nulls_equal=True)

    assert on_its_way.filter(pl.col("timestamp") < last - timedelta(days=LONGEST_DELAY + 1)).height == 0
    assert sent.join(events, on=KEY, how="anti", nulls_equal=True).height == 0
    assert sent.height > sent.unique().height
    silent = [night for night in nights if not night.events.height]
    assert len(silent) == 2
    assert all(night.dirt == 0 for night in silent)
    for night in nights:
        assert len(night.file.read_text().splitlines()) == 1 + night.events.height + night.dirt
    assert sum(night.late for night in nights) > 0 < sum(night.dirt for night in nights)


@pytest.mark.parametrize(
    ("finding", "value", "told"),
    [
        ("lost", 1, "lost"),
        ("doubled in the log", 1, "doubled in the log"),
        ("rejected as duplicates", 4, "rejected as duplicates"),
        ("rejected for other reasons", 1, "rejected"),
        ("differing from undisturbed nights", "2024-09-01.csv", "outputs"),
    ],
)
def test_a_soak_that_found_something_says_so(finding: str, value: Any, told: str) -> None:
    assert wrong(SOUND) == []
    assert wrong(SOUND | {finding: value}) == [told]


def test_a_block_of_a_page_is_replaced_and_all_else_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- soak -->\nold\n<!-- end -->\nb\n")
    write_block("soak", ["new"], page=page)
    assert page.read_text() == "a\n<!-- soak -->\nnew\n<!-- end -->\nb\n"
    with pytest.raises(ValueError, match="no block 'nights'"):
        write_block("nights", [], page=page)
