"""What the user has done with this item and its category."""

from __future__ import annotations

import polars as pl

from purchase_pred.features.group import Derived, FeatureGroup, ratio
from purchase_pred.features.sources import ITEM_CATEGORY, SHOWN_DISCOUNT
from purchase_pred.schema import (
    ADD_TO_CART,
    EVENT_TYPE,
    EVENT_TYPES,
    ITEM_ID,
    PRICE,
    PURCHASE,
    REMOVE_FROM_CART,
    USER_ID,
    VIEW,
)
from purchase_pred.windows import count, hours_since_last, last, mean


def item_affinity() -> FeatureGroup:
    """Declare counts and recency of the user's events on the item, whether it is in the cart, and its shown price."""
    of_type = pl.col(EVENT_TYPE)
    changes_cart = of_type.is_in([ADD_TO_CART, REMOVE_FROM_CART, PURCHASE])
    in_cart = pl.col("_cart_event") == ADD_TO_CART
    return FeatureGroup(
        name="affinity",
        by=(USER_ID, ITEM_ID),
        aggregates=(
            *(count(f"user_item_{kind}_count", where=of_type == kind) for kind in EVENT_TYPES),
            *(
                hours_since_last(f"hours_since_user_item_{kind}", where=of_type == kind)
                for kind in (VIEW, ADD_TO_CART, PURCHASE)
            ),
            last("_cart_event", EVENT_TYPE, where=changes_cart),
            last("_shown_price", PRICE, where=pl.col(PRICE).is_not_null()),
            mean("_seen_discount", SHOWN_DISCOUNT),
        ),
        derived=(
            Derived(
                name="user_item_in_cart",
                expression=in_cart.fill_null(value=False).cast(pl.UInt8),
                definition="1 when the user's latest add_to_cart, remove_from_cart or purchase of the item is an "
                "add_to_cart",
                unit="0 or 1",
                null_rule="never null",
            ),
        ),
    )


def category_affinity() -> FeatureGroup:
    """Declare how much of the user's recent viewing went to the item's category."""
    viewed = pl.col(EVENT_TYPE) == VIEW
    return FeatureGroup(
        name="affinity",
        by=(USER_ID, ITEM_CATEGORY),
        aggregates=(count("user_category_view_count", where=viewed, windows=["30d"]),),
        needs=("_all_views_30d",),
        derived=(
            Derived(
                name="user_category_view_share_30d",
                expression=ratio("user_category_view_count_30d", "_all_views_30d"),
                definition="the user's views of the item's category / all the user's views in [T - 30d, T)",
                unit="share",
                null_rule="null without a view",
            ),
        ),
    )


def all_views() -> FeatureGroup:
    """Declare the user's views that category shares are taken of."""
    viewed = pl.col(EVENT_TYPE) == VIEW
    return FeatureGroup(
        name="affinity", by=(USER_ID,), aggregates=(count("_all_views", where=viewed, windows=["30d"]),)
    )
