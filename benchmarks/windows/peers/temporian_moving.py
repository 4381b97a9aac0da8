"""Temporian: `moving_sum` of 0/1 features, sampled at the anchors.

Temporian's window is (T - w, T]; with times in whole microseconds and the sampling moved back by one, it is [T - w, T).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import temporian as tp

from benchmarks.windows.peers import COUNTED, DAY, DAYS, Order, needs, pandas_frames

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

TITLE: Final = "Temporian moving_sum"
DISTRIBUTIONS: Final = ("temporian", "numpy")

needs("numpy", below=2, because="Temporian 0.9 makes empty event sets under numpy 2")


class Loaded(NamedTuple):
    """The anchors and, for sorted input, the events as sorted event sets; otherwise as arrays that still have to be."""

    events: dict[str, np.ndarray] | tp.EventSet
    anchors: tp.EventSet
    anchor_users: np.ndarray


def load(events: Path, anchors: Path, order: Order) -> Loaded:
    """Read both frames; sorted events go into an event set, which is what Temporian sorts and indexes, at once."""
    read, points = pandas_frames.read(events), pandas_frames.read(anchors)
    columns = {
        "timestamp": _microseconds(read["timestamp"]),
        "user_id": read["user_id"].to_numpy(),
        **{kind: (read["event_type"] == kind).to_numpy().astype(np.float32) for kind in COUNTED},
    }
    users = points["user_id"].to_numpy()
    return Loaded(
        events=_event_set(columns) if order == "sorted" else columns,
        anchors=_event_set({"timestamp": _microseconds(points["prediction_time"]) - 1, "user_id": users}),
        anchor_users=users,
    )


def compute(loaded: Loaded) -> tuple[np.ndarray, dict[int, tp.EventSet]]:
    """Sum each window at the anchors."""
    events = loaded.events if isinstance(loaded.events, tp.EventSet) else _event_set(loaded.events)
    return loaded.anchor_users, {
        days: events.moving_sum(window_length=float(days * DAY), sampling=loaded.anchors) for days in DAYS
    }


def counts(result: tuple[np.ndarray, dict[int, tp.EventSet]]) -> np.ndarray:
    """Return the twelve columns, users in the anchors' order."""
    users, by_window = result
    order = np.unique(users).tolist()
    return np.column_stack(
        [
            np.concatenate([by_window[days].get_index_value((user,)).features[column] for user in order])
            for column, _ in enumerate(COUNTED)
            for days in DAYS
        ]
    )


def _microseconds(time: pd.Series) -> np.ndarray:
    return time.to_numpy().astype(np.int64).astype(np.float64)


def _event_set(columns: dict[str, np.ndarray]) -> tp.EventSet:
    features = {name: values for name, values in columns.items() if name != "timestamp"}
    return tp.event_set(timestamps=columns["timestamp"], features=features, indexes=["user_id"])
