"""`purchase_pred.window_features`: running totals looked up twice per window."""

from __future__ import annotations

from typing import Final

import polars as pl

import purchase_pred as pp
from benchmarks.windows.peers import COUNTED, DAYS, polars_frames

TITLE: Final = "purchase_pred"
DISTRIBUTIONS: Final = ("purchase-pred", "polars")


load = polars_frames.load
counts = polars_frames.counts


def compute(loaded: polars_frames.Frames) -> pl.DataFrame:
    """Declare the twelve counts in one call and collect them."""
    windows = tuple(f"{days}d" for days in DAYS)
    return pp.window_features(
        loaded.anchors.lazy(),
        loaded.events.lazy(),
        by="user_id",
        aggregates=[
            pp.count(f"{event_type}_count", where=pl.col("event_type") == event_type, windows=windows)
            for event_type in COUNTED
        ],
        assume_sorted=loaded.order == "sorted",
    ).collect(engine=polars_frames.ENGINE)
