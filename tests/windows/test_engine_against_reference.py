"""`window_features` against plain loops over more than a thousand random logs, every aggregate, window and lag."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference.compare import assert_columns_equal
from reference.frames import anchor_frame, event_frame
from reference.sessions import sessionize_by_intent
from reference.strategies import Log, logs, random_log, seeded
from reference.windows import Aggregate, aggregate_value

import purchase_pred as pp
from purchase_pred.durations import duration_name
from purchase_pred.windows.engine import event_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reference.events import Event

KEYS = (
    ("user_id",),
    ("item_id",),
    ("user_id", "item_id"),
    ("user_id", "session_index"),
    ("item_id", "user_id", "session_index"),
)
EXAMPLES = 200
MOST_EVENTS = 14


class Condition(NamedTuple):
    """The same condition twice: for the reference and for the library."""

    holds: Callable[[Event], bool]
    expression: pl.Expr


VIEWS = Condition(lambda event: event.event_type == "view", pl.col("event_type") == "view")
LONG = Condition(
    lambda event: event.duration_seconds is not None and event.duration_seconds > 1, pl.col("duration_seconds") > 1
)
BUYS_OR_CARTS = Condition(
    lambda event: event.event_type in {"purchase", "add_to_cart"},
    pl.col("event_type").is_in(["purchase", "add_to_cart"]),
)
NEVER = Condition(lambda event: event.price is not None and event.price < 0, pl.col("price") < 0)


def counts(windows: Sequence[int | None], conditions: Sequence[Condition | None]) -> list[tuple]:
    """Counts and distinct counts, of all events and of some."""
    chosen = [("count", None), ("n_unique", "item_id"), ("n_unique", "price"), ("n_unique", "event_type")]
    return [
        (Aggregate(kind, f"{kind}_{column}_{number}", column, windows=distinct(windows)), condition)
        for kind, column in chosen
        for number, condition in enumerate(conditions)
    ]


def amounts(windows: Sequence[int | None], conditions: Sequence[Condition | None]) -> list[tuple]:
    """Sums, means and extremes of money and of seconds."""
    return [
        (Aggregate(kind, f"{kind}_{column}_{number}", column, windows=distinct(windows)), condition)
        for kind in ("total", "mean", "minimum", "maximum")
        for column in ("price", "duration_seconds")
        for number, condition in enumerate(conditions)
    ]


def moments(half_lives: Sequence[int], conditions: Sequence[Condition | None]) -> list[tuple]:
    """What the latest, the k-th latest and the first event were, and how long ago."""
    aggregates = [Aggregate("last", f"last_{c}", c) for c in ("price", "item_id", "event_type", "duration_seconds")]
    aggregates += [Aggregate("hours_since_last", f"hours_since_last_{k}", k=k) for k in (1, 2, 5)]
    aggregates += [Aggregate("hours_since_first", "hours_since_first")]
    aggregates += [Aggregate("decayed_count", f"decayed_{h}", half_life=h) for h in distinct(half_lives)]
    return [
        (aggregate._replace(name=f"{aggregate.name}_{number}"), condition)
        for aggregate in aggregates
        for number, condition in enumerate(conditions)
    ]


def distinct(durations: Sequence[int | None]) -> tuple[int | None, ...]:
    """Return the durations once each; a column of the same name twice would be an error."""
    return tuple(dict.fromkeys(durations))


def in_library(aggregate: Aggregate, condition: Condition | None) -> object:
    """Return the aggregate as the library is asked for it."""
    where = None if condition is None else condition.expression
    windows = [None if window is None else timedelta(microseconds=window) for window in aggregate.windows]
    windows = None if windows == [None] else windows
    match aggregate.kind:
        case "count":
            return pp.count(aggregate.name, where=where, windows=windows)
        case "last":
            return pp.last(aggregate.name, aggregate.column, where=where)
        case "hours_since_last":
            return pp.hours_since_last(aggregate.name, where=where, k=aggregate.k)
        case "hours_since_first":
            return pp.hours_since_first(aggregate.name, where=where)
        case "decayed_count":
            return pp.decayed_count(aggregate.name, timedelta(microseconds=aggregate.half_life), where=where)
        case kind:
            return getattr(pp, kind)(aggregate.name, aggregate.column, where=where, windows=windows)


def expected_columns(log: Log, asked: list[tuple], *, by: Sequence[str], lag: int) -> dict[str, list]:
    """Return what the reference says, column by column."""
    columns = {}
    for aggregate, condition in asked:
        predicate = None if condition is None else condition.holds
        for window in aggregate.windows:
            name = aggregate.name
            if window is not None:
                name += "_" + duration_name(timedelta(microseconds=window))
            columns[name] = [
                aggregate_value(aggregate._replace(where=predicate), window, anchor, log.events, by=by, lag=lag)
                for anchor in log.anchors
            ]
    return columns


def assert_equal_to_reference(log: Log, asked: list[tuple], *, by: Sequence[str], lag: int) -> None:
    """Demand the reference's values, and the anchors as they were given."""
    anchors = anchor_frame(log.anchors, ids=log.ids)
    found = pp.window_features(
        anchors,
        event_frame(log.events, ids=log.ids, sessionized=True),
        by=list(by),
        aggregates=[in_library(aggregate, condition) for aggregate, condition in asked],
        availability_lag=timedelta(microseconds=lag),
    ).collect()
    assert found.select(anchors.collect_schema().names()).equals(anchors.collect())
    assert_columns_equal(found, expected_columns(log, asked, by=by, lag=lag))


