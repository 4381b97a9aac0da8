"""What features are computed from: events in their context, and anchors with the attributes of user and item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import SchemaError
from purchase_pred.features.group import discount_pct
from purchase_pred.likeness import did_you_mean
from purchase_pred.schema import (
    BASE_PRICE,
    CATALOG,
    CATEGORY,
    CREATED_AT,
    CURRENT_PRICE,
    EVENT_TYPE,
    ITEM_ID,
    PRICE,
    REGISTRATION_DATE,
    SESSION_INDEX,
    TIME_DTYPE,
    TIMESTAMP,
    USER_ID,
    USERS,
    require,
)
from purchase_pred.sessions import session_starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CONTINUES: Final = "continues_session"
SESSION_START: Final = "session_start"
SHOWN_DISCOUNT: Final = "shown_discount_pct"
ITEM_CATEGORY: Final = "item_category"
ITEM_BASE_PRICE: Final = "item_base_price"
CATALOG_PRICE: Final = "catalog_price"
SHOP: Final = "__shop"
PREVIOUS_TYPE: Final = "previous_type"
LAST_ACTIONS: Final = "last_actions"
HOUR: Final = "hour"
WEEKDAY: Final = "weekday"

CONTEXT: Final = (
    CATEGORY, BASE_PRICE, SHOWN_DISCOUNT, SESSION_START, CONTINUES, PREVIOUS_TYPE, LAST_ACTIONS, HOUR, WEEKDAY,
    ITEM_CATEGORY,
)  # fmt: skip
"""What `with_context` adds to events."""

_SESSION: Final = (USER_ID, SESSION_INDEX)


def with_context(sessionized: pl.LazyFrame, catalog: pl.LazyFrame, /, *, of_item: Sequence[str] = ()) -> pl.LazyFrame:
    """Add to events, sorted by (user_id, timestamp, event_id), what conditions and aggregates may speak of.

    Returns
    -------
    LazyFrame
        The events, in their order, with ``category`` and ``base_price`` (of the catalog), ``shown_discount_pct``
        (Float64, 0 to 100), ``session_start``, ``continues_session`` (Boolean: not the session's first event),
        ``previous_type`` (of the event before in the session), ``last_actions`` (UInt8: this and the two events before
        in the session, see `sequence`), ``hour`` (0..23) and ``weekday`` (1 Monday .. 7 Sunday), both UTC. A ``price``
        of NaN is null. `of_item` are further columns of the catalog, which stand at the end.
    """
    known = catalog.select(ITEM_ID, CATEGORY, BASE_PRICE, *of_item)
    return (
        sessionized.with_columns((~session_starts()).alias(CONTINUES))
        .with_columns(
            pl.when(~pl.col(CONTINUES)).then(TIMESTAMP).forward_fill().alias(SESSION_START),
            pl.when(CONTINUES).then(pl.col(EVENT_TYPE).shift(1)).alias(PREVIOUS_TYPE),
            _last_actions().alias(LAST_ACTIONS),
            pl.col(PRICE).fill_nan(None),
        )
        .join(known, on=ITEM_ID, how="left", maintain_order="left")
        .with_columns(
            discount_pct(PRICE, BASE_PRICE).alias(SHOWN_DISCOUNT),
            pl.col(CATEGORY).alias(ITEM_CATEGORY),
            pl.col(TIMESTAMP).dt.hour().alias(HOUR),
            pl.col(TIMESTAMP).dt.weekday().alias(WEEKDAY),
        )
    )


def _last_actions() -> pl.Expr:
    """Return this and the two actions before it in the session as digits of base 6, the latest lowest, 0 for none."""
    action = pl.col(EVENT_TYPE).to_physical().cast(pl.UInt8) + 1
    second = pl.when(CONTINUES).then(action.shift(1)).otherwise(0)
    third = pl.when(pl.col(CONTINUES) & pl.col(CONTINUES).shift(1)).then(action.shift(2)).otherwise(0)
    return action + 6 * second + 36 * third


def item_column(name: str, /) -> str:
    """Return what a column of the catalog beyond our own is called as an attribute of the anchor's item."""
    return f"item_{name}"


def with_attributes(
    anchors: pl.LazyFrame, catalog: pl.LazyFrame, users: pl.LazyFrame, /, *, of_item: Sequence[str] = ()
) -> pl.LazyFrame:
    """Add to anchors, in their order, ``registration_date`` and, of their item, category, prices and creation time.

    `of_item` are further columns of the catalog, which are added as `item_column` calls them.
    """
    shop = pl.lit(0, dtype=pl.UInt8).alias(SHOP)
    described = anchors.with_columns(shop).join(
        users.select(USER_ID, REGISTRATION_DATE), on=USER_ID, how="left", maintain_order="left"
    )
    if ITEM_ID not in anchors.collect_schema():
        return described
    item = catalog.select(
        ITEM_ID,
        pl.col(CATEGORY).alias(ITEM_CATEGORY),
        pl.col(BASE_PRICE).alias(ITEM_BASE_PRICE),
        pl.col(CURRENT_PRICE).alias(CATALOG_PRICE),
        CREATED_AT,
        *(pl.col(name).alias(item_column(name)) for name in of_item),
    )
    return described.join(item, on=ITEM_ID, how="left", maintain_order="left")


def checked_catalog(catalog: pl.LazyFrame | None, sessionized: pl.LazyFrame, /) -> pl.LazyFrame:
    """Return the catalog with one row per item, the first; no catalog is an empty one, and a price of NaN is none."""
    item = sessionized.collect_schema()[ITEM_ID]
    if catalog is None:
        return pl.LazyFrame(
            schema={
                ITEM_ID: item,
                CATEGORY: pl.Enum([]),
                BASE_PRICE: pl.Float64,
                CURRENT_PRICE: pl.Float64,
                CREATED_AT: TIME_DTYPE,
            }
        )
    needed = {name: kind for name, kind in CATALOG.items() if name != "discount_pct"}
    require(catalog, {**needed, ITEM_ID: item}, what="catalog")
    known = catalog.with_columns(pl.col(BASE_PRICE, CURRENT_PRICE).fill_nan(None))
    return known.unique(ITEM_ID, keep="first", maintain_order=True)


def columns_of_items(
    read: Iterable[str], /, *, events: Iterable[str], catalog: Iterable[str], wanted: Sequence[str] = ()
) -> list[str]:
    """Return which columns that are read of events are the catalog's, as those have none of the name.

    Parameters
    ----------
    read
        What aggregates and conditions read of events.
    events, catalog
        The columns there are.
    wanted
        Columns of the catalog that are to be features; `features.item_columns`.

    Raises
    ------
    SchemaError
        A column is in neither, or one to be a feature is not in the catalog; names the nearest, and how to keep it.
    """
    of_events, own = {*events, *CONTEXT}, [name for name in catalog if name not in CATALOG]
    for name in wanted:
        if name not in own:
            raise SchemaError(
                f"features.item_columns: {name!r} is no column of the catalog beyond our own{did_you_mean(name, own)}; "
                f"`purchase-pred ingest ... --catalog PATH --keep {name}` keeps a column of a product list"
            )
    borrowed = [name for name in dict.fromkeys(read) if name not in of_events]
    for name in borrowed:
        if name not in own:
            raise SchemaError(
                f"features: {name!r} is a column neither of the events nor of the catalog"
                f"{did_you_mean(name, [*sorted(of_events), *own])}; `purchase-pred ingest ... --keep {name}` keeps a "
                "column of the log"
            )
    return borrowed


def checked_users(users: pl.LazyFrame | None, sessionized: pl.LazyFrame, /) -> pl.LazyFrame:
    """Return the users with one row each, the first; no users are an empty table."""
    user = sessionized.collect_schema()[USER_ID]
    if users is None:
        return pl.LazyFrame(schema={USER_ID: user, REGISTRATION_DATE: pl.Date})
    require(users, {**USERS, USER_ID: user}, what="users")
    return users.unique(USER_ID, keep="first", maintain_order=True)
