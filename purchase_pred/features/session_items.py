"""The items of a session side by side: attention to the anchor's item, and its rank among the others.

Ranks need every item of the session at T, so each session and T is paired with the session's items once, for all the
anchors that share it: at session close that is as many pairs as anchors, within sessions as many as anchors times the
items of their session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.features.coding import ITEM_CODE, SESSION_CODE
from purchase_pred.schema import DURATION, PREDICTION_TIME
from purchase_pred.windows import hours_since_last, total
from purchase_pred.windows.aggregates import column_names
from purchase_pred.windows.engine import ordered_window_features

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from purchase_pred.windows import Aggregate

RECENCY_RANK: Final = "session_item_recency_rank"
DWELL_RANK: Final = "session_item_dwell_rank"
_AGE: Final = "__age"
_DWELL: Final = "__dwell"


def session_item_answers(
    anchors: pl.LazyFrame, events: pl.LazyFrame, /, *, aggregates: Sequence[Aggregate], lag: timedelta
) -> pl.LazyFrame:
    """Answer the aggregates over the anchor's item in its session, and rank the item, in the order of the anchors.

    Rank 1 has the latest event, or the longest dwell; equal items share the better rank. Null where the item has no
    event in the session before T.
    """
    moment = (SESSION_CODE, PREDICTION_TIME)
    asked = anchors.select(*moment, ITEM_CODE)
    items = events.select(SESSION_CODE, ITEM_CODE).drop_nulls().unique()
    pairs = asked.select(moment).drop_nulls().unique().join(items, on=SESSION_CODE)
    seen = ordered_window_features(
        pairs,
        events,
        by=(SESSION_CODE, ITEM_CODE),
        aggregates=[*aggregates, hours_since_last(_AGE), total(_DWELL, DURATION)],
        availability_lag=lag,
        order="ties",
    ).filter(pl.col(_AGE).is_not_null())
    ranked = seen.with_columns(
        pl.col(_AGE).rank("min").over(moment).cast(pl.UInt32).alias(RECENCY_RANK),
        pl.col(_DWELL).rank("min", descending=True).over(moment).cast(pl.UInt32).alias(DWELL_RANK),
    ).drop(_AGE, _DWELL)
    return asked.join(ranked, on=[*moment, ITEM_CODE], how="left", maintain_order="left").with_columns(
        pl.col(column_names(aggregates)).fill_null(0)
    )
