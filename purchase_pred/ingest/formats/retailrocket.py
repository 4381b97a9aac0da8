"""`retailrocket`: the Retailrocket data set, events in one file and changing item properties in others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.ingest.columns import event_names, source_columns
from purchase_pred.ingest.source import SourceLog, number_rows, scan_files
from purchase_pred.ingest.times import read_times
from purchase_pred.schema import (
    ADD_TO_CART,
    CATEGORY,
    EVENT_ID,
    EVENT_TYPE,
    ITEM_ID,
    PURCHASE,
    TIMESTAMP,
    USER_ID,
    VIEW,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purchase_pred.ingest.files import LogFile
    from purchase_pred.settings.ingest import IngestSettings

_COLUMNS: Final[Mapping[str, str]] = {
    TIMESTAMP: "timestamp",
    USER_ID: "visitorid",
    EVENT_TYPE: "event",
    ITEM_ID: "itemid",
}
_EVENTS: Final[Mapping[str, str]] = {"view": VIEW, "addtocart": ADD_TO_CART, "transaction": PURCHASE}
_PROPERTIES: Final = ("timestamp", "itemid", "property", "value")
_TREE: Final = ("categoryid", "parentid")


def read(files: Sequence[LogFile], settings: IngestSettings, /) -> SourceLog:
    """Read Retailrocket logs.

    Parameters
    ----------
    files
        ``events.csv`` (``timestamp, visitorid, event, itemid, transactionid``; milliseconds), and, for the
        categories, ``item_properties_part1.csv`` and ``..._part2.csv`` (``timestamp, itemid, property, value``).
        They are told apart by their columns.
    settings
        Names that go before the format's own.

    Notes
    -----
    The category of an item is its first ``categoryid``, by (timestamp, position): the only property whose meaning was
    published. The others, prices among them, are hashed. ``category_tree.csv`` is recognised and not used. Rows of
    properties are no events: they are neither counted nor rejected.

    Raises
    ------
    InputError
        No file of events, or a column is missing in it.
    """
    properties = [file for file in files if set(_PROPERTIES) <= set(file.names)]
    trees = [file for file in files if set(_TREE) == set(file.names)]
    logs = [file for file in files if file not in properties and file not in trees]
    if not logs:
        raise InputError(
            f"{files[0].path}: a file of events is required ({', '.join(_COLUMNS.values())}), "
            f"found {len(properties)} of item properties and {len(trees)} category trees; add events.csv"
        )
    return SourceLog(
        rows=number_rows(scan_files(logs)),
        columns=source_columns(logs, _COLUMNS, settings),
        events=event_names(_EVENTS, settings),
        categories=_first_categories(scan_files(properties)) if properties else None,
        warnings=tuple(f"{tree.path} is not used: categories are taken as item_properties name them" for tree in trees),
        files=tuple(file.path for file in files),
    )


def _first_categories(properties: pl.LazyFrame) -> pl.LazyFrame:
    dtypes = properties.collect_schema()
    timed = read_times(properties.with_row_index(EVENT_ID), pl.col("timestamp").alias("written"), dtypes["timestamp"])
    value = pl.col("value").cast(pl.String).str.strip_chars()
    position = pl.col(TIMESTAMP).dt.timestamp("us").cast(pl.Int128) * 2**40 + pl.col(EVENT_ID)
    return (
        timed.filter((pl.col("property") == "categoryid") & (value != "") & pl.col(TIMESTAMP).is_not_null())
        .select(
            pl.col("itemid").cast(pl.String).str.strip_chars().alias(ITEM_ID),
            value.alias(CATEGORY),
            position.alias("position"),
        )
        .group_by(ITEM_ID)
        .agg(pl.col(CATEGORY).min_by("position"))
    )
