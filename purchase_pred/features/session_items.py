"""The items of a session side by side: attention to the anchor's item, and how it stands among the others.

Ranks need every item of the session at T, so each session and T is paired with the session's items once, for all the
anchors that share it: at session close that is as many pairs as anchors, within sessions as many as anchors times the
items of their session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.arithmetic import divide, run_starts
from purchase_pred.features.coding import ITEM_CODE, SESSION_CODE, USER_CODE
from purchase_pred.features.group import ratio
from purchase_pred.schema import DURATION, EVENT_TYPE, PREDICTION_TIME, TIMESTAMP, VIEW
from purchase_pred.windows import decayed_count, last, total
from purchase_pred.windows.aggregates import column_names
from purchase_pred.windows.engine import ordered_window_features

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from purchase_pred.windows import Aggregate

RECENCY_RANK: Final = "session_item_recency_rank"
DWELL_RANK: Final = "session_item_dwell_rank"
INTEREST_RANK: Final = "session_item_interest_rank"
INTEREST_LEAD: Final = "session_item_interest_lead"
INTEREST_SHARE: Final = "session_item_interest_share"
MEAN_INTEREST: Final = "session_mean_item_interest"
_MOMENT: Final = "__moment"
_LATEST: Final = "__latest"
_DWELL: Final = "__dwell"
_VIEWS: Final = "__views"
_BEST: Final = "__best"
_BESTS: Final = "__bests"
_NEXT: Final = "__next"
_ALL: Final = "__all"
_ITEMS: Final = "__items"
_MICROSECONDS: Final = 1e6
_MILLION: Final = 1_000_000
_LONGEST: Final = 2.0**62


def session_item_answers(
    anchors: pl.LazyFrame, events: pl.LazyFrame, /, *, aggregates: Sequence[Aggregate], lag: timedelta
) -> pl.LazyFrame:
    """Answer the aggregates over the anchor's item in its session, and rank the item, in the order of the anchors.

    Rank 1 has the latest event, or the longest dwell to the microsecond; equal items share the better rank. Null where
    the item has no event in the session before T. The user's interest in an item are their views of it, in whatever
    session, that halve in weight every three days; it is compared in whole millionths.
    """
    moment = (SESSION_CODE, PREDICTION_TIME)
    asked = anchors.select(*moment, ITEM_CODE)
    items = events.select(USER_CODE, SESSION_CODE, ITEM_CODE).drop_nulls().unique()
    moments = asked.select(moment).drop_nulls().unique().with_row_index(_MOMENT)
    of_session = ordered_window_features(
        moments.join(items, on=SESSION_CODE, maintain_order="left"),
        events,
        by=(SESSION_CODE, ITEM_CODE),
        aggregates=[*aggregates, last(_LATEST, TIMESTAMP), total(_DWELL, DURATION)],
        availability_lag=lag,
        order="ties",
    ).filter(pl.col(_LATEST).is_not_null())
    seen = ordered_window_features(
        of_session,
        events,
        by=(USER_CODE, ITEM_CODE),
        aggregates=[decayed_count(_VIEWS, "3d", where=pl.col(EVENT_TYPE) == VIEW)],
        availability_lag=lag,
        order="ties",
    )
    dwell = (pl.col(_DWELL) * _MICROSECONDS).clip(upper_bound=_LONGEST).round().cast(pl.Int64)
    ranked = seen.with_columns(
        _rank_within_moment(pl.col(_LATEST).to_physical()).alias(RECENCY_RANK),
        _rank_within_moment(dwell).alias(DWELL_RANK),
        (pl.col(_VIEWS) * _MILLION).round().cast(pl.Int64).alias(_VIEWS),
    ).with_columns(_rank_within_moment(pl.col(_VIEWS)).alias(INTEREST_RANK))
    compared = ranked.join(_by_moment(ranked), on=_MOMENT, how="left", maintain_order="left").select(
        *moment, ITEM_CODE, *column_names(aggregates), RECENCY_RANK, DWELL_RANK, INTEREST_RANK, *_beside_the_others()
    )
    answers = asked.join(compared, on=[*moment, ITEM_CODE], how="left", maintain_order="left")
    return answers.drop(*moment, ITEM_CODE).with_columns(pl.col(column_names(aggregates)).fill_null(0))


def _by_moment(ranked: pl.LazyFrame) -> pl.LazyFrame:
    """Return for each moment the greatest interest, how many items share it, the next lower, the sum and the items."""
    first = pl.col(INTEREST_RANK) == 1
    return (
        ranked.with_columns(pl.when(~first).then(_VIEWS).alias(_NEXT), first.alias(_BESTS))
        .group_by(_MOMENT)
        .agg(
            pl.col(_VIEWS).max().alias(_BEST),
            pl.col(_BESTS).sum(),
            pl.col(_NEXT).max(),
            pl.col(_VIEWS).sum().alias(_ALL),
            pl.len().alias(_ITEMS),
        )
    )


def _beside_the_others() -> tuple[pl.Expr, ...]:
    """Return the item's lead over the best other item, its share of the interest, and the mean interest."""
    alone_first = (pl.col(INTEREST_RANK) == 1) & (pl.col(_BESTS) == 1)
    rival = pl.when(alone_first).then(pl.col(_NEXT).fill_null(0)).otherwise(_BEST)
    return (
        divide(pl.col(_VIEWS) - rival, _MILLION).alias(INTEREST_LEAD),
        ratio(_VIEWS, _ALL).alias(INTEREST_SHARE),
        divide(ratio(_ALL, _ITEMS), _MILLION).alias(MEAN_INTEREST),
    )


def _rank_within_moment(value: pl.Expr) -> pl.Expr:
    """Rank rows, which stand moment by moment, by descending `value` (Int64); equal values share the better rank.

    One rank over all rows does it, by moment first, less the rows before the moment.
    """
    starts = run_starts(_MOMENT)
    before = pl.when(starts).then(pl.int_range(pl.len(), dtype=pl.UInt32)).forward_fill()
    key = pl.col(_MOMENT).cast(pl.Int128) * 2**64 - value.cast(pl.Int128)
    return key.rank("min").cast(pl.UInt32) - before
