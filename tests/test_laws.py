"""The laws themselves: a clean feature passes, and each planted fault is found."""

from __future__ import annotations

import polars as pl
import pytest
from reference.events import HOUR, Anchor, Event
from reference.frames import Ids, anchor_frame, event_frame
from reference.laws import assert_laws

EVENTS = [
    Event(0, "ann", HOUR, "view", "book", price=1.0, session_index=1),
    Event(1, "ann", HOUR, "view", "pen", price=2.0, session_index=1),
    Event(2, "bob", 2 * HOUR, "view", "book", price=4.0, session_index=1),
    Event(3, "ann", 3 * HOUR, "purchase", "pen", price=8.0, session_index=1),
    Event(4, "ann", 4 * HOUR, "scroll", "lamp", price=16.0, session_index=1),
]
ANCHORS = [Anchor("ann", 1, "pen", time * HOUR) for time in (4, 3, 3, 2)] + [Anchor("bob", 1, "book", 4 * HOUR)]
T = pl.col("prediction_time")


def features(anchors: pl.LazyFrame, events: pl.LazyFrame, *, seen: pl.Expr, value: pl.Expr) -> pl.LazyFrame:
    """Return the anchors with `value` over the user's events for which `seen` holds."""
    rows = anchors.with_row_index("row")
    own = rows.select("row", "user_id", "prediction_time").join(events, on="user_id", maintain_order="left_right")
    values = own.filter(seen).group_by("row", maintain_order=True).agg(value.alias("value"))
    return rows.join(values, on="row", how="left", maintain_order="left").drop("row")


def laws_of(**options: pl.Expr) -> None:
    options = {"seen": pl.col("timestamp") < T, "value": pl.len()} | options
    assert_laws(
        lambda anchors, events: features(anchors, events, **options),
        anchor_frame(ANCHORS, ids=Ids()),
        event_frame(EVENTS, ids=Ids(), sessionized=True),
    )


def test_count_of_earlier_events_obeys_the_laws():
    laws_of()


@pytest.mark.parametrize(
    "fault",
    [
        {"seen": pl.col("timestamp") <= T},
        {"seen": pl.lit(value=True)},
        {"seen": pl.col("timestamp") < T + pl.duration(microseconds=1)},
        {"value": pl.col("item_id").sort_by("timestamp", maintain_order=True).last()},
        {"value": pl.col("price").first()},
    ],
    ids=["event at T", "whole log", "a microsecond late", "ties in row order", "first row"],
)
def test_fault_is_found(fault):
    with pytest.raises(AssertionError):
        laws_of(**fault)


def test_statistic_over_all_users_is_found_unless_it_is_named():
    def shop_wide(anchors: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
        rows = anchors.with_row_index("row")
        pairs = rows.join(events.select("timestamp"), how="cross").filter(pl.col("timestamp") < T)
        values = pairs.group_by("row").agg(pl.len().alias("events_of_all"))
        return rows.join(values, on="row", how="left", maintain_order="left").drop("row")

    anchors, events = anchor_frame(ANCHORS, ids=Ids()), event_frame(EVENTS, ids=Ids(), sessionized=True)
    assert_laws(shop_wide, anchors, events, cross_user=["events_of_all"])
    with pytest.raises(AssertionError):
        assert_laws(shop_wide, anchors, events)


def test_lost_and_reordered_rows_are_found():
    anchors, events = anchor_frame(ANCHORS, ids=Ids()), event_frame(EVENTS, ids=Ids(), sessionized=True)
    for fault in (lambda anchors, _: anchors.unique(maintain_order=True), lambda anchors, _: anchors.sort(T)):
        with pytest.raises(AssertionError):
            assert_laws(fault, anchors, events)
