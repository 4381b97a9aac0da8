"""How long ago the user last did what."""

from __future__ import annotations

import polars as pl

from purchase_pred.arithmetic import divide
from purchase_pred.durations import microseconds
from purchase_pred.features.group import Derived, FeatureGroup
from purchase_pred.schema import EVENT_TYPE, EVENT_TYPES, PREDICTION_TIME, REGISTRATION_DATE, USER_ID
from purchase_pred.windows import hours_since_last


def recency() -> FeatureGroup:
    """Declare hours since the user's last event of each type and days since registration."""
    age = (pl.col(PREDICTION_TIME) - pl.col(REGISTRATION_DATE).cast(pl.Datetime("us", "UTC"))).dt.total_microseconds()
    return FeatureGroup(
        name="recency",
        by=(USER_ID,),
        aggregates=tuple(
            hours_since_last(f"hours_since_last_{kind}", where=pl.col(EVENT_TYPE) == kind) for kind in EVENT_TYPES
        ),
        derived=(
            Derived(
                name="days_since_registration",
                expression=pl.when(age >= 0).then(divide(age, microseconds("1d"))),
                definition="T less midnight UTC of the user's registration date",
                unit="days",
                null_rule="null for unknown users and before the registration",
            ),
        ),
    )
