"""What all shards of a log look up in the sums per item and day, computed once and held in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purchase_pred.features import tables_of_days

if TYPE_CHECKING:
    import polars as pl

    from purchase_pred.settings.features import FeatureSettings
    from purchase_pred.windows.event_tables import EventTables


def days_in_memory(
    anchors: pl.LazyFrame, days: pl.LazyFrame, /, *, catalog: pl.LazyFrame | None, settings: FeatureSettings
) -> dict[str, EventTables]:
    """Return the `tables_of_days`, computed: some 64 bytes for each row of `days`."""
    lazy = tables_of_days(anchors, days, catalog=catalog, settings=settings)
    return {by: tables.computed(_held) for by, tables in lazy.items()}


def _held(frame: pl.LazyFrame) -> pl.LazyFrame:
    # In one piece: each look-up would copy keys that are in several.
    return frame.collect().rechunk().lazy()
