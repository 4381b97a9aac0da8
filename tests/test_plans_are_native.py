"""The streaming engine runs every plan itself: no Python function, no fall-back to memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl
import pytest
from reference.frames import anchor_frame, catalog_frame, event_frame, user_frame
from reference.strategies import random_shop, seeded

import purchase_pred as pp
from purchase_pred.prediction_rows import prediction_rows
from purchase_pred.settings import Settings
from purchase_pred.splits import split_boundaries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Scans = dict[str, pl.LazyFrame]

FOREIGN = re.compile(r"in-memory-map|in-memory-join|python", re.IGNORECASE)
AGGREGATES = (
    pp.count("n", where=pl.col("event_type") == "view", windows=["7d"]),
    pp.n_unique("items_7d", "item_id", windows=["7d"]),
    pp.n_unique("items", "item_id"),
    pp.total("paid", "price", windows=["7d"]),
    pp.mean("seconds", "duration_seconds"),
    pp.minimum("cheapest", "price", windows=["7d"]),
    pp.maximum("dearest", "price"),
    pp.last("price_shown", "price"),
    pp.hours_since_last("hours", k=3),
    pp.hours_since_first("hours_first"),
    pp.decayed_count("decayed", "1d"),
)
PLANS: Mapping[str, Callable[[Scans], pl.LazyFrame]] = {
    "sessionize": lambda scans: pp.sessionize(scans["raw"]),
    "sessionize_by_intent": lambda scans: pp.sessionize_by_intent(scans["raw"]),
    "session_table": lambda scans: pp.session_table(scans["events"]),
    "temporal_split": lambda scans: pp.temporal_split(scans["events"]),
    "temporal_split of sorted events": lambda scans: pp.temporal_split(
        scans["events"], boundaries=split_boundaries(scans["events"]), assume_sorted=True
    ),
    "session_close_anchors": lambda scans: pp.session_close_anchors(scans["events"]),
    "in_session_anchors": lambda scans: pp.in_session_anchors(scans["events"]),
    "calendar_anchors": lambda scans: pp.calendar_anchors(scans["events"]),
    "label_purchases": lambda scans: pp.label_purchases(scans["anchors"], scans["events"], horizon="7d", sessions=2),
    "prediction_rows": lambda scans: prediction_rows(scans["events"], settings=Settings()),
    "window_features": lambda scans: pp.window_features(
        scans["anchors"], scans["events"], by=["user_id", "item_id"], aggregates=AGGREGATES
    ),
    "build_features": lambda scans: pp.build_features(
        scans["anchors"], scans["events"], catalog=scans["catalog"], users=scans["users"]
    ),
}


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Scans:
    """Return scans of files, since the plan of a frame in memory begins in memory."""
    folder: Path = tmp_path_factory.mktemp("scans")
    shop = random_shop(seeded(3), most_events=100, most_anchors=20)
    ids = shop.log.ids
    frames = {
        "raw": event_frame(shop.log.events, ids=ids),
        "events": event_frame(shop.log.events, ids=ids, sessionized=True),
        "anchors": anchor_frame(shop.log.anchors, ids=ids),
        "catalog": catalog_frame(shop.catalog, ids=ids, categories=shop.categories),
        "users": user_frame(shop.registered, ids=ids),
    }
    for name, frame in frames.items():
        frame.collect().write_parquet(folder / name)
    return {name: pl.scan_parquet(folder / name) for name in frames}


def foreign_nodes(plan: pl.LazyFrame) -> list[str]:
    """Return what the streaming engine would not run itself."""
    return FOREIGN.findall(plan.show_graph(engine="streaming", plan_stage="physical", raw_output=True))


@pytest.mark.parametrize("function", PLANS)
def test_plan_is_native(function, scans):
    assert foreign_nodes(PLANS[function](scans)) == []


def test_sorted_events_are_split_without_being_counted_first(scans):
    plan = PLANS["temporal_split of sorted events"](scans)
    assert "len" not in plan.show_graph(engine="streaming", plan_stage="physical", raw_output=True)


def test_foreign_nodes_are_found():
    numbers = pl.LazyFrame({"a": [1, 2]})
    assert foreign_nodes(numbers.map_batches(lambda frame: frame))
    assert foreign_nodes(numbers.select(pl.col("a").map_elements(lambda number: number, return_dtype=pl.Int64)))
    assert foreign_nodes(numbers.select((pl.col("a").sort().cum_sum().over("a") + 1).filter(pl.col("a") > 1)))
