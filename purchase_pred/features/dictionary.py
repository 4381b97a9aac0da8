"""The feature dictionary: every group in order, and what each column means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purchase_pred.features.custom import custom_group
from purchase_pred.features.groups.affinity import all_views, category_affinity, item_affinity
from purchase_pred.features.groups.attention import item_attention, session_item_attention
from purchase_pred.features.groups.calendar import calendar
from purchase_pred.features.groups.conversion import (
    category_conversion,
    discount_seen,
    item_conversion,
    shop_conversion,
)
from purchase_pred.features.groups.frequency import frequency
from purchase_pred.features.groups.intent import intent
from purchase_pred.features.groups.item import category_popularity, item_attributes, item_columns, item_popularity
from purchase_pred.features.groups.momentum import item_momentum, momentum
from purchase_pred.features.groups.price import price_comparison, price_level
from purchase_pred.features.groups.recency import recency
from purchase_pred.features.groups.sequence import sequence
from purchase_pred.features.groups.session_context import session_context
from purchase_pred.settings.features import FeatureSettings

if TYPE_CHECKING:
    from purchase_pred.features.group import FeatureGroup


def feature_groups(settings: FeatureSettings, /) -> tuple[FeatureGroup, ...]:
    """Return the groups in the order of their columns; a derived column may use what stands before it."""
    return (
        recency(),
        frequency(settings.windows),
        intent(),
        session_context(),
        item_affinity(),
        all_views(),
        category_affinity(),
        item_attributes(),
        item_popularity(),
        category_popularity(),
        price_level(),
        price_comparison(),
        momentum(),
        item_momentum(),
        sequence(),
        item_attention(),
        session_item_attention(),
        shop_conversion(),
        category_conversion(),
        item_conversion(),
        discount_seen(),
        calendar(),
        item_columns(settings.item_columns),
        *(custom_group(feature) for feature in settings.custom),
    )


def cross_user_features(settings: FeatureSettings | None = None, /) -> tuple[str, ...]:
    """Return the columns that look at all users, on complete days; every other one looks at the anchor's user alone."""
    groups = feature_groups(settings or FeatureSettings())
    return tuple(name for group in groups if group.source == "daily" for name in group.columns)
