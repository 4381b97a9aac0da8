"""The items of a session side by side: attention to the anchor's item, and its rank among the others.

Ranks need every item of the session at T, so each session and T is paired with the session's items once, for all the
anchors that share it: at session close that is as many pairs as anchors, within sessions as many as anchors times the
items of their session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.features.coding import ITEM_CODE, SESSION_CODE
from purchase_pred.schema import DURATION, PREDICTION_TIME, TIMESTAMP
from purchase_pred.windows import last, total
from purchase_pred.windows.aggregates import column_names
from purchase_pred.windows.engine import ordered_window_features

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from purchase_pred.windows import Aggregate

RECENCY_RANK: Final = "session_item_recency_rank"
DWELL_RANK: Final = "session_item_dwell_rank"
_MOMENT: Final = "__moment"
_LATEST: Final = "__latest"
_DWELL: Final = "__dwell"
_MICROSECONDS: Final = 1e6
_LONGEST: Final = 2.0**62


def session_item_answers(
    anchors: pl.LazyFrame, events: pl.LazyFrame, /, *, aggregates: Sequence[Aggregate], lag: timedelta
) -> pl.LazyFrame:
    """Answer the aggregates over the anchor's item in its session, and rank the item, in the order of the anchors.

    Rank 1 has the latest event, or the longest dwell to the microsecond; equal items share the better rank. Null where
    the item has no event in the session before T.
    """
    moment = (SESSION_CODE, PREDICTION_TIME)
    asked = anchors.select(*moment, ITEM_CODE)
    items = events.select(SESSION_CODE, ITEM_CODE).drop_nulls().unique()
    moments = asked.select(moment).drop_nulls().unique().with_row_index(_MOMENT)
    seen = ordered_window_features(
        moments.join(items, on=SESSION_CODE, maintain_order="left"),
        events,
        by=(SESSION_CODE, ITEM_CODE),
        aggregates=[*aggregates, last(_LATEST, TIMESTAMP), total(_DWELL, DURATION)],
        availability_lag=lag,
        order="ties",
    ).filter(pl.col(_LATEST).is_not_null())
    dwell = (pl.col(_DWELL) * _MICROSECONDS).clip(upper_bound=_LONGEST).round().cast(pl.Int64)
    ranked = seen.with_columns(
        _rank_within_moment(pl.col(_LATEST).to_physical()).alias(RECENCY_RANK),
        _rank_within_moment(dwell).alias(DWELL_RANK),
    ).drop(_MOMENT, _LATEST, _DWELL)
    answers = asked.join(ranked, on=[*moment, ITEM_CODE], how="left", maintain_order="left")
    return answers.select(pl.col(column_names(aggregates)).fill_null(0), RECENCY_RANK, DWELL_RANK)


def _rank_within_moment(value: pl.Expr) -> pl.Expr:
    """Rank rows, which stand moment by moment, by descending `value` (Int64); equal values share the better rank.

    One rank over all rows does it, by moment first, less the rows before the moment.
    """
    starts = pl.col(_MOMENT).ne_missing(pl.col(_MOMENT).shift(1))
    before = pl.when(starts).then(pl.int_range(pl.len(), dtype=pl.UInt32)).forward_fill()
    key = pl.col(_MOMENT).cast(pl.Int128) * 2**64 - value.cast(pl.Int128)
    return key.rank("min").cast(pl.UInt32) - before
