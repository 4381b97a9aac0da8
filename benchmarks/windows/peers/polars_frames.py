"""The two frames as the peers built on Polars hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from benchmarks.windows.peers import COLUMNS, Order

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np


ENGINE: Final = "in-memory"
"""The faster of Polars' engines for every form of these counts at a million events."""


class Frames(NamedTuple):
    """Events and anchors in memory, and how the events are ordered."""

    events: pl.DataFrame
    anchors: pl.DataFrame
    order: Order


def load(events: Path, anchors: Path, order: Order) -> Frames:
    """Read both frames into memory."""
    return Frames(pl.read_parquet(events), pl.read_parquet(anchors), order)


def counts(result: pl.DataFrame) -> np.ndarray:
    """Return the twelve columns; where a tool sums an empty window to null, that is 0."""
    return result.select(pl.col(COLUMNS).fill_null(0)).to_numpy()
