"""The sums per item and day of a whole log: in a file among the shards, and in the memory of who makes shards."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.execution.days_in_memory import days_in_memory
from purchase_pred.features import item_days
from purchase_pred.pipeline.engine.parquet import scan_if_there
from purchase_pred.schema import CATALOG

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from purchase_pred.pipeline.engine.shard_store import ShardStore
    from purchase_pred.settings.features import FeatureSettings
    from purchase_pred.windows.event_tables import EventTables

_FILE: Final = "item_days.parquet"
_ONE_AT_A_TIME: Final = Lock()


def write_days(store: ShardStore, sessionized: pl.LazyFrame, /) -> pl.LazyFrame:
    """Write what all users did per item and day to a file among the shards, and return it."""
    with store.making(_FILE) as path:
        item_days(sessionized).collect().write_parquet(path, compression="lz4")
    return pl.scan_parquet(store.path(_FILE))


def tables_in_memory(
    store: ShardStore, rows: Path, /, *, catalog: Path, settings: FeatureSettings
) -> Mapping[str, EventTables]:
    """Return what every shard looks up in the days: computed once by each process that makes shards.

    Parameters
    ----------
    store
        Where `write_days` has written them; other inputs and settings have another store.
    rows
        A file with the columns of the prediction points.
    catalog, settings
        As for `build_features`.
    """
    with _ONE_AT_A_TIME:  # the first shards of a process begin together
        return _computed(store.path(_FILE), rows, catalog, settings)


def forget_tables() -> None:
    """Free the memory."""
    _computed.cache_clear()


@lru_cache(maxsize=1)
def _computed(days: Path, rows: Path, catalog: Path, settings: FeatureSettings) -> Mapping[str, EventTables]:
    return days_in_memory(
        pl.scan_parquet(rows), pl.scan_parquet(days), catalog=scan_if_there(catalog, CATALOG), settings=settings
    )
