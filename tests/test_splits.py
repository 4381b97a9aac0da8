"""Splits: examples that read as docs/time_contract.md, and the reference on random logs."""

from __future__ import annotations

from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference import splits as reference
from reference.events import DAY, HOUR, MICROSECOND, MINUTE, Event
from reference.frames import Ids, event_frame, rows_of
from reference.strategies import shops

import purchase_pred as pp
from purchase_pred.schema import SPLIT_DTYPE
from purchase_pred.splits import split_boundaries

ALIGNMENTS = {"none": MICROSECOND, "1d": DAY, "6h": 6 * HOUR, "7d": 7 * DAY}
SHARES = ((0.5, 0.25), (0.25, 0.5), (0.75, 0.125))  # exact in binary, so that no rounding is at issue
TEN_DAYS = 10 * DAY


def split_of(events: list[Event], **options: object) -> dict[int, str]:
    """Return the split of each event by event_id."""
    split = pp.temporal_split(event_frame(events, ids=Ids(), sessionized=True), **options)
    return {row["event_id"]: row["split"] for row in rows_of(split)}


def of_one_session_each(*times: int) -> list[Event]:
    return [Event(number, f"u{number}", time, "view", "book", session_index=1) for number, time in enumerate(times)]


def test_session_that_starts_at_a_boundary_is_in_the_later_split():
    events = of_one_session_each(0, 7 * DAY - 1, 7 * DAY, 8 * DAY - 1, 8 * DAY, TEN_DAYS)
    expected = {0: "train", 1: "train", 2: "val", 3: "val", 4: "test", 5: "test"}
    assert split_of(events, train=0.7, val=0.15) == expected


def test_boundaries_are_floored_to_the_alignment():
    events = of_one_session_each(0, 8 * DAY, 8 * DAY + 12 * HOUR - 1, 8 * DAY + 12 * HOUR, TEN_DAYS)
    assert split_of(events, train=0.7, val=0.15) == {0: "train", 1: "test", 2: "test", 3: "test", 4: "test"}
    exact = split_of(events, train=0.7, val=0.15, align="none")
    assert exact == {0: "train", 1: "val", 2: "val", 3: "test", 4: "test"}


def test_alignment_counts_from_midnight_utc_not_from_the_first_event():
    events = of_one_session_each(5 * HOUR, 5 * DAY - 1, 5 * DAY, 5 * DAY + 5 * HOUR, TEN_DAYS + 5 * HOUR)
    assert split_of(events, train=0.5, val=0.25) == {0: "train", 1: "train", 2: "val", 3: "val", 4: "test"}


def test_by_events_the_shares_hold_for_events_however_they_lie_in_time():
    burst = [9 * DAY + minute * MINUTE for minute in range(9)]
    events = of_one_session_each(0, *burst)
    by_time = list(split_of(events, train=0.5, val=0.25, align="none").values())
    by_events = list(split_of(events, train=0.5, val=0.25, align="none", by="events").values())
    assert by_time == ["train"] + ["test"] * 9
    assert by_events == ["train"] * 5 + ["val"] * 2 + ["test"] * 3


def test_session_across_a_boundary_belongs_whole_to_the_split_in_which_it_starts():
    events = [
        *of_one_session_each(0, TEN_DAYS),
        Event(7, "ann", 7 * DAY - MINUTE, "view", "book", session_index=1),
        Event(8, "ann", 7 * DAY + MINUTE, "purchase", "book", session_index=1),
        Event(9, "ann", 7 * DAY + HOUR, "view", "book", session_index=2),
    ]
    split = split_of(events)
    assert (split[7], split[8], split[9]) == ("train", "train", "val")


@pytest.mark.parametrize("shares", [(0.9, 0.1), (0.0, 0.5), (0.5, 0.0), (1.0, 0.5)])
def test_shares_that_leave_a_split_without_time_are_refused(shares):
    train, val = shares
    with pytest.raises(ValueError, match=r"train|val"):
        pp.temporal_split(event_frame([], ids=Ids(), sessionized=True), train=train, val=val)


def test_default_shares_are_seventy_and_fifteen_percent_by_whole_days():
    events = of_one_session_each(0, 14 * DAY - 1, 14 * DAY, 17 * DAY - 1, 17 * DAY, 20 * DAY)
    assert list(split_of(events).values()) == ["train", "train", "val", "val", "test", "test"]


def test_split_is_an_enum_beside_the_columns_as_they_were():
    events = event_frame(of_one_session_each(0, DAY), ids=Ids(), sessionized=True)
    split = pp.temporal_split(events).collect()
    assert split.columns == [*events.collect_schema().names(), "split"]
    assert split.schema["split"] == SPLIT_DTYPE
    assert_frame_equal(split.drop("split"), events.collect(), check_row_order=False)


@settings(max_examples=150)
@given(
    shop=shops(),
    shares=st.sampled_from(SHARES),
    align=st.sampled_from(sorted(ALIGNMENTS)),
    by=st.sampled_from(["time", "events"]),
)
def test_splits_equal_the_reference(shop, shares, align, by):
    events = shop.log.events
    train, val = shares
    frame = event_frame(events, ids=shop.log.ids, sessionized=True)
    found = rows_of(pp.temporal_split(frame, train=train, val=val, align=align, by=by))
    expected = (
        reference.temporal_split(events, train=Fraction(train), val=Fraction(val), align=ALIGNMENTS[align], by=by)
        if events
        else {}
    )
    assert {row["event_id"]: row["split"] for row in found} == expected
    assert len(found) == len(events)


@settings(max_examples=40)
@given(shop=shops())
def test_order_of_rows_and_engine_do_not_matter(shop):
    events = event_frame(shop.log.events, ids=shop.log.ids, sessionized=True)
    order = pl.col("event_id")
    expected = pp.temporal_split(events).sort(order).collect(engine="in-memory")
    found = pp.temporal_split(events.reverse()).sort(order).collect(engine="streaming")
    assert_frame_equal(found, expected)


@settings(max_examples=40)
@given(shop=shops())
def test_sorted_events_need_not_be_held_to_be_split(shop):
    events = event_frame(shop.log.events, ids=shop.log.ids, sessionized=True).sort("user_id", "timestamp", "event_id")
    expected = pp.temporal_split(events).collect(engine="in-memory")
    boundaries = split_boundaries(events).collect().lazy()
    found = pp.temporal_split(events, boundaries=boundaries, assume_sorted=True).collect(engine="streaming")
    assert_frame_equal(found, expected)
