"""Amounts: what the purchases come to that a label counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.durations import duration_name, parse_duration
from purchase_pred.errors import SchemaError
from purchase_pred.labels import LABEL_KEYS
from purchase_pred.schema import (
    EVENT_TYPE,
    IDENTIFIER,
    LABEL,
    LABEL_END,
    LABEL_VALUE,
    NAMED_KIND,
    PREDICTION_TIME,
    PRICE,
    PURCHASE,
    TIME_DTYPE,
    require,
)
from purchase_pred.windows import count, total, window_features

if TYPE_CHECKING:
    from datetime import timedelta

    from purchase_pred.names import Level

_SPENT: Final = "__spent"
_PRICED: Final = "__priced"
_MOMENT: Final = "__moment"


def label_amounts(
    labelled: pl.LazyFrame, events: pl.LazyFrame, /, *, horizon: timedelta | str, level: Level = "user_item"
) -> pl.LazyFrame:
    """Tell what is spent in [T, T + horizon): the sum of the prices of the purchases that the label looks for.

    Parameters
    ----------
    labelled
        What `label_purchases` returned with the same horizon and level, and without a limit of sessions.
    events
        ``event_id``, ``timestamp``, ``event_type``, ``price`` (Float64) and the key of the level, in any order. A price
        that is null or no number is not known.
    horizon, level
        As for `label_purchases`.

    Returns
    -------
    LazyFrame
        The rows, in their order, with ``label_value`` (Float64, in the currency of the log): 0 where the label is 0,
        and null where it is null, or where of all purchases that it counts no price is known.

    Raises
    ------
    SchemaError
        A column is missing, has another dtype, or is already there.
    ValueError
        `horizon` is not longer than zero.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> from purchase_pred.labels import label_purchases
    >>> at = lambda day: datetime(2024, 8, day, tzinfo=timezone.utc)
    >>> us = pl.Datetime("us", "UTC")
    >>> events = pl.LazyFrame(
    ...     {"event_id": [0, 1, 2], "user_id": [7, 7, 7], "timestamp": [at(2), at(3), at(9)], "event_type": "purchase",
    ...      "price": [1.5, 2.0, None]}, schema_overrides={"timestamp": us})
    >>> anchors = pl.LazyFrame({"user_id": [7, 7, 7], "prediction_time": [at(1), at(3), at(4)]},
    ...                        schema_overrides={"prediction_time": us})
    >>> labelled = label_purchases(anchors, events, horizon="5d", level="user", end=at(30))
    >>> label_amounts(labelled, events, horizon="5d", level="user").collect()["label_value"].to_list()
    [3.5, 2.0, 0.0]
    """
    window = parse_duration(horizon)
    _check(labelled, events, level)
    bought = events.filter(pl.col(EVENT_TYPE).cast(pl.String) == PURCHASE)
    aggregates = [
        total(_SPENT, PRICE, windows=[window]),
        count(_PRICED, where=pl.col(PRICE).is_finite(), windows=[window]),
    ]
    spent, priced = (f"{name}_{duration_name(window)}" for name in (_SPENT, _PRICED))
    # [T, T + horizon) is the window before T + horizon.
    shifted = labelled.with_columns(pl.col(PREDICTION_TIME).alias(_MOMENT), pl.col(LABEL_END).alias(PREDICTION_TIME))
    amount = pl.when(pl.col(LABEL) == 0).then(0.0).when((pl.col(LABEL) == 1) & (pl.col(priced) > 0)).then(pl.col(spent))
    return (
        window_features(shifted, bought, by=LABEL_KEYS[level], aggregates=aggregates)
        .with_columns(pl.col(_MOMENT).alias(PREDICTION_TIME), amount.cast(pl.Float64).alias(LABEL_VALUE))
        .drop(_MOMENT, spent, priced)
    )


def _check(labelled: pl.LazyFrame, events: pl.LazyFrame, level: Level) -> None:
    keys = dict.fromkeys(LABEL_KEYS[level], IDENTIFIER)
    require(events, {**keys, EVENT_TYPE: NAMED_KIND, PRICE: pl.Float64}, what="events")
    require(labelled, {**keys, PREDICTION_TIME: TIME_DTYPE, LABEL_END: TIME_DTYPE, LABEL: pl.UInt8}, what="labelled")
    if LABEL_VALUE in labelled.collect_schema():
        raise SchemaError(f"labelled: the column {LABEL_VALUE} would be made twice; drop it first")
