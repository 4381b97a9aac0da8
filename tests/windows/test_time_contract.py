"""The sentences of docs/time_contract.md, each on a log of a few events."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from reference.events import DAY, HOUR, MICROSECOND, Anchor, Event
from reference.frames import Ids, anchor_frame, event_frame
from reference.laws import assert_laws, unread
from reference.strategies import GRIDS, random_log, seeded

import purchase_pred as pp
from purchase_pred import errors as pp_errors

NOON = 19_936 * DAY + 12 * HOUR
VIEWS = pl.col("event_type") == "view"


def viewed(*times: int, user: str = "ann", item: str = "book") -> list[Event]:
    """Return views of one item by one user at the times, in that order."""
    return [Event(number, user, time, "view", item) for number, time in enumerate(times)]


def asked_at(*times: int | None, user: str | None = "ann") -> list[Anchor]:
    return [Anchor(user, 1, "book", time) for time in times]


def answers(events: list[Event], anchors: list[Anchor], aggregate: object, *, lag: timedelta = timedelta(0)) -> list:
    """Return the one column asked for."""
    known = pp.window_features(
        anchor_frame(anchors, ids=Ids()),
        event_frame(events, ids=Ids()),
        by="user_id",
        aggregates=[aggregate],
        availability_lag=lag,
    )
    return known.collect().to_series(-1).to_list()


def test_event_at_the_prediction_time_is_not_seen():
    assert answers(viewed(NOON), asked_at(NOON, NOON + MICROSECOND), pp.count("views")) == [0, 1]


def test_event_at_the_start_of_the_window_is_seen_and_one_before_it_is_not():
    count = pp.count("views", windows=["1h"])
    assert answers(viewed(NOON - HOUR), asked_at(NOON), count) == [1]
    assert answers(viewed(NOON - HOUR - MICROSECOND), asked_at(NOON), count) == [0]


def test_window_of_a_microsecond_holds_the_one_moment_before_the_prediction_time():
    events = viewed(NOON - 2, NOON - 1, NOON - 1, NOON)
    assert answers(events, asked_at(NOON), pp.count("views", windows=[timedelta(microseconds=1)])) == [2]


def test_availability_lag_moves_the_window_as_a_whole():
    count = pp.count("views", windows=["2h"])
    anchors = asked_at(NOON)
    lag = timedelta(hours=1)
    assert answers(viewed(NOON - HOUR), anchors, count, lag=lag) == [0]
    assert answers(viewed(NOON - HOUR - 1), anchors, count, lag=lag) == [1]
    assert answers(viewed(NOON - 3 * HOUR), anchors, count, lag=lag) == [1]
    assert answers(viewed(NOON - 3 * HOUR - 1), anchors, count, lag=lag) == [0]


def test_age_is_measured_from_the_prediction_time_whatever_the_lag():
    aggregate = pp.hours_since_last("hours_since_view")
    assert answers(viewed(NOON - 3 * HOUR), asked_at(NOON), aggregate, lag=timedelta(hours=1)) == [3.0]


def test_latest_of_tied_events_is_the_one_with_the_greatest_event_id():
    events = [Event(2, "ann", NOON, "view", "late"), Event(1, "ann", NOON, "view", "early")]
    assert answers(events, asked_at(NOON + 1), pp.last("item", "item_id")) == ["late"]


def test_last_value_is_that_of_the_latest_event_even_when_it_is_null():
    events = [Event(0, "ann", 0, "view", "book", price=9.99), Event(1, "ann", 1, "view", "book", price=None)]
    assert answers(events, asked_at(2), pp.last("price_shown", "price")) == [None]


def test_kth_latest_event_is_null_when_there_are_fewer():
    events = viewed(NOON - 2 * HOUR, NOON - HOUR)
    for k, hours in ((1, 1.0), (2, 2.0), (3, None)):
        assert answers(events, asked_at(NOON), pp.hours_since_last("hours", k=k)) == [hours]


@pytest.mark.parametrize("half_life", [HOUR, 7 * DAY, MICROSECOND])
def test_decayed_count_of_a_steady_habit_never_drifts(half_life):
    habit = [NOON + number * half_life for number in range(3000)]
    anchors = asked_at(*(time + half_life for time in habit))
    found = answers(viewed(*habit), anchors, pp.decayed_count("decayed", timedelta(microseconds=half_life)))
    assert found == pytest.approx([1 - 0.5 ** (number + 1) for number in range(3000)], rel=1e-12)


def test_exact_duplicates_are_events_of_their_own():
    assert answers(viewed(5, 5, 5), asked_at(6), pp.count("views")) == [3]


@pytest.mark.parametrize(
    ("aggregate", "empty"),
    [
        (pp.count("x"), 0),
        (pp.n_unique("x", "item_id"), 0),
        (pp.total("x", "price"), 0.0),
        (pp.mean("x", "price"), None),
        (pp.minimum("x", "price"), None),
        (pp.maximum("x", "price"), None),
        (pp.last("x", "price"), None),
        (pp.hours_since_last("x"), None),
        (pp.hours_since_first("x"), None),
        (pp.decayed_count("x", "1d"), 0.0),
    ],
)
def test_unknown_and_null_keys_and_null_times_give_the_empty_answer(aggregate, empty):
    events = [Event(0, "ann", 0, "view", "book", price=9.99), Event(1, None, 0, "view", "book", price=5.0)]
    anchors = [*asked_at(5, user="bob"), *asked_at(5, user=None), *asked_at(None), *asked_at(0)]
    assert answers(events, anchors, aggregate) == [empty] * 4
    assert answers([], anchors, aggregate) == [empty] * 4


def test_null_values_are_not_counted_as_distinct_nor_summed_nor_averaged():
    events = [
        Event(number, "ann", number, "view", "book", price=price)
        for number, price in enumerate((1.1, None, 2.2, None, 1.1))
    ]
    assert answers(events, asked_at(9), pp.n_unique("prices", "price")) == [2]
    assert answers(events, asked_at(9), pp.total("spent", "price")) == [4.4]
    assert answers(events, asked_at(9), pp.mean("price", "price")) == pytest.approx([4.4 / 3], rel=1e-15)


def test_columns_are_named_after_their_windows():
    windows = ["7d", timedelta(days=7, hours=1), timedelta(hours=36), timedelta(minutes=90), timedelta(microseconds=2)]
    features = pp.window_features(
        anchor_frame(asked_at(5), ids=Ids()),
        event_frame(viewed(1), ids=Ids()),
        by="user_id",
        aggregates=[pp.count("n", windows=windows), pp.count("n"), pp.total("paid", "price", windows=["7d"])],
    )
    named = ["n_7d", "n_169h", "n_36h", "n_90m", "n_2us", "n", "paid_7d"]
    assert features.collect_schema().names() == [*Anchor._fields, *named]


def test_counts_are_unsigned_and_measures_are_floats():
    aggregates = [
        pp.count("n"),
        pp.n_unique("u", "item_id", windows=["1d"]),
        pp.total("t", "price"),
        pp.mean("m", "price"),
    ]
    aggregates += [pp.hours_since_last("h"), pp.hours_since_first("f"), pp.decayed_count("d", "1d")]
    features = pp.window_features(
        anchor_frame(asked_at(5), ids=Ids()), event_frame(viewed(1), ids=Ids()), by="user_id", aggregates=aggregates
    )
    expected = [pl.UInt32(), pl.UInt32(), *[pl.Float64()] * 5]
    assert features.collect_schema().dtypes()[len(Anchor._fields) :] == expected
    assert features.collect().dtypes[len(Anchor._fields) :] == expected


def test_unknown_columns_of_anchors_pass_through_in_their_order():
    anchors = anchor_frame(asked_at(9, 1, 9), ids=Ids()).with_row_index("row").with_columns(note=pl.lit("x"))
    features = pp.window_features(
        anchors, event_frame(viewed(3), ids=Ids()), by="user_id", aggregates=[pp.count("n")]
    ).collect()
    assert features.drop("n").equals(anchors.collect())
    assert features["n"].to_list() == [1, 0, 1]


def test_cents_add_up_exactly():
    events = [Event(number, "ann", number, "view", "book", price=0.1) for number in range(1000)]
    assert answers(events, asked_at(2000), pp.total("paid", "price")) == [100.0]


def test_whole_numbers_are_summed_and_compared_as_well():
    events = viewed(1, 2, 3)
    assert answers(events, asked_at(9), pp.total("n", "event_id")) == [3.0]
    assert answers(events, asked_at(9), pp.mean("n", "event_id")) == [1.0]
    assert answers(events, asked_at(9), pp.minimum("n", "event_id")) == [0]
    assert answers(events, asked_at(9), pp.maximum("n", "event_id", windows=["1d"])) == [2]


@pytest.mark.parametrize("small", [0.001, 1 / 3, 0.123456789, -5.5, 1e-7])
def test_small_amount_is_not_lost_beside_a_large_one_before_the_window(small):
    prices = (1e12, 12345.678901234, small)
    events = [Event(day, "ann", day * DAY, "view", "book", price=price) for day, price in enumerate(prices)]
    total = pp.total("paid", "price", windows=["1d"])
    assert answers(events, asked_at(3 * DAY), total) == pytest.approx([small], rel=1e-9)
    assert answers(events, asked_at(2 * DAY), total) == pytest.approx([12345.678901234], rel=1e-15)


@pytest.mark.parametrize("seed", range(12))
def test_every_aggregate_obeys_the_laws(seed):
    log = random_log(seeded(seed), most_events=60, most_anchors=25)
    windows = [timedelta(microseconds=GRIDS[seed % len(GRIDS)]), "7d", None]

    def compute(anchors: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
        return pp.window_features(
            anchors,
            events,
            by=["user_id", "item_id"] if seed % 2 else "user_id",
            aggregates=[
                pp.count("n", where=VIEWS, windows=windows[:2]),
                pp.n_unique("items", "item_id", windows=windows[:2]),
                pp.total("paid", "price", windows=windows[:2]),
                pp.mean("price", "price"),
                pp.minimum("cheapest", "price", windows=windows[:2]),
                pp.maximum("dearest", "price"),
                pp.last("type", "event_type"),
                pp.hours_since_last("hours", k=2),
                pp.hours_since_first("hours_first"),
                pp.decayed_count("decayed", "1d"),
            ],
            availability_lag=timedelta(microseconds=log.lag),
        )

    assert_laws(
        compute,
        anchor_frame(log.anchors, ids=log.ids),
        event_frame(log.events, ids=log.ids, sessionized=True),
        lag=log.lag,
    )


def test_building_the_plan_reads_nothing():
    features = pp.window_features(
        unread(anchor_frame([], ids=Ids())),
        unread(event_frame([], ids=Ids())),
        by=["user_id", "item_id"],
        aggregates=[pp.count("n", windows=["7d"]), pp.n_unique("u", "item_id", windows=["7d"]), pp.mean("m", "price")],
    )
    assert isinstance(features, pl.LazyFrame)
    with pytest.raises(Exception, match="the frame was read"):
        features.collect()


def test_what_is_not_a_number_counts_in_no_sum_and_no_extreme():
    events = [
        Event(0, "ann", NOON - 2, "view", "book", None, float("nan")),
        Event(1, "ann", NOON - 1, "view", "book", None, 2.0),
    ]
    for make in (pp.minimum, pp.maximum, pp.mean, pp.total):
        assert answers(events, asked_at(NOON), make("amount", "price")) == [2.0]


def test_an_amount_beyond_all_money_is_left_out_and_spoils_no_other():
    events = [
        Event(0, "ann", NOON - 2, "view", "book", None, 1e300),
        Event(1, "ann", NOON - 1, "view", "book", None, 2.0),
    ]
    assert answers(events, asked_at(NOON), pp.total("amount", "price")) == [2.0]


def test_a_sum_of_text_is_refused_before_anything_is_read():
    with pytest.raises(pp_errors.SchemaError, match="total needs numbers, column 'item_id' is String"):
        answers(viewed(NOON), asked_at(NOON), pp.total("amount", "item_id"))
