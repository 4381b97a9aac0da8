"""How far the user's browsing goes towards buying."""

from __future__ import annotations

import polars as pl

from purchase_pred.features.group import Derived, FeatureGroup, ratio
from purchase_pred.features.sources import CONTINUES
from purchase_pred.schema import (
    ADD_TO_CART,
    DURATION,
    EVENT_TYPE,
    ITEM_ID,
    PURCHASE,
    SCROLL,
    SESSION_INDEX,
    USER_ID,
    VIEW,
)
from purchase_pred.windows import count, n_unique, total

_NO_DIVISOR = "null where the divisor is 0"


def intent() -> FeatureGroup:
    """Declare the ratios of the funnel, the bounce rate and the time spent per item."""
    return FeatureGroup(
        name="intent",
        by=(USER_ID,),
        aggregates=(
            count("_views", where=pl.col(EVENT_TYPE) == VIEW, windows=["7d"]),
            count("_scrolls", where=pl.col(EVENT_TYPE) == SCROLL, windows=["7d"]),
            count("_carts", where=pl.col(EVENT_TYPE) == ADD_TO_CART, windows=["7d", "30d"]),
            count("_purchases", where=pl.col(EVENT_TYPE) == PURCHASE, windows=["30d"]),
            n_unique("_sessions", SESSION_INDEX, windows=["30d"], consecutive=True),
            n_unique("_continued_sessions", SESSION_INDEX, where=pl.col(CONTINUES), windows=["30d"], consecutive=True),
            total("_seconds", DURATION, windows=["7d"]),
            n_unique("_items_viewed", ITEM_ID, where=pl.col(EVENT_TYPE) == VIEW, windows=["7d"]),
        ),
        derived=(
            Derived(
                name="view_to_scroll_ratio_7d",
                expression=ratio("_scrolls_7d", "_views_7d"),
                definition="scrolls / views in [T - 7d, T)",
                unit="ratio",
                null_rule=_NO_DIVISOR,
            ),
            Derived(
                name="scroll_to_cart_ratio_7d",
                expression=ratio("_carts_7d", "_scrolls_7d"),
                definition="add_to_carts / scrolls in [T - 7d, T)",
                unit="ratio",
                null_rule=_NO_DIVISOR,
            ),
            Derived(
                name="cart_to_purchase_ratio_30d",
                expression=ratio("_purchases_30d", "_carts_30d"),
                definition="purchases / add_to_carts in [T - 30d, T)",
                unit="ratio",
                null_rule=_NO_DIVISOR,
            ),
            Derived(
                name="bounce_rate_30d",
                expression=ratio(pl.col("_sessions_30d") - pl.col("_continued_sessions_30d"), "_sessions_30d"),
                definition="share of the sessions with an event in [T - 30d, T) that have one event in all before T",
                unit="share",
                null_rule="null without a session",
            ),
            Derived(
                name="seconds_per_item_7d",
                expression=ratio("_seconds_7d", "_items_viewed_7d"),
                definition="sum of duration_seconds / distinct items viewed in [T - 7d, T)",
                unit="seconds",
                null_rule=_NO_DIVISOR,
            ),
        ),
    )
