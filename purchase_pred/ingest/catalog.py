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

CATEGORY_AT: Final = "category_at"
PRICE_AT: Final = "price_at"
"""Where a category or price was first written: (`timestamp`, `event_id`) as one number."""

_LISTED: Final = "listed:"
_EVENT_IDS: Final = 2**40


def first_known(events: pl.LazyFrame, /, *, categories: Sequence[str]) -> pl.LazyFrame:
    """Return what the events of a log first show of each item, by (`timestamp`, `event_id`), and where.

    Parameters
    ----------
    events
        Sound events: `event_id`, `timestamp`, `item_id`, `price` and `category` (String; null: not written).
    categories
        Every category that the events show; they become the categories of the Enum, in this order.

    Returns
    -------
    LazyFrame
        Sorted by `item_id`: `category` Enum and `base_price` Float64, the first ones written (null: none ever was),
        `category_at` and `price_at` Int128, where that was; `created_at` Datetime("us", "UTC"), first seen.
    """
    position = pl.col(TIMESTAMP).dt.timestamp("us").cast(pl.Int128) * _EVENT_IDS + pl.col(EVENT_ID)
    return _first(
        events.select(
            ITEM_ID,
            CATEGORY,
            pl.when(pl.col(CATEGORY).is_not_null()).then(position).alias(CATEGORY_AT),
            pl.col(PRICE).alias(BASE_PRICE),
            pl.when(pl.col(PRICE).is_not_null()).then(position).alias(PRICE_AT),
            pl.col(TIMESTAMP).alias(CREATED_AT),
        )  # outside the aggregation, where a filter would keep it from streaming
    ).with_columns(pl.col(CATEGORY).cast(pl.Enum(categories)))


def join_first_known(
    known: pl.LazyFrame, added: pl.LazyFrame, /, *, categories: Sequence[str], rows: int
) -> pl.LazyFrame:
    """Return `first_known` of a log and of one that is put behind its so many `rows`, as of the two together."""
    moved = added.with_columns(pl.col(CATEGORY_AT, PRICE_AT) + rows)
    both = pl.concat([items.with_columns(pl.col(CATEGORY).cast(pl.String)) for items in (known, moved)])
    return _first(both).with_columns(pl.col(CATEGORY).cast(pl.Enum(categories)))


def derive_catalog(
    items: pl.LazyFrame, /, *, categories: Sequence[str], known: pl.LazyFrame | None = None
) -> pl.LazyFrame:
    """Return one row per item of the log, with what was first known of it.

    Parameters
    ----------
    items
        `first_known` of the log.
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
    items = items.with_columns(pl.col(CATEGORY).cast(pl.String))
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


def join_users(known: pl.LazyFrame, added: pl.LazyFrame, /) -> pl.LazyFrame:
    """Return `derive_users` of two logs together."""
    return pl.concat([known, added]).group_by(USER_ID).agg(pl.col(REGISTRATION_DATE).min()).sort(USER_ID)


def _first(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return what stands first of each item, in any order of the rows."""
    return (
        rows.group_by(ITEM_ID)
        .agg(
            pl.col(CATEGORY).min_by(CATEGORY_AT),
            pl.col(CATEGORY_AT).min(),
            pl.col(BASE_PRICE).min_by(PRICE_AT),
            pl.col(PRICE_AT).min(),
            pl.col(CREATED_AT).min(),
        )
        .sort(ITEM_ID)
    )
