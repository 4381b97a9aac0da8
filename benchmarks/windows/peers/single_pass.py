"""The floor: one compiled pass over sorted arrays, a pointer to each end of each window, a counter for each count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numba
import numpy as np
import polars as pl

from benchmarks.windows.peers import COLUMNS, COUNTED, DAY, DAYS, Order, polars_frames

if TYPE_CHECKING:
    from pathlib import Path

TITLE: Final = "compiled single pass"
DISTRIBUTIONS: Final = ("numba", "polars")

_WINDOWS: Final = np.array([days * DAY for days in DAYS])


counts = polars_frames.counts


def load(events: Path, anchors: Path, order: Order) -> polars_frames.Frames:
    """Read both frames into memory, each column in one piece."""
    loaded = polars_frames.load(events, anchors, order)
    return loaded._replace(events=loaded.events.rechunk(), anchors=loaded.anchors.rechunk())


def compute(loaded: polars_frames.Frames) -> pl.DataFrame:
    """Sort with Polars if need be, then make the one pass."""
    events = loaded.events.sort("user_id", "timestamp") if loaded.order == "shuffled" else loaded.events
    kinds = loaded.events.schema["event_type"].categories
    column = np.array([COUNTED.index(kind) if kind in COUNTED else -1 for kind in kinds])
    counted = _pass(
        (_array(events["user_id"]), _array(events["timestamp"]), _array(events["event_type"])),
        (_array(loaded.anchors["user_id"]), _array(loaded.anchors["prediction_time"])),
        column,
        _WINDOWS,
    )
    return loaded.anchors.with_columns(pl.Series(name, counted[row]) for row, name in enumerate(COLUMNS))


def _array(column: pl.Series) -> np.ndarray:
    """Return what a column physically is; read-only whether copied or not, so that one compilation serves all."""
    array = column.to_physical().to_numpy()
    array.setflags(write=False)
    return array


@numba.njit(cache=True)
def _pass(
    events: tuple[np.ndarray, np.ndarray, np.ndarray],
    anchors: tuple[np.ndarray, np.ndarray],
    column: np.ndarray,
    windows: np.ndarray,
) -> np.ndarray:
    """Count, for events and anchors both sorted by (user, time), the events of each kind in [T - w, T)."""
    user, time, kind = events
    anchor_user, anchor_time = anchors
    kinds = column.max() + 1
    counted = np.zeros((kinds * len(windows), len(anchor_user)), dtype=np.uint32)
    inside = np.zeros((kinds, len(windows)), dtype=np.int64)
    entered = 0
    left = np.zeros(len(windows), dtype=np.int64)
    for row in range(len(anchor_user)):
        if row == 0 or anchor_user[row] != anchor_user[row - 1]:
            while entered < len(user) and user[entered] < anchor_user[row]:
                entered += 1
            left[:] = entered
            inside[:] = 0
        while entered < len(user) and user[entered] == anchor_user[row] and time[entered] < anchor_time[row]:
            if column[kind[entered]] >= 0:
                inside[column[kind[entered]]] += 1
            entered += 1
        for window in range(len(windows)):
            start = anchor_time[row] - windows[window]
            while left[window] < entered and time[left[window]] < start:
                if column[kind[left[window]]] >= 0:
                    inside[column[kind[left[window]]], window] -= 1
                left[window] += 1
            for counter in range(kinds):
                counted[counter * len(windows) + window, row] = inside[counter, window]
    return counted
