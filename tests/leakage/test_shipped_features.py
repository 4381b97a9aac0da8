"""No false alarm on what this package ships, on random logs with ties, events at T, lags and nulls."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from leakage.shops import shop
from reference.frames import anchor_frame, catalog_frame, event_frame, user_frame
from reference.strategies import random_log, random_shop, seeded

import purchase_pred as pp
from purchase_pred.durations import duration_name
from purchase_pred.settings.features import FeatureSettings

VIEWED = pl.col("event_type") == "view"
WINDOWS = ["1us", "1h", "7d"]
CUSTOM = ({"name": "night_views", "count": True, "where": "event_type = 'view' and hour < 6", "windows": ("7d",)},)
FEW = {"cuts": 1, "rounds": 1}
AGGREGATES = [
    pp.count("count", where=VIEWED, windows=WINDOWS),
    pp.n_unique("n_unique", "item_id", windows=WINDOWS),
    pp.total("total", "price", windows=WINDOWS),
    pp.mean("mean", "price"),
    pp.minimum("minimum", "price", windows=WINDOWS),
    pp.maximum("maximum", "duration_seconds"),
    pp.last("last", "price"),
    pp.hours_since_last("hours_since_last", k=2),
    pp.hours_since_first("hours_since_first", where=VIEWED),
    pp.decayed_count("decayed", "1h"),
]


@pytest.mark.parametrize("seed", range(2))
def test_whole_dictionary_is_clean(seed):
    random = random_shop(seeded(seed), most_events=60, most_anchors=25)
    ids = random.log.ids
    lag = timedelta(microseconds=random.log.lag)
    settings = FeatureSettings(availability_lag=duration_name(lag), custom=CUSTOM)

    def build(anchors: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
        return pp.build_features(
            anchors,
            events,
            catalog=catalog_frame(random.catalog, ids=ids, categories=random.categories),
            users=user_frame(random.registered, ids=ids),
            settings=settings,
        )

    anchors = anchor_frame(random.log.anchors, ids=ids)
    events = event_frame(random.log.events, ids=ids, sessionized=True)
    report = pp.check_leakage(build, anchors, events, availability_lag=lag, **FEW, seed=seed)
    assert report.clean, str(report)


@pytest.mark.parametrize("by", [("user_id",), ("user_id", "item_id"), ("user_id", "session_index")])
@pytest.mark.parametrize("seed", range(6))
def test_every_window_aggregate_is_clean(seed, by):
    log = random_log(seeded(seed), most_events=60, most_anchors=25)
    lag = timedelta(microseconds=log.lag)

    def build(anchors: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
        return pp.window_features(anchors, events, by=by, aggregates=AGGREGATES, availability_lag=lag)

    anchors = anchor_frame(log.anchors, ids=log.ids)
    events = event_frame(log.events, ids=log.ids, sessionized=True)
    report = pp.check_leakage(build, anchors, events, availability_lag=lag, **FEW, seed=seed)
    assert report.clean, str(report)


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda aggregate: aggregate.name)
def test_every_window_aggregate_that_sees_the_event_at_t_is_caught(aggregate):
    def a_microsecond_late(anchors: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
        later = anchors.with_columns(pl.col("prediction_time") + timedelta(microseconds=1))
        features = pp.window_features(later, events, by="user_id", aggregates=[aggregate])
        return features.select(name for name, _ in aggregate.columns)

    report = pp.check_leakage(a_microsecond_late, *shop(2))
    assert {leak.column for leak in report.leaks} == {name for name, _ in aggregate.columns}


def test_dictionary_told_of_too_short_a_lag_is_caught():
    columns = ["view_count_1d", "hours_since_last_view", "session_events", "user_item_in_cart"]
    anchors, events = shop(3)
    report = pp.check_leakage(
        lambda a, e: pp.build_features(a, e).select(columns),
        anchors,
        events,
        availability_lag=timedelta(hours=5),
        **FEW,
    )
    assert [leak.column for leak in report.leaks] == columns
    assert all(leak.example.event is not None for leak in report.leaks)
