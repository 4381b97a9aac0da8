"""Where the user is heading: recent activity weighed by age, its trend, and the rhythm of purchases."""

from __future__ import annotations

from typing import Final

import polars as pl

from purchase_pred.features.group import Derived, FeatureGroup, ratio
from purchase_pred.schema import ADD_TO_CART, EVENT_TYPE, ITEM_ID, PURCHASE, USER_ID, VIEW
from purchase_pred.windows import count, decayed_count, hours_since_first, hours_since_last

_DAYS_PER_MONTH: Final = 30 / 7
_MICROSECONDS_PER_HOUR: Final = 3.6e9
_TRENDING: Final = (VIEW, ADD_TO_CART, PURCHASE)


def momentum() -> FeatureGroup:
    """Declare decayed counts, time since the k-th last event, trends and the usual gap between purchases."""
    kind = pl.col(EVENT_TYPE)
    bought = kind == PURCHASE
    span = (pl.col("_hours_since_first_purchase") - pl.col("_hours_since_last_purchase")) * _MICROSECONDS_PER_HOUR
    usual_gap = ratio(span.round(), pl.col("_purchases") - 1)
    return FeatureGroup(
        name="momentum",
        by=(USER_ID,),
        aggregates=(
            hours_since_last("hours_since_5th_last_event", k=5),
            hours_since_last("hours_since_20th_last_event", k=20),
            decayed_count("view_decayed_1d", "1d", where=kind == VIEW),
            decayed_count("view_decayed_7d", "7d", where=kind == VIEW),
            decayed_count("add_to_cart_decayed_7d", "7d", where=kind == ADD_TO_CART),
            decayed_count("purchase_decayed_30d", "30d", where=bought),
            *(count(f"_recent_{name}", where=kind == name, windows=["7d", "30d"]) for name in _TRENDING),
            count("_purchases", where=bought),
            hours_since_last("_hours_since_last_purchase", where=bought),
            hours_since_first("_hours_since_first_purchase", where=bought),
        ),
        derived=(
            *(
                Derived(
                    name=f"{name}_trend_7d_30d",
                    expression=ratio(f"_recent_{name}_7d", f"_recent_{name}_30d") * _DAYS_PER_MONTH,
                    definition=f"{name} events per day in [T - 7d, T) / per day in [T - 30d, T)",
                    unit="ratio",
                    null_rule="null without an event in 30 days",
                )
                for name in _TRENDING
            ),
            Derived(
                name="purchase_gap_ratio",
                expression=ratio(pl.col("_hours_since_last_purchase") * _MICROSECONDS_PER_HOUR, usual_gap),
                definition="time since the user's last purchase / mean time between their purchases so far",
                unit="ratio",
                null_rule="null before two purchases at different times",
            ),
        ),
    )


def item_momentum() -> FeatureGroup:
    """Declare decayed counts of the user's events on the item and the time since the one before the last view."""
    kind = pl.col(EVENT_TYPE)
    return FeatureGroup(
        name="momentum",
        by=(USER_ID, ITEM_ID),
        aggregates=(
            hours_since_first("hours_since_first_user_item_view", where=kind == VIEW),
            hours_since_last("hours_since_2nd_last_user_item_view", where=kind == VIEW, k=2),
            decayed_count("user_item_view_decayed_1d", "1d", where=kind == VIEW),
            decayed_count("user_item_view_decayed_7d", "7d", where=kind == VIEW),
            decayed_count("user_item_add_to_cart_decayed_3d", "3d", where=kind == ADD_TO_CART),
        ),
    )
