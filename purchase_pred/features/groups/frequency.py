"""How much the user did in recent windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.features.group import FeatureGroup
from purchase_pred.schema import CATEGORY, EVENT_TYPE, EVENT_TYPES, ITEM_ID, SESSION_INDEX, USER_ID, VIEW
from purchase_pred.windows import count, n_unique

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta


def frequency(windows: Sequence[str | timedelta]) -> FeatureGroup:
    """Declare counts of events by type, of distinct items and categories viewed, and of sessions, per window."""
    viewed = pl.col(EVENT_TYPE) == VIEW
    return FeatureGroup(
        name="frequency",
        by=(USER_ID,),
        aggregates=(
            *(count(f"{kind}_count", where=pl.col(EVENT_TYPE) == kind, windows=windows) for kind in EVENT_TYPES),
            n_unique("unique_items_viewed", ITEM_ID, where=viewed, windows=windows),
            n_unique("unique_categories_viewed", CATEGORY, where=viewed, windows=windows),
            n_unique("session_count", SESSION_INDEX, windows=windows, consecutive=True),
        ),
    )
