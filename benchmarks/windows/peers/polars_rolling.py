"""Polars' own rolling form: `rolling_sum_by(...).over(user)`, anchors laid among the events as rows that count 0."""

from __future__ import annotations

from typing import Final

import polars as pl

from benchmarks.windows.peers import COUNTED, DAYS, polars_frames

TITLE: Final = "Polars rolling, over"
DISTRIBUTIONS: Final = ("polars",)

load = polars_frames.load
counts = polars_frames.counts


def compute(loaded: polars_frames.Frames) -> pl.DataFrame:
    """Sum 0/1 columns of the event types over the union of events and anchors, and keep the anchors' rows."""
    return (
        union(loaded)
        .with_columns(
            pl.col(kind)
            .rolling_sum_by("timestamp", window_size=f"{days}d", closed="left")
            .over("user_id")
            .alias(f"{kind}_count_{days}d")
            for kind in COUNTED
            for days in DAYS
        )
        .filter(pl.col("row").is_not_null())
        .collect(engine=polars_frames.ENGINE)
    )


def union(loaded: polars_frames.Frames) -> pl.LazyFrame:
    """Return a 0/1 column per event type, and `row`, null but for anchors, by (user_id, timestamp)."""
    flags = {kind: (pl.col("event_type") == kind).cast(pl.UInt32) for kind in COUNTED}
    nothing = {kind: pl.lit(0, dtype=pl.UInt32) for kind in COUNTED}
    events = loaded.events.lazy().select("user_id", "timestamp", **flags)
    anchors = loaded.anchors.lazy().select("user_id", timestamp="prediction_time", **nothing).with_row_index("row")
    return pl.concat([events, anchors], how="diagonal").sort("user_id", "timestamp")
