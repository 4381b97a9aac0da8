"""When the prediction is made."""

from __future__ import annotations

import polars as pl

from purchase_pred.features.group import Derived, FeatureGroup
from purchase_pred.schema import PREDICTION_TIME


def calendar() -> FeatureGroup:
    """Declare hour and weekday of T."""
    at = pl.col(PREDICTION_TIME).dt
    return FeatureGroup(
        name="calendar",
        by=(),
        derived=(
            Derived(
                name="prediction_hour",
                expression=at.hour().cast(pl.UInt8),
                definition="hour of T (UTC)",
                unit="0..23",
                null_rule="null without a T",
            ),
            Derived(
                name="prediction_weekday",
                expression=at.weekday().cast(pl.UInt8),
                definition="weekday of T (UTC)",
                unit="1 (Monday) .. 7 (Sunday)",
                null_rule="null without a T",
            ),
        ),
    )
