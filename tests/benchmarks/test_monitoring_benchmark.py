"""The page about monitoring holds what was found of planted faults, and says so where one was not found."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pytest

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "monitoring.json"
START = datetime(2024, 8, 1, tzinfo=UTC)


@pytest.fixture
def monitoring_page() -> Any:
    return import_module("benchmarks.monitoring.page")


@pytest.fixture
def faults() -> Any:
    return import_module("benchmarks.monitoring.faults").FAULTS


@pytest.fixture
def events() -> pl.DataFrame:
    """Twenty days with a look at each of ten items and one purchase an hour."""
    hours = pl.datetime_range(START, START + timedelta(days=20), "1h", closed="left", eager=True)
    looks = pl.DataFrame({"timestamp": hours, "event_type": "view"}).with_columns(
        user_id=pl.int_range(pl.len()) % 7, item_id=pl.int_range(pl.len()) % 10
    )
    bought = looks.with_columns(pl.col("timestamp") + pl.duration(minutes=5), event_type=pl.lit("purchase"))
    carted = looks.with_columns(pl.col("timestamp") + pl.duration(minutes=3), event_type=pl.lit("add_to_cart"))
    return pl.concat([looks, carted, bought]).with_columns(price=10.0 + pl.col("item_id"))


def document(faults: dict[str, dict[str, int]], **alarms: list[str]) -> dict[str, Any]:
    return {
        "shop": {"users": 800, "days": 100, "trained": 50, "events": 100_000},
        "faults": faults,
        "quiet_days": {"1": {"nights": 100, "alarms": alarms}},
        "quiet_rows": {"nights": 25, "alarms": {}},
    }


def test_page_is_what_the_results_say(monitoring_page: Any) -> None:
    page = monitoring_page.PAGE.read_text(encoding="utf-8")

    assert page == monitoring_page.fresh(page, json.loads(RESULTS.read_text(encoding="utf-8")))
    assert page.count("| found after |") == 1
    assert page.count("standard deviations off, at the most") == 1


def test_checks_are_told_with_the_night_on_which_each_first_spoke(monitoring_page: Any) -> None:
    found = {"volume: view": 4, "silent: purchase": 1, "psi: views_1d": 3, "psi: views_7d": 2}
    told = " ".join(monitoring_page.table(document({"a fault": found, "another": {}})))

    assert "| a fault | one night | `silent` purchase (1), `volume` view (4) | `psi` views_1d, views_7d (2) |" in told
    assert "| another | not found | - | - |" in told
    assert "False alarms: on 0 of 100 quiet nights in 1 shops" in told


def test_false_alarms_are_counted_and_named(monitoring_page: Any) -> None:
    told = " ".join(monitoring_page.table(document({}, night=["volume: view"])))

    assert "on 1 of 100 quiet nights" in told
    assert "(volume: view)" in told


def test_every_fault_leaves_what_came_before_it_and_changes_what_comes_after(faults: Any, events: pl.DataFrame) -> None:
    start = START + timedelta(days=10)
    order = ["timestamp", "event_type", "user_id", "item_id"]
    before, after = (events.filter(pl.col("timestamp") < start), events.filter(pl.col("timestamp") >= start))
    for name, plant in faults.items():
        planted = plant(events, start)
        kept = planted.filter(pl.col("timestamp") < start).sort(order)
        assert kept.select(events.columns).equals(before.sort(order)), name
        assert planted.columns == events.columns, name
        later = planted.filter(pl.col("timestamp") >= start).sort(order)
        assert not later.equals(after.sort(order)), name
