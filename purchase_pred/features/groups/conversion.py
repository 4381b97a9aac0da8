"""How well the item sells: conversion rates smoothed from item to category to shop, price beside the category."""

from __future__ import annotations

from typing import Final

import polars as pl

from purchase_pred.arithmetic import divide
from purchase_pred.features.daily import PRICED_VIEWS, VIEWED_CENTS
from purchase_pred.features.group import Derived, FeatureGroup, ratio
from purchase_pred.features.sources import ITEM_CATEGORY, SHOP
from purchase_pred.schema import ITEM_ID, PURCHASE, VIEW
from purchase_pred.windows import total

_PRIOR_VIEWS: Final = 100
"""Strength of the prior: how many views the rate of the level above counts for."""
_DAY = "complete UTC days of [D - 30d, D), D = midnight before T"


def shop_conversion() -> FeatureGroup:
    """Declare the shop's own conversion, the prior of all others."""
    return FeatureGroup(
        name="conversion",
        by=(SHOP,),
        source="daily",
        aggregates=tuple(total(f"_shop_{kind}", kind, windows=["30d"]) for kind in (VIEW, PURCHASE)),
        derived=(
            Derived(
                name="_shop_rate",
                expression=ratio("_shop_purchase_30d", "_shop_view_30d"),
                definition=f"purchases / views of the shop in {_DAY}",
                unit="ratio",
                null_rule="null without a view",
            ),
        ),
    )


def category_conversion() -> FeatureGroup:
    """Declare the category's conversion, drawn to the shop's where there are few views, and its usual price."""
    return FeatureGroup(
        name="conversion",
        by=(ITEM_CATEGORY,),
        source="daily",
        aggregates=(
            total("_category_cents", VIEWED_CENTS, windows=["30d"]),
            total("_category_priced", PRICED_VIEWS, windows=["30d"]),
        ),
        needs=("_category_purchase_30d", "_category_view_30d", "_shop_rate", "item_current_price"),
        derived=(
            Derived(
                name="category_conversion_smoothed_30d",
                expression=_smoothed("category", pl.col("_shop_rate")),
                definition=f"(purchases + {_PRIOR_VIEWS} shop rate) / (views + {_PRIOR_VIEWS}) of the category "
                f"over all users in {_DAY}",
                unit="ratio",
                null_rule="null without a view in the shop",
            ),
            Derived(
                name="item_price_to_category_mean_30d",
                expression=ratio(
                    pl.col("item_current_price") * 100, ratio("_category_cents_30d", "_category_priced_30d")
                ),
                definition="current price of the item / mean price, to the cent, of the views of its category by all "
                f"users in {_DAY}",
                unit="ratio",
                null_rule="null when either is unknown",
            ),
        ),
    )


def item_conversion() -> FeatureGroup:
    """Declare the item's conversion, drawn to its category's where there are few views, and its trend."""
    return FeatureGroup(
        name="conversion",
        by=(ITEM_ID,),
        source="daily",
        needs=(
            *("_item_purchase_30d", "_item_view_30d", "_item_view_7d"),
            *("category_conversion_smoothed_30d", "_shop_rate"),
        ),
        derived=(
            Derived(
                name="item_conversion_smoothed_30d",
                expression=_smoothed("item", pl.coalesce("category_conversion_smoothed_30d", pl.col("_shop_rate"))),
                definition=f"(purchases + {_PRIOR_VIEWS} smoothed category rate) / (views + {_PRIOR_VIEWS}) of the "
                f"item over all users in {_DAY}",
                unit="ratio",
                null_rule="null without a view in the shop",
            ),
            Derived(
                name="item_view_trend_7d_30d",
                expression=ratio("_item_view_7d", "_item_view_30d") * (30 / 7),
                definition="views of the item per day by all users in the last 7 / the last 30 complete days",
                unit="ratio",
                null_rule="null without a view in 30 days",
            ),
        ),
    )


def discount_seen() -> FeatureGroup:
    """Declare the discount now beside the one that the user has seen on the item so far."""
    return FeatureGroup(
        name="conversion",
        by=(ITEM_ID,),
        needs=("item_discount_pct", "_seen_discount"),
        derived=(
            Derived(
                name="item_discount_less_seen",
                expression=pl.col("item_discount_pct") - pl.col("_seen_discount"),
                definition="item_discount_pct less the mean discount in the user's events on the item before T",
                unit="percentage points",
                null_rule="null when either is unknown",
            ),
        ),
    )


def _smoothed(entity: str, prior: pl.Expr) -> pl.Expr:
    bought, viewed = pl.col(f"_{entity}_purchase_30d"), pl.col(f"_{entity}_view_30d")
    return divide(bought + _PRIOR_VIEWS * prior, viewed + _PRIOR_VIEWS)
