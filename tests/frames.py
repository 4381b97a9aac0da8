"""Synthetic feature frames for the tests of models and evaluation: rare positives, nulls, an Enum, real signal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

CATEGORIES = ("books", "garden", "music", "shoes", "toys")
START = datetime(2024, 8, 1, tzinfo=UTC)
HOUR = 3_600_000_000


def feature_frame(rows: int, *, seed: int, first_day: int = 0, days: int = 10, intercept: float = -4.5) -> pl.DataFrame:
    """Return rows over some days whose label depends on views, cart, recency (null for many) and category."""
    rng = np.random.default_rng(seed)
    views = rng.poisson(2.0, rows)
    in_cart = rng.random(rows) < 0.08
    hours = rng.exponential(48.0, rows)
    never = rng.random(rows) < 0.4
    category = rng.integers(0, len(CATEGORIES), rows)
    z = intercept + 0.5 * views + 2.0 * in_cart - 0.01 * np.where(never, 200.0, hours) + 0.8 * (category == 2)
    label = rng.random(rows) < 1.0 / (1.0 + np.exp(-z))
    hour = np.sort(rng.integers(24 * first_day, 24 * (first_day + days), rows))
    return pl.DataFrame(
        {
            "user_id": rng.integers(0, max(2, rows // 10), rows),
            "session_index": rng.integers(1, 9, rows).astype(np.uint32),
            "item_id": [f"item_{i}" for i in rng.integers(0, 50, rows)],
            "prediction_time": pl.Series(hour * HOUR).cast(pl.Duration("us")) + START,
            "label_end": pl.Series((hour + 24) * HOUR).cast(pl.Duration("us")) + START,
            "label": label.astype(np.uint8),
            "user_item_view_count": views.astype(np.uint32),
            "user_item_in_cart": in_cart.astype(np.uint8),
            "hours_since_user_item_view": hours,
            "hours_since_last_purchase": pl.Series(hours).set(pl.Series(never), None),
            "item_category": pl.Series([CATEGORIES[i] for i in category], dtype=pl.Enum(CATEGORIES)),
            "item_has_discount": rng.random(rows) < 0.3,
            "noise": rng.normal(size=rows).astype(np.float32),
            "empty": pl.Series([None] * rows, dtype=pl.Float64),
        }
    )


def feature_splits(
    changed: Callable[[pl.DataFrame, int], pl.DataFrame], *, intercept: float
) -> dict[str, pl.DataFrame]:
    """Return train, val and test one after the other, each changed by a function of its rows and a seed."""
    return {
        name: changed(feature_frame(rows, seed=day, first_day=day, days=days, intercept=intercept), day)
        for name, rows, day, days in (("train", 6_000, 0, 10), ("val", 3_000, 10, 5), ("test", 3_000, 15, 5))
    }


def splits(*, rows: int = 6_000, seed: int = 0) -> dict[str, pl.DataFrame]:
    """Return train, val and test, one after another in time."""
    return {
        "train": feature_frame(rows, seed=seed, first_day=0),
        "val": feature_frame(rows // 2, seed=seed + 1, first_day=10, days=5),
        "test": feature_frame(rows // 2, seed=seed + 2, first_day=15, days=5),
    }


def with_many_categories(frame: pl.DataFrame, *, known: int) -> pl.DataFrame:
    """Return the frame with a category of 1,000, of which the first `known` occur, the low ones most often."""
    names = [f"category_{number}" for number in range(1_000)]
    codes = np.random.default_rng(frame.height).zipf(1.3, frame.height) % known
    return frame.with_columns(pl.Series("many", [names[code] for code in codes], dtype=pl.Enum(names)))
