"""What a report says: the column, what moved it, how many rows, and an example down to the event."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import count

import polars as pl
import pytest
from leakage.planted import (
    PLANTED,
    T,
    complete_days,
    event_at_t,
    label_in_features,
    next_event,
    plain_counts,
    row_order,
    target_encoding,
    tie_order,
    whole_log,
)
from leakage.shops import shop
from polars.testing import assert_series_equal

import purchase_pred as pp
from purchase_pred.errors import SchemaError
from purchase_pred.leakage.subject import difference


def only_leak(function, seed=0, **options):
    (leak,) = pp.check_leakage(function, *shop(seed), **options).leaks
    return leak


@pytest.mark.parametrize("seed", range(4))
def test_example_names_the_event_at_t_and_both_values(seed):
    leak = only_leak(event_at_t, seed)
    example = leak.example
    assert example.event["timestamp"] == example.prediction_time == example.anchor["prediction_time"]
    assert example.event["user_id"] == example.anchor["user_id"]
    assert example.event["event_type"] == "view"
    before, after = (value or 0 for value in (example.before, example.after))
    assert after - before == {"events deleted": -1, "events injected": 1}[example.tampering]


@pytest.mark.parametrize("seed", range(4))
def test_example_of_a_deleted_event_can_be_repeated_by_hand(seed):
    anchors, events = shop(seed)
    example = only_leak(whole_log, seed).example
    assert example.tampering == "events deleted"
    again = [
        whole_log(anchors, log).filter(*(pl.col(name).eq_missing(value) for name, value in example.anchor.items()))
        for log in (events, events.filter(pl.col("event_id") != example.event["event_id"]))
    ]
    assert [rows.collect()["mean_price"][0] for rows in again] == [example.before, example.after]


def test_example_shows_the_nearest_event_that_alone_moves_the_value():
    _, events = shop(1)
    example = only_leak(next_event, 1).example
    ahead = events.filter(
        pl.col("user_id") == example.anchor["user_id"], pl.col("timestamp") >= example.prediction_time
    ).collect()
    assert example.event["timestamp"] == ahead["timestamp"].min()


def test_rows_affected_are_those_that_the_leak_can_reach():
    anchors, _ = shop(0)
    leak = only_leak(label_in_features)
    assert leak.tamperings == ("unknown labels changed",)
    assert leak.example.event is None
    assert 0 < leak.rows <= anchors.collect().height


def test_order_of_rows_is_told_apart_from_the_future():
    assert set(only_leak(row_order).tamperings) == {"events shuffled", "ties reversed"}


def test_order_of_ties_is_found_though_no_events_are_tied():
    anchors, events = shop(0)
    apart = events.with_columns(pl.col("timestamp") + pl.duration(microseconds=pl.col("event_id")))
    (leak,) = pp.check_leakage(tie_order, anchors, apart).leaks
    assert (leak.column, leak.tamperings) == ("last_item", ("ties reversed",))
    assert leak.example.before != leak.example.after


def test_dependence_on_other_users_is_a_leak_unless_it_is_announced():
    leak = only_leak(complete_days)
    assert (leak.column, leak.tamperings) == ("item_views", ("other users dropped",))
    assert leak.example.event["user_id"] != leak.example.anchor["user_id"]
    assert "cross_user" in str(pp.check_leakage(complete_days, *shop(0)))
    assert pp.check_leakage(complete_days, *shop(0), cross_user=["item_views"]).clean


def test_future_of_other_users_is_found_though_their_past_is_allowed():
    leak = only_leak(target_encoding, cross_user=["item_rate"])
    assert set(leak.tamperings) <= {"events deleted", "events changed", "events injected"}


def test_function_that_answers_at_random_is_said_to_do_so():
    calls = count()
    leak = only_leak(lambda anchors, _: anchors.with_columns(number=next(calls)))
    assert leak.tamperings[0] == leak.example.tampering == "run again"
    assert leak.example.event is None


def test_report_reads_as_a_table_and_as_json():
    report = pp.check_leakage(event_at_t, *shop(0))
    text = str(report)
    assert "leak: 1 of 1 features moved" in text
    assert f"views   {report.leaks[0].rows}" in text
    assert f"when event {report.leaks[0].example.event['event_id']} (view, user_id " in text
    document = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert document["clean"] is False
    assert document["leaks"][0]["column"] == "views"
    assert document["leaks"][0]["example"]["event"]["event_type"] == "view"


def test_clean_report_tells_how_much_was_compared():
    report = pp.check_leakage(plain_counts, *shop(0))
    assert report.clean
    assert report.leaks == ()
    assert report.columns == ("events_7d", "last_item")
    assert str(report).startswith("no leak: 2 features of ")
    assert {trial.tampering for trial in report.trials} == {
        "run again",
        "events shuffled",
        "anchors shuffled",
        "ties reversed",
        "other users dropped",
        "events deleted",
        "events changed",
        "events injected",
        "later anchors dropped",
        "unknown labels changed",
    }
    assert all(trial.rows > 0 for trial in report.trials)
    assert report.compared == sum(trial.rows for trial in report.trials)


def test_same_seed_gives_the_same_report():
    reports = [pp.check_leakage(event_at_t, *shop(0), seed=seed) for seed in (5, 5, 6)]
    assert reports[0] == reports[1] != reports[2]


def test_inputs_are_not_altered():
    anchors, events = (frame.collect() for frame in shop(0))
    copies = anchors.clone(), events.clone()
    pp.check_leakage(event_at_t, anchors.lazy(), events.lazy())
    assert anchors.equals(copies[0])
    assert events.equals(copies[1])


@pytest.mark.parametrize("planted", PLANTED)
def test_logs_without_rows_are_clean(planted):
    function = PLANTED[planted].function
    anchors, events = shop(0)
    assert pp.check_leakage(function, anchors.clear(), events).clean
    assert pp.check_leakage(function, anchors.clear(), events.clear()).clean


def test_anchors_without_user_or_time_are_borne():
    anchors, events = shop(0)
    row = pl.int_range(pl.len())
    holes = anchors.with_columns(pl.when(row % 7 != 1).then("user_id"), pl.when(row % 5 != 2).then("prediction_time"))
    seen = [pp.count("seen"), pp.last("item", "item_id")]
    report = pp.check_leakage(lambda a, e: pp.window_features(a, e, by="user_id", aggregates=seen), holes, events)
    assert report.clean, str(report)


def test_logs_of_other_columns_and_identifiers_are_borne():
    anchors, events = shop(0)
    user = pl.col("user_id").cast(pl.String)
    plain = events.select("event_id", user, "timestamp", shop=pl.col("item_id"))
    asked = anchors.select(user, "prediction_time")
    report = pp.check_leakage(event_at_t_of_plain_logs, asked, plain)
    assert [leak.column for leak in report.leaks] == ["last_shop"]


def event_at_t_of_plain_logs(anchors, events):
    seen = [pp.last("last_shop", "shop")]
    later = anchors.with_columns(T + timedelta(microseconds=1))
    return pp.window_features(later, events, by="user_id", aggregates=seen).select("last_shop")


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (lambda anchors, _: anchors.head(3).with_columns(x=1), "found 3 rows for"),
        (lambda anchors, _: anchors.reverse().with_columns(x=1), "another 'user_id' than the anchors'"),
        (lambda anchors, _: anchors, "no column that the anchors do not have"),
    ],
)
def test_function_that_returns_no_features_of_the_anchors_is_refused(function, fault):
    with pytest.raises(SchemaError, match=fault):
        pp.check_leakage(function, *shop(0))


def test_missing_columns_are_named():
    anchors, events = shop(0)
    with pytest.raises(SchemaError, match="events: column 'timestamp' is missing"):
        pp.check_leakage(plain_counts, anchors, events.drop("timestamp"))
    with pytest.raises(SchemaError, match="anchors: column 'user_id' must be Int64, found String"):
        pp.check_leakage(plain_counts, anchors.with_columns(pl.col("user_id").cast(pl.String)), events)


@pytest.mark.parametrize("options", [{"availability_lag": timedelta(-1)}, {"cuts": 0}, {"rounds": 0}])
def test_senseless_options_are_refused(options):
    with pytest.raises(ValueError, match="must not be negative"):
        pp.check_leakage(plain_counts, *shop(0), **options)


def test_failure_of_the_function_says_during_which_tampering():
    def fails_without_events(anchors, events):
        if events.collect().height < shop(0)[1].collect().height:
            raise ZeroDivisionError
        return anchors.with_columns(x=1)

    with pytest.raises(ZeroDivisionError) as caught:
        pp.check_leakage(fails_without_events, *shop(0))
    assert "other users dropped" in caught.value.__notes__[0]


def test_difference_is_of_bits():
    before = pl.Series([0.0, None, float("nan"), 1.0, 0.0, None])
    after = pl.Series([0.0, None, float("nan"), 1.0 + 2**-52, -0.0, 1.0])
    assert_series_equal(
        difference(before, after), pl.Series([False, False, False, True, True, True]), check_names=False
    )
    assert difference(before, after.cast(pl.Float32)).all()
    assert difference(before, None).all()
