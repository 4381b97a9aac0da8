"""The laws that every feature obeys, whatever it computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source
from polars.testing import assert_frame_equal

from purchase_pred.schema import EVENT_TYPE_DTYPE, TIME_DTYPE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

FeatureFunction = Callable[[pl.LazyFrame, pl.LazyFrame], pl.LazyFrame]

MOST_CUTS = 3
MOST_USERS = 2
MORSELS = (None, 5)
"""Rows that the streaming engine takes at a time: as it likes, and so few that every group is cut."""


def assert_laws(
    feature_function: FeatureFunction,
    anchors: pl.LazyFrame,
    events: pl.LazyFrame,
    *,
    lag: int = 0,
    cross_user: Collection[str] = (),
) -> None:
    """Demand of `feature_function(anchors, events)`, bit for bit:

    the anchors come back as they were, row by row; both engines agree, the streaming one in small
    bites too; the row order of the events does not matter;
    deleting, changing or adding events that are not known at T changes no row with that T or an earlier one; and
    dropping the other users changes nothing but the columns `cross_user`.
    """
    features = feature_function(anchors, events).collect(engine="in-memory")
    assert_frame_equal(features.select(anchors.collect_schema().names()), anchors.collect())
    for rows_at_a_time in MORSELS:
        with pl.Config(streaming_chunk_size=rows_at_a_time):
            streamed = feature_function(anchors, events).collect(engine="streaming")
        assert_frame_equal(streamed, features, check_exact=True)
    _assert_order_of_rows_does_not_matter(feature_function, anchors, events, features)
    _assert_future_does_not_matter(feature_function, anchors, events, features, lag=lag)
    _assert_others_do_not_matter(feature_function, anchors, events, features, cross_user=cross_user)


def _assert_order_of_rows_does_not_matter(
    feature_function: FeatureFunction, anchors: pl.LazyFrame, events: pl.LazyFrame, features: pl.DataFrame
) -> None:
    for shuffled in (events.reverse(), events.sort(pl.col("event_id").hash(seed=7))):
        assert_frame_equal(feature_function(anchors, shuffled).collect(), features, check_exact=True)


def _assert_future_does_not_matter(
    feature_function: FeatureFunction,
    anchors: pl.LazyFrame,
    events: pl.LazyFrame,
    features: pl.DataFrame,
    *,
    lag: int,
) -> None:
    times = features["prediction_time"].drop_nulls().unique().sort().to_list()
    for time in times[:: max(1, len(times) // MOST_CUTS)]:
        earlier = pl.col("prediction_time") <= time
        first_unknown = pl.lit(time, dtype=TIME_DTYPE) - pl.duration(microseconds=lag)
        is_known = pl.col("timestamp") < first_unknown
        past, future = events.filter(is_known), events.filter(~is_known)
        expected = features.filter(earlier)
        for other_future in (future.clear(), altered(future), pl.concat([future, echoed(events, first_unknown)])):
            log = pl.concat([past, other_future])
            found = feature_function(anchors.filter(earlier), log).collect()
            assert_frame_equal(found, expected, check_exact=True)


def _assert_others_do_not_matter(
    feature_function: FeatureFunction,
    anchors: pl.LazyFrame,
    events: pl.LazyFrame,
    features: pl.DataFrame,
    *,
    cross_user: Collection[str],
) -> None:
    for user in features["user_id"].drop_nulls().unique().sort().to_list()[:MOST_USERS]:
        own = pl.col("user_id") == user
        found = feature_function(anchors.filter(own), events.filter(own)).drop(cross_user, strict=False).collect()
        assert_frame_equal(found, features.filter(own).drop(cross_user, strict=False), check_exact=True)


def altered(future: pl.LazyFrame) -> pl.LazyFrame:
    """Return the events as purchases at another price, each of the next row's item."""
    return future.with_columns(
        pl.col("item_id").shift(-1).fill_null(pl.col("item_id").first()),
        event_type=pl.lit("purchase", dtype=EVENT_TYPE_DTYPE),
        price=pl.lit(77.77),
        duration_seconds=pl.lit(4321.0, dtype=pl.Float32),
    )


def echoed(events: pl.LazyFrame, since: pl.Expr) -> pl.LazyFrame:
    """Return a copy of every event, moved to `since` or, every other one, to a second later."""
    later = pl.duration(seconds=pl.int_range(pl.len()) % 2)
    return events.with_columns(
        event_id=(pl.col("event_id").max() + 1 + pl.int_range(pl.len(), dtype=pl.UInt64)).cast(pl.UInt64),
        timestamp=(since + later).cast(TIME_DTYPE),
    )


def unread(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return a frame of the same schema that fails with "the frame was read" when its rows are asked for."""

    def read(*_: object) -> Iterator[pl.DataFrame]:
        raise AssertionError("the frame was read")

    return register_io_source(read, schema=frame.collect_schema())
