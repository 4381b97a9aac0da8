"""The item itself: its attributes, its price as the user saw it, and how all users treat it on complete days."""

from __future__ import annotations

import polars as pl

from purchase_pred.arithmetic import divide
from purchase_pred.durations import microseconds
from purchase_pred.features.group import Derived, FeatureGroup, ratio
from purchase_pred.features.sources import CATALOG_PRICE, ITEM_BASE_PRICE, ITEM_CATEGORY
from purchase_pred.schema import ADD_TO_CART, CREATED_AT, ITEM_ID, PREDICTION_TIME, PURCHASE, VIEW
from purchase_pred.windows import total

_CATALOG_ONLY = "null for items missing from the catalog"


def item_attributes() -> FeatureGroup:
    """Declare what the catalog and the shown price say of the item."""
    current = pl.coalesce("_shown_price", CATALOG_PRICE)
    discount = 100 * (1 - ratio(current, ITEM_BASE_PRICE))
    age = (pl.col(PREDICTION_TIME) - pl.col(CREATED_AT)).dt.total_microseconds()
    return FeatureGroup(
        name="item",
        by=(ITEM_ID,),
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
                expression=pl.max_horizontal(discount, pl.when(discount.is_not_null()).then(0.0)),
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


def item_popularity() -> FeatureGroup:
    """Declare how often all users viewed, carted and bought the item in complete days before T."""
    days = ["7d", "30d"]
    counts = [f"item_{kind}_count_{window}" for kind in (VIEW, ADD_TO_CART, PURCHASE) for window in days]
    return FeatureGroup(
        name="item",
        by=(ITEM_ID,),
        source="daily",
        aggregates=tuple(total(f"_item_{kind}", kind, windows=days) for kind in (VIEW, ADD_TO_CART, PURCHASE)),
        derived=(
            *(
                Derived(
                    name=name,
                    expression=pl.col(name.replace("item", "_item", 1).replace("_count", "")).cast(pl.UInt32),
                    definition=f"{name.split('_count')[0].removeprefix('item_')} events of all users on the item in "
                    f"complete UTC days of [D - {name.rsplit('_', 1)[1]}, D), D = midnight before T",
                    unit="events",
                    null_rule="0 when none",
                )
                for name in counts
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
