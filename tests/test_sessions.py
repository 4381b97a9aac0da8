"""Sessions: examples that read as docs/time_contract.md, and the reference on random logs."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference import sessions as reference
from reference.events import MINUTE, Event, in_order
from reference.frames import Ids, event_frame, events_of, rows_of
from reference.laws import unread
from reference.strategies import GAP, Log, logs

import purchase_pred as pp
from purchase_pred.errors import SchemaError

EXAMPLES = 100
BOUNDARIES = (("purchase", "add_to_cart"), ("purchase",), ("scroll", "view"))


def seen(*times: int, user: str = "ann") -> list[Event]:
    return [Event(number, user, time, "view", "book") for number, time in enumerate(times)]


def indices(events: list[Event]) -> list[int]:
    """Return the session of each event, in order of time, by the default gap."""
    sessionized = pp.sessionize(event_frame(events, ids=Ids()))
    return [event.session_index for event in events_of(sessionized)]


def with_ids(log: Log) -> pl.LazyFrame:
    return event_frame(log.events, ids=log.ids)


def logs_of_users(**most: int) -> st.SearchStrategy[Log]:
    """Random logs whose events all have a user."""
    return logs(**most).map(
        lambda log: log._replace(events=tuple(event for event in log.events if event.user_id is not None))
    )


def test_silence_of_exactly_the_threshold_continues_the_session():
    assert indices(seen(0, 30 * MINUTE)) == [1, 1]


def test_silence_longer_than_the_threshold_by_a_microsecond_ends_the_session():
    assert indices(seen(0, 30 * MINUTE + 1)) == [1, 2]


def test_silence_is_measured_from_the_latest_event_not_from_the_first():
    assert indices(seen(0, 20 * MINUTE, 40 * MINUTE, 60 * MINUTE)) == [1, 1, 1, 1]


def test_sessions_are_counted_per_user_from_one():
    events = [*seen(0, 60 * MINUTE), *[event._replace(event_id=9) for event in seen(90 * MINUTE, user="bob")]]
    assert indices(events) == [1, 2, 1]


def test_sessionized_events_are_sorted_by_user_time_and_event_id_with_the_index_added():
    events = event_frame([Event(1, "ann", 5, "view", "b"), Event(0, "ann", 5, "view", "a")], ids=Ids())
    sessionized = pp.sessionize(events).collect()
    assert sessionized["event_id"].to_list() == [0, 1]
    assert sessionized.columns == [*events.collect_schema().names(), "session_index"]
    assert sessionized.schema["session_index"] == pl.UInt32()


def test_unknown_columns_pass_through():
    events = event_frame(seen(0), ids=Ids()).with_columns(device=pl.lit("phone"))
    assert pp.sessionize(events).collect()["device"].to_list() == ["phone"]


def test_boundary_ends_the_session_that_it_belongs_to():
    types = ("view", "add_to_cart", "view", "purchase", "purchase", "scroll")
    events = [Event(number, "ann", number, kind, "book") for number, kind in enumerate(types)]
    sessionized = pp.sessionize_by_intent(event_frame(events, ids=Ids()))
    assert [event.session_index for event in events_of(sessionized)] == [1, 1, 2, 2, 3, 4]


def test_unknown_boundary_is_refused():
    with pytest.raises(ValueError, match="buy"):
        pp.sessionize_by_intent(event_frame([], ids=Ids()), boundary_events=["buy"])


@pytest.mark.parametrize("function", [pp.sessionize, pp.sessionize_by_intent])
def test_missing_column_is_named_before_anything_is_read(function):
    with pytest.raises(SchemaError, match="timestamp"):
        function(unread(event_frame([], ids=Ids()).drop("timestamp")))


def test_log_of_no_events_has_no_sessions():
    assert pp.sessionize(event_frame([], ids=Ids())).collect().height == 0


@settings(max_examples=EXAMPLES)
@given(log=logs_of_users())
def test_sessions_equal_the_reference(log):
    sessionized = pp.sessionize(with_ids(log), gap=timedelta(microseconds=GAP))
    assert events_of(sessionized) == reference.sessionize(log.events, gap=GAP)


@settings(max_examples=EXAMPLES)
@given(log=logs_of_users(), boundary_events=st.sampled_from(BOUNDARIES))
def test_sessions_by_intent_equal_the_reference(log, boundary_events):
    sessionized = pp.sessionize_by_intent(with_ids(log), boundary_events=boundary_events)
    expected = reference.sessionize_by_intent(log.events, boundary_events=boundary_events)
    assert events_of(sessionized) == expected


@settings(max_examples=EXAMPLES // 3)
@given(log=logs_of_users())
def test_table_of_sessions_equals_the_reference(log):
    sessionized = reference.sessionize(log.events, gap=GAP)
    table = pp.session_table(event_frame(sessionized, ids=log.ids, sessionized=True))
    assert rows_of(table) == reference.session_table(sessionized)


@settings(max_examples=EXAMPLES // 3)
@given(log=logs_of_users())
def test_appending_later_events_changes_no_earlier_session(log):
    events = in_order(log.events)
    before = reference.sessionize(events[: len(events) // 2], gap=GAP)
    after = events_of(pp.sessionize(with_ids(log)))
    assert {event for event in after if event.event_id in {e.event_id for e in before}} == set(before)


@settings(max_examples=EXAMPLES // 3)
@given(log=logs_of_users())
def test_order_of_rows_and_engine_do_not_matter(log):
    events = with_ids(log)
    for sessionize in (pp.sessionize, pp.sessionize_by_intent):
        expected = sessionize(events).collect(engine="in-memory")
        assert_frame_equal(sessionize(events.reverse()).collect(engine="streaming"), expected)
