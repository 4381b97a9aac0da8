"""Featuretools: deep feature synthesis with `Count ... where event_type = ...` at cutoff times, one run per window.

With ``include_cutoff_time=False`` a training window is [T - w, T). All events are given, but only some anchors.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final, NamedTuple

import featuretools as ft
import numpy as np

from benchmarks.windows.peers import COUNTED, DAYS, Order, needs, pandas_frames

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

TITLE: Final = "Featuretools dfs"
DISTRIBUTIONS: Final = ("featuretools", "pandas")
ANCHORS: Final = 50

needs("pandas", below=3, because="Featuretools 1.31 cannot make an entity set under pandas 3")


class Loaded(NamedTuple):
    """Users and their events as an entity set, and the cutoff times."""

    entities: ft.EntitySet
    cutoffs: pd.DataFrame


def load(events: Path, anchors: Path, _order: Order) -> Loaded:
    """Read both frames and relate events to users."""
    read, points = pandas_frames.read(events), pandas_frames.read(anchors).head(ANCHORS)
    cutoffs = points.rename(columns={"prediction_time": "time"})
    entities = ft.EntitySet("log")
    entities = entities.add_dataframe(dataframe_name="events", dataframe=read, index="event_id", time_index="timestamp")
    entities = entities.normalize_dataframe(
        base_dataframe_name="events", new_dataframe_name="users", index="user_id", make_time_index=False
    )
    entities.add_interesting_values(dataframe_name="events", values={"event_type": list(COUNTED)})
    return Loaded(entities, cutoffs)


def compute(loaded: Loaded) -> list[pd.DataFrame]:
    """Run deep feature synthesis once per window."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            ft.dfs(
                entityset=loaded.entities,
                target_dataframe_name="users",
                cutoff_time=loaded.cutoffs,
                agg_primitives=["count"],
                trans_primitives=[],
                where_primitives=["count"],
                training_window=f"{days} days",
                include_cutoff_time=False,
                cutoff_time_in_index=True,
            )[0]
            for days in DAYS
        ]


def counts(result: list[pd.DataFrame]) -> np.ndarray:
    """Return the twelve columns of the anchors that were computed."""
    return np.column_stack(
        [
            frame.sort_index()[f"COUNT(events WHERE event_type = {kind})"].fillna(0).to_numpy()
            for kind in COUNTED
            for frame in result
        ]
    )
