"""Catalog and users of a log, as first known: nothing in them is younger than the moment it was first seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.schema import (
    BASE_PRICE,
    CATEGORY,
    CREATED_AT,
    CURRENT_PRICE,
    DISCOUNT_PCT,
    EVENT_ID,
    ITEM_ID,
    PRICE,
    REGISTRATION_DATE,
    TIMESTAMP,
    USER_ID,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_CATEGORY_AT: Final = "category_at"
_PRICE_AT: Final = "price_at"
_LISTED: Final = "listed:"
_EVENT_IDS: Final = 2**40


def derive_catalog(
    events: pl.LazyFrame, /, *, categories: Sequence[str], known: pl.LazyFrame | None = None
) -> pl.LazyFrame:
    """Return one row per item of the log, with what was first known of it, by (`timestamp`, `event_id`).

    Parameters
    ----------
    events
        Sound events: `event_id`, `timestamp`, `item_id`, `price` and `category` (String; null: not written).
    categories
        Every category there is; they become the categories of the Enum, in this order.
    known
        What stands outside the events, and goes before them: `item_id` (as in `events`), `category` String, and maybe
        `base_price` Float64 and columns of other names; one row per item.

    Returns
    -------
    LazyFrame
        Sorted by `item_id`. `category` Enum, the known one, else the first one written (null: none ever was);
        `base_price` Float64, the known one, else the first one shown (null: none ever was); `discount_pct` 0.0;
        `current_price` = `base_price`; `created_at` Datetime("us", "UTC"), first seen;
        then the columns of other names that `known` has.
    """
    position = pl.col(TIMESTAMP).dt.timestamp("us").cast(pl.Int128) * _EVENT_IDS + pl.col(EVENT_ID)
    placed = events.with_columns(
        pl.when(pl.col(CATEGORY).is_not_null()).then(position).alias(_CATEGORY_AT),
        pl.when(pl.col(PRICE).is_not_null()).then(position).alias(_PRICE_AT),
    )  # outside the aggregation, where a filter would keep it from streaming
    items = placed.group_by(ITEM_ID).agg(
        pl.col(CATEGORY).min_by(_CATEGORY_AT),
        pl.col(PRICE).min_by(_PRICE_AT).alias(BASE_PRICE),
        pl.col(TIMESTAMP).min().alias(CREATED_AT),
    )
    kept: list[str] = []
    if known is not None:
        present = known.collect_schema()
        columns = [column for column in (CATEGORY, BASE_PRICE) if column in present]
        kept = [column for column in present if column not in (ITEM_ID, CATEGORY, BASE_PRICE)]
        listed = known.select(ITEM_ID, *(pl.col(column).alias(f"{_LISTED}{column}") for column in columns), *kept)
        items = items.join(listed, on=ITEM_ID, how="left").with_columns(
            pl.coalesce(f"{_LISTED}{column}", column).alias(column) for column in columns
        )
    return items.select(
        ITEM_ID,
        pl.col(CATEGORY).cast(pl.Enum(categories)),
        BASE_PRICE,
        pl.lit(0.0).alias(DISCOUNT_PCT),
        pl.col(BASE_PRICE).alias(CURRENT_PRICE),
        CREATED_AT,
        *kept,
    ).sort(ITEM_ID)


def derive_users(events: pl.LazyFrame, /) -> pl.LazyFrame:
    """Return one row per user of the log, sorted by `user_id`: `registration_date` is the UTC date first seen."""
    first = pl.col(TIMESTAMP).min().dt.date().alias(REGISTRATION_DATE)
    return events.group_by(USER_ID).agg(first).sort(USER_ID)
