"""`build_features` against plain loops on random shops, for every column of the dictionary."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.compare import assert_columns_equal
from reference.events import DAY, HOUR, Anchor
from reference.features import CROSS_USER, World, features
from reference.frames import anchor_frame, catalog_frame, event_frame, user_frame
from reference.laws import assert_laws
from reference.strategies import Shop, random_shop, seeded, shops

import purchase_pred as pp
from purchase_pred.durations import duration_name
from purchase_pred.settings.features import FeatureSettings

WINDOWS = {"1d": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
OTHER_WINDOWS = {"36h": 36 * HOUR, "14d": 14 * DAY}
SEEDS = range(12)
KEYS = Anchor._fields
OF_ITEMS = ("item_", "user_item_", "user_category_", "hours_since_user_item_", "category_conversion_rate_")
NO_KEYS = Anchor(None, None, None, None)


def built(shop: Shop, *, windows: dict[str, int] = WINDOWS, lag: int = 0, keys: tuple[str, ...] = KEYS) -> pl.DataFrame:
    """Return the features of the shop's anchors."""
    return pp.build_features(
        anchor_frame(shop.log.anchors, ids=shop.log.ids, columns=keys),
        event_frame(shop.log.events, ids=shop.log.ids, sessionized=True),
        catalog=catalog_frame(shop.catalog, ids=shop.log.ids, categories=shop.categories),
        users=user_frame(shop.registered, ids=shop.log.ids),
        settings=feature_settings(windows, lag),
    ).collect()


def feature_settings(windows: dict[str, int], lag: int) -> FeatureSettings:
    return FeatureSettings(windows=tuple(windows), availability_lag=duration_name(timedelta(microseconds=lag)))


def world(shop: Shop, *, windows: dict[str, int] = WINDOWS, lag: int = 0) -> World:
    catalog = {item.item_id: item for item in shop.catalog}
    return World(shop.log.events, catalog, shop.registered, windows, lag)


def expected(shop: Shop, *, windows: dict[str, int] = WINDOWS, lag: int = 0) -> dict[str, list]:
    """Return what the reference says, column by column."""
    names = features(NO_KEYS, world(shop, windows=windows))
    rows = [features(anchor, world(shop, windows=windows, lag=lag)) for anchor in shop.log.anchors]
    return {name: [row[name] for row in rows] for name in names}


@settings(max_examples=25)
@given(shop=shops(), delayed=st.booleans())
def test_every_feature_equals_the_reference(shop, delayed):
    lag = shop.log.lag if delayed else 0
    assert_columns_equal(built(shop, lag=lag), expected(shop, lag=lag))


@pytest.mark.parametrize("seed", SEEDS[:8])
def test_every_feature_equals_the_reference_on_larger_shops(seed):
    shop = random_shop(seeded(seed), most_events=250, most_anchors=60)
    lag = shop.log.lag if seed % 2 else 0
    assert_columns_equal(built(shop, lag=lag), expected(shop, lag=lag))


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_other_windows_are_for_the_frequency_group_alone(seed):
    shop = random_shop(seeded(seed), most_events=100, most_anchors=30)
    assert_columns_equal(built(shop, windows=OTHER_WINDOWS), expected(shop, windows=OTHER_WINDOWS))


@pytest.mark.parametrize("seed", SEEDS[:5])
def test_every_feature_obeys_the_laws(seed):
    shop = random_shop(seeded(seed), most_events=80, most_anchors=25)
    lag = shop.log.lag if seed % 2 else 0
    ids = shop.log.ids

    def build(anchors: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
        return pp.build_features(
            anchors,
            events,
            catalog=catalog_frame(shop.catalog, ids=ids, categories=shop.categories),
            users=user_frame(shop.registered, ids=ids),
            settings=feature_settings(WINDOWS, lag),
        )

    assert_laws(
        build,
        anchor_frame(shop.log.anchors, ids=ids),
        event_frame(shop.log.events, ids=ids, sessionized=True),
        lag=lag,
        cross_user=CROSS_USER,
    )


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_without_catalog_and_users_every_feature_is_as_if_they_were_empty(seed):
    shop = random_shop(seeded(seed), most_events=100, most_anchors=30)
    found = pp.build_features(
        anchor_frame(shop.log.anchors, ids=shop.log.ids),
        event_frame(shop.log.events, ids=shop.log.ids, sessionized=True),
    ).collect()
    assert_columns_equal(found, expected(shop._replace(catalog=(), registered={})))


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_prices_of_the_catalog_that_are_not_a_number_are_missing(seed):
    shop = random_shop(seeded(seed), most_events=100, most_anchors=30)
    prices = pl.col("base_price", "current_price")
    null = catalog_frame(shop.catalog, ids=shop.log.ids, categories=shop.categories).with_columns(
        pl.when(pl.int_range(pl.len()) % 2 == 1).then(prices).name.keep()
    )
    anchors = anchor_frame(shop.log.anchors, ids=shop.log.ids)
    events = event_frame(shop.log.events, ids=shop.log.ids, sessionized=True)
    found = pp.build_features(anchors, events, catalog=null.with_columns(prices.fill_null(float("nan")))).collect()
    assert found.equals(pp.build_features(anchors, events, catalog=null).collect())


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_prices_and_durations_of_events_that_are_not_a_number_are_missing(seed):
    shop = random_shop(seeded(seed), most_events=100, most_anchors=30)
    anchors = anchor_frame(shop.log.anchors, ids=shop.log.ids)
    events = event_frame(shop.log.events, ids=shop.log.ids, sessionized=True)
    nan = events.with_columns(pl.col("price", "duration_seconds").fill_null(float("nan")))
    assert nan.select(pl.col("price").is_nan().any()).collect().item()
    assert pp.build_features(anchors, nan).collect().equals(pp.build_features(anchors, events).collect())


@pytest.mark.parametrize(
    ("keys", "absent"),
    [
        (("user_id", "prediction_time"), ("session_", *OF_ITEMS)),
        (("user_id", "session_index", "prediction_time"), OF_ITEMS),
        (("user_id", "item_id", "prediction_time"), ("session_",)),
    ],
)
def test_groups_whose_keys_the_anchors_lack_are_absent(keys, absent):
    shop = random_shop(seeded(4), most_events=100, most_anchors=30)
    lacking = {field: None for field in KEYS if field not in keys}
    shop = shop._replace(log=shop.log._replace(anchors=tuple(a._replace(**lacking) for a in shop.log.anchors)))
    found = built(shop, keys=keys)
    windowed = tuple(f"session_count_{window}" for window in WINDOWS)
    gone = [name for name in expected(shop) if name.startswith(absent) and name not in windowed]
    assert not set(gone) & set(found.columns)
    assert_columns_equal(found, {name: values for name, values in expected(shop).items() if name not in gone})


def test_counts_are_unsigned_flags_are_bytes_and_measures_are_floats():
    shop = random_shop(seeded(1), most_events=30, most_anchors=5)
    schema = built(shop).schema
    counted = [name for name in expected(shop) if "_count" in name or "unique" in name] + ["session_events"]
    flags = ["user_item_in_cart", "item_has_discount", "prediction_hour", "prediction_weekday"]
    measures = [name for name in expected(shop) if name not in {*counted, *flags, "item_category"}]
    assert {schema[name] for name in counted} == {pl.UInt32()}
    assert {schema[name] for name in flags} == {pl.UInt8()}
    assert {schema[name] for name in measures} == {pl.Float64()}
