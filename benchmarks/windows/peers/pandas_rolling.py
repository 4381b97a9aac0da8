"""pandas: `groupby(user).rolling(window)` over the union of events and anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from benchmarks.windows.peers import COUNTED, DAYS, Order, pandas_frames

if TYPE_CHECKING:
    from pathlib import Path

TITLE: Final = "pandas groupby-rolling"
DISTRIBUTIONS: Final = ("pandas",)


def load(events: Path, anchors: Path, _order: Order) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read both frames into memory."""
    return pandas_frames.read(events), pandas_frames.read(anchors)


def compute(loaded: tuple[pd.DataFrame, pd.DataFrame]) -> dict[int, pd.DataFrame]:
    """Sum 0/1 columns of the event types over the union, one rolling per window, and keep the anchors' rows."""
    events, anchors = loaded
    union = pd.concat(
        [
            events[["user_id", "timestamp"]].assign(
                **{kind: (events["event_type"] == kind).astype("int8") for kind in COUNTED}, is_anchor=False
            ),
            anchors.rename(columns={"prediction_time": "timestamp"}).assign(
                **dict.fromkeys(COUNTED, np.int8(0)), is_anchor=True
            ),
        ]
    ).sort_values(["user_id", "timestamp"], kind="stable", ignore_index=True)
    is_anchor = union["is_anchor"].to_numpy()
    by_user = union.groupby("user_id", sort=False)
    return {
        days: by_user.rolling(f"{days}D", on="timestamp", closed="left")[list(COUNTED)].sum()[is_anchor]
        for days in DAYS
    }


def counts(result: dict[int, pd.DataFrame]) -> np.ndarray:
    """Return the twelve columns; a window without rows sums to NaN."""
    return np.column_stack([result[days][kind].fillna(0).to_numpy() for kind in COUNTED for days in DAYS])
