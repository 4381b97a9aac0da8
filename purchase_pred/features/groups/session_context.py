"""What has happened in the anchor's own session so far."""

from __future__ import annotations

import polars as pl

from purchase_pred.arithmetic import divide
from purchase_pred.durations import microseconds
from purchase_pred.features.group import Derived, FeatureGroup
from purchase_pred.features.sources import SESSION_START
from purchase_pred.schema import (
    CATEGORY,
    EVENT_TYPE,
    EVENT_TYPES,
    ITEM_ID,
    PRICE,
    SESSION_INDEX,
    TIMESTAMP,
    USER_ID,
)
from purchase_pred.windows import count, last, mean, n_unique


def session_context() -> FeatureGroup:
    """Declare length, counts, distinct items and categories, and mean price of the session up to T."""
    spent = (pl.col("_session_last") - pl.col("_session_start")).dt.total_microseconds()
    return FeatureGroup(
        name="session context",
        by=(USER_ID, SESSION_INDEX),
        aggregates=(
            last("_session_start", SESSION_START),
            last("_session_last", TIMESTAMP),
            count("session_events"),
            *(count(f"session_{kind}_count", where=pl.col(EVENT_TYPE) == kind) for kind in EVENT_TYPES),
            n_unique("session_unique_items", ITEM_ID),
            n_unique("session_unique_categories", CATEGORY),
            mean("session_mean_price", PRICE),
        ),
        derived=(
            Derived(
                name="session_minutes",
                expression=divide(spent, microseconds("1m")),
                definition="last less first event of the session before T",
                unit="minutes",
                null_rule="null before the session's first event is known",
            ),
        ),
    )
