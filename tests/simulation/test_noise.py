from datetime import timedelta

import polars as pl
import pytest

from purchase_pred.schema import EVENTS, require
from purchase_pred.settings.simulator import DatasetSettings, DirtSettings
from purchase_pred.simulation import simulate_catalog, simulate_clickstream, simulate_users

CLEAN = DatasetSettings(num_users=300, num_items=80, num_days=30)
CONTENT = ["user_id", "timestamp", "event_type", "item_id", "duration_seconds", "price"]


def events_of(**dirt):
    dataset = CLEAN.model_copy(update={"dirt": DirtSettings(**dirt)})
    return pl.concat(simulate_clickstream(dataset, simulate_users(dataset), simulate_catalog(dataset)))


@pytest.fixture(scope="module")
def clean():
    return events_of()


def test_there_is_no_dirt_by_default(clean):
    assert not any(DirtSettings().model_dump().values())
    assert clean.select(pl.struct(CONTENT).is_duplicated().any()).item() is False
    assert clean["price"].null_count() == 0


@pytest.mark.parametrize("name", DirtSettings.model_fields)
def test_dirt_of_every_sort_keeps_the_columns_and_numbers_the_rows(name, clean):
    noisy = events_of(**{name: 0.1})
    require(noisy.lazy(), EVENTS, what="events")
    assert noisy.columns == list(EVENTS)
    assert noisy["event_id"].to_list() == list(range(noisy.height))
    assert not noisy.select(CONTENT).equals(clean.select(CONTENT))


def test_exact_duplicates_repeat_a_share_of_the_rows(clean):
    noisy = events_of(exact_duplicates=0.1)
    assert noisy.height == pytest.approx(1.1 * clean.height, rel=0.02)
    assert noisy.unique(CONTENT).height == clean.height


@pytest.mark.parametrize("name", ["out_of_order", "late"])
def test_rows_out_of_their_place_are_all_still_there(name, clean):
    noisy = events_of(**{name: 0.05})
    assert noisy.select(CONTENT).sort(CONTENT).equals(clean.select(CONTENT).sort(CONTENT))
    assert not noisy.equals(noisy.sort("user_id", "timestamp", "event_id"))


def test_late_rows_come_last():
    noisy = events_of(late=0.05)
    on_time = noisy.head(round(0.9 * noisy.height))
    assert on_time.equals(on_time.sort("user_id", "timestamp", "event_id"))
    assert noisy.tail(100)["user_id"].n_unique() > 10


def test_wrong_clocks_move_times_by_half_a_day_at_most(clean):
    told_apart_by = ["user_id", "item_id", "event_type", "duration_seconds", "price"]
    unlike_any_other = ~pl.struct(told_apart_by).is_duplicated()
    both = clean.filter(unlike_any_other).join(events_of(clock_jumps=0.2), on=told_apart_by, nulls_equal=True)
    moved = both["timestamp_right"] - both["timestamp"]
    assert moved.abs().max() <= timedelta(hours=12)
    assert (moved != timedelta()).mean() == pytest.approx(0.2, abs=0.05)


def test_prices_become_null_and_items_unknown_in_a_share_of_the_rows():
    noisy = events_of(null_prices=0.1, unknown_items=0.05)
    assert noisy["price"].is_null().mean() == pytest.approx(0.1, rel=0.15)
    assert (noisy["item_id"] > CLEAN.num_items).mean() == pytest.approx(0.05, rel=0.15)


def test_crawlers_are_no_registered_users_and_view_at_a_steady_pace(clean):
    noisy = events_of(bots=0.2)
    crawled = noisy.filter(pl.col("user_id") > CLEAN.num_users)
    assert crawled.height == pytest.approx(0.2 * noisy.height, rel=0.01)
    assert crawled["event_type"].unique().to_list() == ["view"]
    assert crawled["timestamp"].diff().drop_nulls().unique().to_list() == [timedelta(seconds=2)]
    assert noisy.filter(pl.col("user_id") <= CLEAN.num_users).select(CONTENT).equals(clean.select(CONTENT))


def test_the_same_dirt_falls_twice():
    dirt = dict.fromkeys(DirtSettings.model_fields, 0.1)
    assert events_of(**dirt).equals(events_of(**dirt))
