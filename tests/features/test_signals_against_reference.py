"""The features beyond the fixed dictionary against plain loops on random shops."""

from __future__ import annotations

import re
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.compare import assert_columns_equal
from reference.events import DAY, HOUR, MICROSECOND, Anchor, Event
from reference.features import World, features
from reference.frames import Ids, anchor_frame, catalog_frame, event_frame, user_frame
from reference.signals import signals
from reference.strategies import Log, Shop, random_shop, seeded, shops

import purchase_pred as pp
from purchase_pred.durations import duration_name
from purchase_pred.settings.features import FeatureSettings

WINDOWS = {"1d": DAY, "7d": 7 * DAY, "30d": 30 * DAY}


def built(shop: Shop, *, lag: int = 0, keys: tuple[str, ...] = Anchor._fields) -> pl.DataFrame:
    """Return the features of the shop's anchors at the default windows."""
    return pp.build_features(
        anchor_frame(shop.log.anchors, ids=shop.log.ids, columns=keys),
        event_frame(shop.log.events, ids=shop.log.ids, sessionized=True),
        catalog=catalog_frame(shop.catalog, ids=shop.log.ids, categories=shop.categories),
        users=user_frame(shop.registered, ids=shop.log.ids),
        settings=FeatureSettings(availability_lag=duration_name(timedelta(microseconds=lag))),
    ).collect()


def world(shop: Shop, *, lag: int = 0) -> World:
    return World(shop.log.events, {item.item_id: item for item in shop.catalog}, shop.registered, WINDOWS, lag)


def expected(shop: Shop, *, lag: int = 0) -> dict[str, list]:
    """Return what the reference says, column by column."""
    names = signals(Anchor(None, None, None, None), world(shop))
    rows = [signals(anchor, world(shop, lag=lag)) for anchor in shop.log.anchors]
    return {name: [row[name] for row in rows] for name in names}


def of_one_user(*events: Event, at: int) -> dict:
    """Return the features of ann's first session and the book at one moment."""
    log = Log(Ids(), events, (Anchor("ann", 1, "book", at),), (), 0)
    return built(Shop(log, (), {}, pl.String())).row(0, named=True)


def assert_equal_to_reference(shop: Shop, *, lag: int) -> None:
    """Demand the reference's values; of the ratio of two differences of ages in hours, its leading digits."""
    found, wanted = built(shop, lag=lag), expected(shop, lag=lag)
    gaps = wanted.pop("purchase_gap_ratio")
    assert_columns_equal(found, wanted)
    assert found["purchase_gap_ratio"].to_list() == [gap and pytest.approx(gap, rel=1e-3) for gap in gaps]


@settings(max_examples=20)
@given(shop=shops(), delayed=st.booleans())
def test_every_signal_equals_the_reference(shop, delayed):
    assert_equal_to_reference(shop, lag=shop.log.lag if delayed else 0)


@pytest.mark.parametrize("seed", range(6))
def test_every_signal_equals_the_reference_on_larger_shops(seed):
    shop = random_shop(seeded(seed), most_events=250, most_anchors=60)
    assert_equal_to_reference(shop, lag=shop.log.lag if seed % 2 else 0)


@pytest.mark.parametrize(
    ("lacking", "of_the_key"),
    [
        ("item_id", re.compile(r"(^|_)item_|^category_")),
        ("session_index", re.compile(r"^session_")),
    ],
)
def test_signals_whose_key_the_anchors_lack_are_absent(lacking, of_the_key):
    shop = random_shop(seeded(4), most_events=100, most_anchors=30)
    anchors = tuple(anchor._replace(**{lacking: None}) for anchor in shop.log.anchors)
    shop = shop._replace(log=shop.log._replace(anchors=anchors))
    found = built(shop, keys=tuple(key for key in Anchor._fields if key != lacking))
    wanted = {name: values for name, values in expected(shop).items() if not of_the_key.search(name)}
    assert [name for name in expected(shop) if of_the_key.search(name) and name in found.columns] == []
    assert_columns_equal(found, {name: values for name, values in wanted.items() if name != "purchase_gap_ratio"})


def test_reference_knows_every_column():
    shop = random_shop(seeded(0))
    known = features(Anchor(None, None, None, None), world(shop)).keys() | expected(shop).keys()
    assert sorted(set(built(shop).columns) - set(Anchor._fields) - known) == []


def test_last_actions_are_digits_of_base_6_with_the_latest_lowest():
    actions = ("scroll", "view", "add_to_cart", "purchase")
    events = [Event(number, "ann", number, kind, "book", session_index=1) for number, kind in enumerate(actions)]
    row = of_one_user(*events, at=9)
    assert row["session_last_action"] == 5
    assert row["session_last_2_actions"] == 3 * 6 + 5
    assert row["session_last_3_actions"] == (1 * 6 + 3) * 6 + 5


def test_purchase_gap_ratio_is_silence_over_the_usual_gap():
    events = [Event(number, "ann", number * DAY, "purchase", "pen", session_index=1) for number in range(3)]
    assert of_one_user(*events, at=5 * DAY)["purchase_gap_ratio"] == pytest.approx(3.0, rel=1e-9)
    assert of_one_user(events[0], at=5 * DAY)["purchase_gap_ratio"] is None


def test_trend_of_a_steady_habit_is_one():
    events = [Event(number, "ann", number * DAY, "view", "book", session_index=1) for number in range(30)]
    assert of_one_user(*events, at=30 * DAY)["view_trend_7d_30d"] == pytest.approx(1.0, rel=1e-12)


def test_transition_within_ties_follows_the_event_id():
    events = [
        Event(1, "ann", HOUR, "add_to_cart", "book", session_index=1),
        Event(0, "ann", HOUR, "view", "book", session_index=1),
    ]
    assert of_one_user(*events, at=HOUR + MICROSECOND)["session_view_then_add_to_cart_count"] == 1
    assert of_one_user(*events, at=HOUR)["session_view_then_add_to_cart_count"] == 0
