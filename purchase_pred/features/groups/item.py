"""The item itself: its attributes, its price as the user saw it, and how all users treat it on complete days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.arithmetic import divide
from purchase_pred.durations import microseconds
from purchase_pred.features.group import Derived, FeatureGroup, discount_pct, ratio
from purchase_pred.features.sources import CATALOG_PRICE, ITEM_BASE_PRICE, ITEM_CATEGORY, item_column
from purchase_pred.schema import ADD_TO_CART, CREATED_AT, ITEM_ID, PREDICTION_TIME, PURCHASE, VIEW
from purchase_pred.windows import total

if TYPE_CHECKING:
    from collections.abc import Sequence

_CATALOG_ONLY = "null for items missing from the catalog"


def item_attributes() -> FeatureGroup:
    """Declare what the catalog and the shown price say of the item."""
    current = pl.coalesce("_shown_price", CATALOG_PRICE)
    discount = discount_pct(current, ITEM_BASE_PRICE)
    age = (pl.col(PREDICTION_TIME) - pl.col(CREATED_AT)).dt.total_microseconds()
    return FeatureGroup(
        name="item",
        by=(ITEM_ID,),
        needs=("_shown_price",),
        derived=(
            Derived(
                name=ITEM_CATEGORY,
                expression=pl.col(ITEM_CATEGORY),
                definition="category of the item in the catalog",
                unit="category",
                null_rule=_CATALOG_ONLY,
            ),
            Derived(
                name=ITEM_BASE_PRICE,
                expression=pl.col(ITEM_BASE_PRICE),
                definition="base price of the item in the catalog",
                unit="money",
                null_rule=_CATALOG_ONLY,
            ),
            Derived(
                name="item_current_price",
                expression=current,
                definition="price shown in the user's latest event on the item before T, else the catalog's",
                unit="money",
                null_rule="null when neither is known",
            ),
            Derived(
                name="item_discount_pct",
                expression=discount,
                definition="100 (1 - current price / base price), never below 0",
                unit="percent",
                null_rule="null when either price is unknown or the base price is 0",
            ),
            Derived(
                name="item_has_discount",
                expression=(discount > 0).cast(pl.UInt8),
                definition="1 when the item's discount is above 0",
                unit="0 or 1",
                null_rule="null when the discount is unknown",
            ),
            Derived(
                name="item_age_days",
                expression=pl.when(age >= 0).then(divide(age, microseconds("1d"))),
                definition="T less the time the item was created",
                unit="days",
                null_rule=_CATALOG_ONLY,
            ),
        ),
    )


def item_columns(names: Sequence[str], /) -> FeatureGroup:
    """Declare what columns of the catalog beyond our own say of the item, whenever it is asked."""
    return FeatureGroup(
        name="item",
        by=(ITEM_ID,),
        derived=tuple(
            Derived(
                name=item_column(name),
                expression=pl.col(item_column(name)),
                definition=f"{name} of the item in the catalog",
                unit=f"as {name}",
                null_rule=_CATALOG_ONLY,
            )
            for name in names
        ),
    )


def item_popularity() -> FeatureGroup:
    """Declare how often all users viewed, carted and bought the item in complete days before T."""
    days = ["7d", "30d"]
    kinds = (VIEW, ADD_TO_CART, PURCHASE)
    return FeatureGroup(
        name="item",
        by=(ITEM_ID,),
        source="daily",
        aggregates=tuple(total(f"_item_{kind}", kind, windows=days) for kind in kinds),
        derived=(
            *(
                Derived(
                    name=f"item_{kind}_count_{window}",
                    expression=pl.col(f"_item_{kind}_{window}").cast(pl.UInt32),
                    definition=f"{kind} events of all users on the item in complete UTC days of [D - {window}, D), "
                    "D = midnight before T",
                    unit="events",
                    null_rule="0 when none",
                )
                for kind in kinds
                for window in days
            ),
            Derived(
                name="item_conversion_rate_30d",
                expression=ratio("_item_purchase_30d", "_item_view_30d"),
                definition="purchases / views of the item by all users in [D - 30d, D), D = midnight before T",
                unit="ratio",
                null_rule="null without a view",
            ),
        ),
    )


def category_popularity() -> FeatureGroup:
    """Declare how well the item's category converts over all users in complete days before T."""
    return FeatureGroup(
        name="item",
        by=(ITEM_CATEGORY,),
        source="daily",
        aggregates=tuple(total(f"_category_{kind}", kind, windows=["30d"]) for kind in (VIEW, PURCHASE)),
        derived=(
            Derived(
                name="category_conversion_rate_30d",
                expression=ratio("_category_purchase_30d", "_category_view_30d"),
                definition="purchases / views of the item's category by all users in [D - 30d, D), "
                "D = midnight before T",
                unit="ratio",
                null_rule="null without a category or a view",
            ),
        ),
    )
