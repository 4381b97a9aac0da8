"""Anchors: examples that read as docs/time_contract.md, and the reference on random logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import anchors as reference
from reference.events import DAY, HOUR, MICROSECOND, MINUTE, Anchor, Event
from reference.frames import Ids, anchors_of, event_frame
from reference.strategies import GAP, Shop, shops

import purchase_pred as pp
from purchase_pred.calendar_points import calendar_size
from purchase_pred.errors import SchemaError

if TYPE_CHECKING:
    import polars as pl

EXAMPLES = 80
STEPS = {"12h": 12 * HOUR, "3d": 3 * DAY, "30d": 30 * DAY}
END = Event(99, "zoe", 10 * DAY, "scroll", "lamp", session_index=1)


def sessionized(shop: Shop) -> pl.LazyFrame:
    return event_frame(shop.log.events, ids=shop.log.ids, sessionized=True)


def first_time(shop: Shop) -> int:
    return min((event.timestamp for event in shop.log.events), default=0)


def closed(*events: Event) -> list[Anchor]:
    """Return the session-close anchors of a log that ends long after the events."""
    return anchors_of(pp.session_close_anchors(event_frame([*events, END], ids=Ids(), sessionized=True)))


def plain(anchors: list[Anchor]) -> list[tuple]:
    """Return the anchors sorted, with -1 for nothing."""
    return sorted(tuple(-1 if value is None else value for value in anchor) for anchor in anchors)


def test_session_close_is_the_threshold_after_the_last_event():
    events = [
        Event(0, "ann", 0, "view", "book", session_index=1),
        Event(1, "ann", HOUR, "scroll", "pen", session_index=1),
    ]
    assert closed(*events) == [Anchor("ann", 1, "book", HOUR + GAP)]


def test_session_close_has_one_row_per_item_viewed():
    items = ("book", "pen", "book")
    events = [Event(number, "ann", number, "view", item, session_index=1) for number, item in enumerate(items)]
    assert sorted(anchor.item_id for anchor in closed(*events)) == ["book", "pen"]


def test_session_without_a_view_gives_no_row():
    assert closed(Event(0, "ann", 0, "purchase", "book", session_index=1)) == []


def test_session_not_yet_closed_at_the_end_of_the_log_gives_no_row():
    still_open = END._replace(event_id=0, user_id="ann", timestamp=END.timestamp - GAP + 1, event_type="view")
    assert closed(still_open) == []


def test_session_whose_silence_is_complete_before_the_log_ends_gives_a_row():
    just_over = END._replace(event_id=0, user_id="ann", timestamp=END.timestamp - GAP - 1, event_type="view")
    assert closed(just_over) == [Anchor("ann", 1, "lamp", END.timestamp - 1)]


@pytest.mark.parametrize("every", [0, -1, 1.5, "2d", timedelta(days=1)])
def test_the_number_of_events_from_point_to_point_is_whole(every):
    with pytest.raises(ValueError, match="every counts events"):
        pp.in_session_anchors(event_frame([], ids=Ids(), sessionized=True), every=every)


def test_unknown_kinds_of_points_are_refused():
    log = event_frame([], ids=Ids(), sessionized=True)
    with pytest.raises(ValueError, match="at must be one of event, add_to_cart, session_start, found 'cart'"):
        pp.in_session_anchors(log, at="cart")
    with pytest.raises(ValueError, match="level must be user or user_item, found 'session'"):
        pp.calendar_anchors(log, level="session")
    with pytest.raises(TypeError, match="start must be a date"):
        pp.calendar_anchors(log, start="2024-08-01")


def test_end_of_the_log_may_be_told_in_any_zone_but_not_without_one():
    log = event_frame([Event(0, "ann", 0, "view", "book", session_index=1)], ids=Ids(), sessionized=True)
    closes = datetime(1970, 1, 1, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    assert len(anchors_of(pp.session_close_anchors(log, end=closes))) == 1
    assert anchors_of(pp.session_close_anchors(log, end=closes - timedelta(minutes=1))) == []
    with pytest.raises(ValueError, match="end must be an aware datetime"):
        pp.session_close_anchors(log, end=datetime(1970, 1, 2))  # noqa: DTZ001  (what is refused)


def test_in_session_point_is_a_microsecond_after_the_event():
    events = [Event(number, "ann", number * MINUTE, "view", "book", session_index=1) for number in range(4)]
    points = anchors_of(pp.in_session_anchors(event_frame(events, ids=Ids(), sessionized=True), every=2))
    assert [point.prediction_time for point in points] == [MINUTE + MICROSECOND, 3 * MINUTE + MICROSECOND]


def test_in_session_points_follow_every_event_unless_told_otherwise():
    events = [Event(number, "ann", number * MINUTE, "view", "book", session_index=1) for number in range(2)]
    points = anchors_of(pp.in_session_anchors(event_frame(events, ids=Ids(), sessionized=True)))
    assert [point.prediction_time for point in points] == [MICROSECOND, MINUTE + MICROSECOND]


def test_type_of_the_events_is_needed_only_to_ask_at_carts():
    untyped = event_frame([END], ids=Ids(), sessionized=True).drop("event_type")
    assert len(anchors_of(pp.in_session_anchors(untyped))) == 1
    assert len(anchors_of(pp.in_session_anchors(untyped, at="session_start"))) == 1
    with pytest.raises(SchemaError, match="event_type"):
        pp.in_session_anchors(untyped, at="add_to_cart")


def test_steps_of_nothing_are_refused():
    events = event_frame([END], ids=Ids(), sessionized=True)
    with pytest.raises(ValueError, match="every"):
        pp.in_session_anchors(events, every=0)
    with pytest.raises(ValueError, match="every"):
        pp.calendar_anchors(events, every=timedelta(0))


def test_calendar_asks_every_thirty_days_from_the_thirtieth_unless_told_otherwise():
    events = [Event(0, "ann", HOUR, "view", "book", session_index=1), END._replace(timestamp=90 * DAY - 1)]
    points = anchors_of(pp.calendar_anchors(event_frame(events, ids=Ids(), sessionized=True)))
    assert [(point.user_id, point.prediction_time) for point in points] == [("ann", 30 * DAY), ("ann", 60 * DAY)]


def test_calendar_asks_about_a_user_only_after_their_first_event():
    events = event_frame([Event(0, "ann", DAY, "view", "book"), END], ids=Ids(), sessionized=True)
    points = anchors_of(pp.calendar_anchors(events, every="1d", start=datetime(1970, 1, 2, tzinfo=UTC)))
    assert min(point.prediction_time for point in points) == 2 * DAY


@settings(max_examples=EXAMPLES)
@given(shop=shops())
def test_session_close_equals_the_reference(shop):
    found = anchors_of(pp.session_close_anchors(sessionized(shop), gap=timedelta(microseconds=GAP)))
    assert plain(found) == plain(reference.session_close(shop.log.events, gap=GAP))


@settings(max_examples=EXAMPLES)
@given(shop=shops(), every=st.sampled_from((1, 2, 3)))
def test_points_after_every_kth_event_equal_the_reference(shop, every):
    found = anchors_of(pp.in_session_anchors(sessionized(shop), every=every))
    assert plain(found) == plain(reference.in_session(shop.log.events, every=every))


@settings(max_examples=EXAMPLES // 2)
@given(shop=shops(), at=st.sampled_from(("add_to_cart", "session_start")))
def test_points_at_carts_and_at_session_starts_equal_the_reference(shop, at):
    found = anchors_of(pp.in_session_anchors(sessionized(shop), at=at))
    assert plain(found) == plain(reference.in_session(shop.log.events, at=at))


@settings(max_examples=EXAMPLES)
@given(
    shop=shops(),
    every=st.sampled_from(sorted(STEPS)),
    later=st.sampled_from((0, 1, 40)),
    level=st.sampled_from(("user", "user_item")),
)
def test_calendar_points_equal_the_reference(shop, every, later, level):
    start = (first_time(shop) // DAY + later) * DAY
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=start)
    found = anchors_of(pp.calendar_anchors(sessionized(shop), every=every, start=moment, level=level))
    expected = reference.calendar(shop.log.events, every=STEPS[every], start=start, level=level)
    assert plain(found) == plain(expected)


@settings(max_examples=EXAMPLES)
@given(
    shop=shops(),
    every=st.sampled_from(sorted(STEPS)),
    level=st.sampled_from(("user", "user_item")),
    active_within=st.sampled_from((None, "1d", "9d")),
)
def test_calendar_knows_how_many_rows_it_goes_through(shop, every, level, active_within):
    options = {"every": every, "level": level, "active_within": active_within}
    size = calendar_size(sessionized(shop), **options).collect().item()
    rows = pp.calendar_anchors(sessionized(shop), **options).collect().height
    assert rows <= size <= rows * max(1, len(shop.log.events))
    if level == "user" and active_within is None:
        assert rows == size


def test_calendar_counts_more_rows_than_64_bits_hold():
    events = [Event(user, f"u{user}", user * 400 * DAY, "view", "book") for user in range(1, 1_000)]
    size = calendar_size(event_frame(events, ids=Ids()), every="1us").collect().item()
    assert size > 2**63


@settings(max_examples=EXAMPLES // 2)
@given(shop=shops(), every=st.sampled_from(sorted(STEPS)))
def test_calendar_begins_one_step_after_the_first_day(shop, every):
    start = first_time(shop) // DAY * DAY + STEPS[every]
    found = anchors_of(pp.calendar_anchors(sessionized(shop), every=every))
    assert plain(found) == plain(reference.calendar(shop.log.events, every=STEPS[every], start=start))


@settings(max_examples=EXAMPLES // 3)
@given(shop=shops())
def test_later_events_change_no_earlier_anchor(shop):
    events = shop.log.events
    cut = sorted(event.timestamp for event in events)[len(events) // 2] if events else 0
    past = event_frame([e for e in events if e.timestamp <= cut], ids=shop.log.ids, sessionized=True)
    for anchors in (pp.session_close_anchors, pp.in_session_anchors):
        before = [anchor for anchor in anchors_of(anchors(past)) if anchor.prediction_time <= cut]
        after = [anchor for anchor in anchors_of(anchors(sessionized(shop))) if anchor.prediction_time <= cut]
        assert plain(before) == plain(after)