@settings(max_examples=EXAMPLES)
@given(log=logs(most_events=MOST_EVENTS), by=st.sampled_from(KEYS), half=st.sampled_from((0, 1)))
def test_counts_and_distinct_counts_equal_the_reference(log, by, half):
    asked = counts(log.windows[half::2], (VIEWS,)) + counts((None,), ((None, LONG), (None, NEVER))[half])
    assert_equal_to_reference(log, asked, by=by, lag=log.lag)


@settings(max_examples=EXAMPLES)
@given(log=logs(most_events=MOST_EVENTS), by=st.sampled_from(KEYS), half=st.sampled_from((0, 1)))
def test_sums_means_and_extremes_equal_the_reference(log, by, half):
    asked = amounts(log.windows[half::2], (BUYS_OR_CARTS,)) + amounts((None,), ((None,), (LONG,))[half])
    assert_equal_to_reference(log, asked, by=by, lag=log.lag)


@settings(max_examples=EXAMPLES)
@given(log=logs(most_events=MOST_EVENTS), by=st.sampled_from(KEYS))
def test_last_values_ages_and_decayed_counts_equal_the_reference(log, by):
    asked = moments((log.windows[1], log.windows[3], log.windows[4]), (None, VIEWS))
    assert_equal_to_reference(log, asked, by=by, lag=log.lag)


@pytest.mark.parametrize("seed", range(10))
def test_larger_logs_equal_the_reference_in_one_call(seed):
    log = random_log(seeded(seed), most_events=150, most_anchors=60)
    asked = counts(log.windows, (None,)) + amounts(log.windows, (LONG,)) + moments((log.windows[3],), (BUYS_OR_CARTS,))
    assert_equal_to_reference(log, asked, by=KEYS[seed % len(KEYS)], lag=log.lag)


@pytest.mark.parametrize("seed", range(10))
def test_tables_computed_once_answer_each_part_of_the_anchors_with_the_same_bits_and_read_no_event_again(seed):
    log, by = random_log(seeded(seed), most_events=150, most_anchors=60), list(KEYS[seed % len(KEYS)])
    asked = counts(log.windows, (None,)) + amounts(log.windows, (LONG,)) + moments((log.windows[3],), (BUYS_OR_CARTS,))
    aggregates = [in_library(aggregate, condition) for aggregate, condition in asked]
    lag, anchors = timedelta(microseconds=log.lag), anchor_frame(log.anchors, ids=log.ids)
    reads = []
    events = event_frame(log.events, ids=log.ids, sessionized=True)
    watched = events.map_batches(lambda frame: reads.append(1) or frame, schema=events.collect_schema())

    tables = event_tables(watched, by=by, aggregates=aggregates, availability_lag=lag, order="any")
    computed = tables.computed(lambda frame: frame.collect().lazy())
    assert reads
    reads.clear()
    middle = len(log.anchors) // 2
    parts = [computed.answered(part).collect() for part in (anchors.head(middle), anchors.slice(middle))]
    assert reads == []
    whole = pp.window_features(anchors, events, by=by, aggregates=aggregates, availability_lag=lag)
    assert_frame_equal(pl.concat(parts), whole.collect(), check_exact=True)


@pytest.mark.parametrize("by", [("user_id",), ("user_id", "item_id")])
@pytest.mark.parametrize("seed", range(20))
def test_sessions_counted_as_consecutive_equal_the_reference(seed, by):
    log = random_log(seeded(seed), most_events=60, most_anchors=30, null_keys=False)
    log = log._replace(events=tuple(sessionize_by_intent(log.events, boundary_events=("add_to_cart", "purchase"))))
    aggregate = Aggregate("n_unique", "sessions", "session_index", windows=distinct(log.windows))
    found = pp.window_features(
        anchor_frame(log.anchors, ids=log.ids),
        event_frame(log.events, ids=log.ids, sessionized=True),
        by=list(by),
        aggregates=[
            pp.n_unique(
                "sessions",
                "session_index",
                where=VIEWS.expression,
                windows=[timedelta(microseconds=window) for window in aggregate.windows],
                consecutive=True,
            )
        ],
        availability_lag=timedelta(microseconds=log.lag),
    ).collect()
    assert_columns_equal(found, expected_columns(log, [(aggregate, VIEWS)], by=by, lag=log.lag))
