"""What the user looks at and pays, and how this item's price compares."""

from __future__ import annotations

import polars as pl

from purchase_pred.features.group import Derived, FeatureGroup, ratio
from purchase_pred.features.sources import SHOWN_DISCOUNT
from purchase_pred.schema import EVENT_TYPE, ITEM_ID, PRICE, PURCHASE, USER_ID, VIEW
from purchase_pred.windows import mean


def price_level() -> FeatureGroup:
    """Declare the mean prices and discounts of what the user viewed and bought."""
    viewed = pl.col(EVENT_TYPE) == VIEW
    return FeatureGroup(
        name="price",
        by=(USER_ID,),
        aggregates=(
            mean("mean_price_viewed", PRICE, where=viewed, windows=["30d"]),
            mean("mean_price_purchased", PRICE, where=pl.col(EVENT_TYPE) == PURCHASE, windows=["30d"]),
            mean("mean_discount_viewed", SHOWN_DISCOUNT, where=viewed, windows=["30d"]),
        ),
    )


def price_comparison() -> FeatureGroup:
    """Declare the item's price relative to what the user usually views."""
    return FeatureGroup(
        name="price",
        by=(ITEM_ID,),
        needs=("item_current_price", "mean_price_viewed_30d"),
        derived=(
            Derived(
                name="item_price_to_mean_viewed_30d",
                expression=ratio("item_current_price", "mean_price_viewed_30d"),
                definition="current price of the item / mean price the user viewed in [T - 30d, T)",
                unit="ratio",
                null_rule="null when either is unknown",
            ),
        ),
    )
