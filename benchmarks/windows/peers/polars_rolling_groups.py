"""Polars' other rolling form: one `rolling(group_by=user)` per window over the union of events and anchors."""

from __future__ import annotations

from typing import Final

import polars as pl

from benchmarks.windows.peers import COUNTED, DAYS, polars_frames, polars_rolling

TITLE: Final = "Polars rolling, group_by"
DISTRIBUTIONS: Final = polars_rolling.DISTRIBUTIONS

load = polars_frames.load
counts = polars_frames.counts


def compute(loaded: polars_frames.Frames) -> pl.DataFrame:
    """Sum 0/1 columns of the event types in each window, and keep the anchors' rows."""
    union = polars_rolling.union(loaded).collect(engine=polars_frames.ENGINE)
    windows = [
        union.lazy()
        .rolling("timestamp", period=f"{days}d", closed="left", group_by="user_id")
        .agg(pl.col(kind).sum().alias(f"{kind}_count_{days}d") for kind in COUNTED)
        .select(pl.exclude("user_id", "timestamp"))
        for days in DAYS
    ]
    summed = pl.concat(pl.collect_all(windows, engine=polars_frames.ENGINE), how="horizontal")
    return summed.filter(union["row"].is_not_null())
