"""Statistics over all users: sums per item and complete UTC day, looked up at the midnight before T.

Sums of one shard of users add up with those of the others, so they are the same however the work is divided.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.features.sources import ITEM_CATEGORY, SHOP
from purchase_pred.schema import (
    ADD_TO_CART,
    CATEGORY,
    EVENT_ID,
    EVENT_TYPE,
    ITEM_ID,
    PREDICTION_TIME,
    PRICE,
    PURCHASE,
    TIMESTAMP,
    VIEW,
)
from purchase_pred.windows.engine import event_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purchase_pred.windows import Aggregate
    from purchase_pred.windows.event_tables import EventTables

PRICED_VIEWS: Final = "priced_views"
VIEWED_CENTS: Final = "viewed_cents"
_SUMS: Final = (VIEW, ADD_TO_CART, PURCHASE, PRICED_VIEWS, VIEWED_CENTS)


def item_days(events: pl.LazyFrame, /) -> pl.LazyFrame:
    """Sum up what all users did with each item on each UTC day.

    Parameters
    ----------
    events
        ``item_id``, ``timestamp``, ``event_type``, ``price``, in any order.

    Returns
    -------
    LazyFrame
        ``item_id``, ``timestamp`` (the day's midnight), and as Int64 the events ``view``, ``add_to_cart``, ``purchase``
        and, over the views with a price, ``priced_views`` and ``viewed_cents`` (each price rounded to the cent), in no
        particular order.

    Examples
    --------
    >>> from datetime import datetime
    >>> log = pl.LazyFrame(
    ...     {"item_id": [3, 3], "timestamp": [datetime(2024, 8, 1, 9), datetime(2024, 8, 1, 10)],
    ...      "event_type": ["view", "purchase"], "price": [9.99, 9.99]}
    ... )
    >>> item_days(log).select("view", "purchase", "viewed_cents").collect().row(0)
    (1, 1, 999)
    """
    viewed = pl.col(EVENT_TYPE) == VIEW
    priced = viewed & pl.col(PRICE).is_finite()
    cents = pl.when(priced).then((pl.col(PRICE) * 100).round().cast(pl.Int64, strict=False)).fill_null(0)
    counted = [(pl.col(EVENT_TYPE) == kind).cast(pl.Int64).alias(kind) for kind in (VIEW, ADD_TO_CART, PURCHASE)]
    return (
        events.select(
            ITEM_ID,
            pl.col(TIMESTAMP).dt.truncate("1d"),
            *counted,
            priced.cast(pl.Int64).alias(PRICED_VIEWS),
            cents.alias(VIEWED_CENTS),
        )
        .group_by(ITEM_ID, TIMESTAMP)
        .agg(pl.col(_SUMS).sum())
    )


def daily_tables(
    days: pl.LazyFrame, catalog: pl.LazyFrame, /, *, by: str, aggregates: Sequence[Aggregate]
) -> EventTables:
    """Return the tables of the aggregates over complete days; they are the same for whichever anchors ask.

    `days` are those of `item_days`, `by` is ``item_id``, ``item_category`` or the whole shop.
    """
    if by != ITEM_ID:  # whose days are summed up already
        if by == ITEM_CATEGORY:
            days = days.join(catalog.select(ITEM_ID, pl.col(CATEGORY).alias(ITEM_CATEGORY)), on=ITEM_ID, how="left")
        entity = pl.lit(0, dtype=pl.UInt8).alias(SHOP) if by == SHOP else pl.col(by)
        days = days.group_by(entity, TIMESTAMP).agg(pl.col(_SUMS).sum())
    return event_tables(
        days.with_columns(_no_ties()), by=[by], aggregates=aggregates, availability_lag=timedelta(0), order="any"
    )


def daily_answers(anchors: pl.LazyFrame, tables: EventTables, /, *, by: str, lag: timedelta) -> pl.LazyFrame:
    """Answer the aggregates over complete days before T - lag, in the order of the anchors.

    Each entity and day is answered once, for all the anchors that share them. `tables` are those of `daily_tables`.
    """
    midnight = (pl.col(PREDICTION_TIME) - lag).dt.truncate("1d").alias(PREDICTION_TIME)
    asked = anchors.select(by, midnight)
    answers = tables.answered(asked.unique())
    key = [by, PREDICTION_TIME]
    return asked.join(answers, on=key, how="left", nulls_equal=True, maintain_order="left").drop(key)


def _no_ties() -> pl.Expr:
    """Return an event_id, which the engine asks for; there is one row per entity and day."""
    return pl.lit(0, dtype=pl.UInt64).alias(EVENT_ID)
