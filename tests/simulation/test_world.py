from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from purchase_pred import schema
from purchase_pred.errors import InputError
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.settings.yaml_files import read_yaml, shipped_config_files
from purchase_pred.simulation import simulate_catalog, simulate_clickstream, simulate_users
from purchase_pred.simulation.streams import BLOCK_USERS

SMALL = DatasetSettings(num_users=400, num_items=120, num_days=40)


def events_of(dataset):
    return pl.concat(simulate_clickstream(dataset, simulate_users(dataset), simulate_catalog(dataset)))


@pytest.fixture(scope="module")
def events():
    return events_of(SMALL)


@pytest.fixture(scope="module")
def default_events():
    return events_of(DatasetSettings())


def test_shipped_yaml_equals_the_defaults_of_the_model():
    path = next(path for path in shipped_config_files() if path.name == "data_generation.yaml")
    given = read_yaml(path)[0]["dataset"]
    assert DatasetSettings(**given) == DatasetSettings()
    assert given.keys() == DatasetSettings.model_fields.keys()
    dumped = DatasetSettings().model_dump()
    for section in ("personas", "categories"):
        assert {name: row.keys() for name, row in given[section].items()} == {
            name: row.keys() for name, row in dumped[section].items()
        }
    for section in ("rhythm", "users", "catalog", "needs", "visits", "dirt"):
        assert given[section].keys() == dumped[section].keys()


def test_one_value_of_a_persona_can_be_set_alone():
    personas = DatasetSettings(personas={"buyer": {"share": 0.5}}).personas
    assert personas["buyer"].share == 0.5
    assert personas["buyer"].intent == DatasetSettings().personas["buyer"].intent
    assert list(personas) == ["browser", "researcher", "buyer"]


def test_events_have_the_canonical_columns(events):
    schema.require(events.lazy(), schema.EVENTS, what="events")
    assert events.columns == list(schema.EVENTS)
    assert events["event_id"].to_list() == list(range(events.height))


def test_events_are_in_the_order_of_user_time_and_event_id(events):
    assert events.equals(events.sort("user_id", "timestamp", "event_id"))


def test_users_and_catalog_have_the_canonical_columns():
    users, catalog = simulate_users(SMALL), simulate_catalog(SMALL)
    schema.require(users.lazy(), schema.USERS, what="users")
    schema.require(catalog.lazy(), schema.CATALOG, what="catalog")
    assert users["user_id"].to_list() == list(range(1, 401))
    assert catalog["item_id"].to_list() == list(range(1, 121))


def test_no_event_stands_outside_the_period_or_before_the_registration(events):
    start = datetime(2024, 8, 1, tzinfo=UTC)
    assert events["timestamp"].min() >= start
    assert events["timestamp"].max() < start + timedelta(days=40)
    joined = events.join(simulate_users(SMALL), on="user_id")
    assert joined.filter(pl.col("timestamp").dt.date() < pl.col("registration_date")).is_empty()


def test_users_register_before_and_during_the_period():
    registered = simulate_users(SMALL)["registration_date"]
    before = (registered < SMALL.start_date).mean()
    assert 0.65 < before < 0.85
    assert registered.max() < SMALL.start_date + timedelta(days=40)


def test_no_event_is_on_an_item_before_it_is_on_sale(events):
    joined = events.join(simulate_catalog(SMALL), on="item_id")
    assert joined.height == events.height
    assert joined.filter(pl.col("timestamp") < pl.col("created_at")).is_empty()


def test_items_are_launched_during_the_period_and_sell():
    created = simulate_catalog(SMALL).filter(pl.col("created_at") >= datetime(2024, 8, 1, tzinfo=UTC))
    assert created.height > 5
    assert events_of(SMALL).join(created, on="item_id", how="semi").height > 100


def test_items_are_shared_out_over_the_categories_in_proportion():
    counts = dict(simulate_catalog(DatasetSettings()).group_by("category").len().iter_rows())
    assert counts == {"electronics": 200, "fashion": 300, "home": 200, "beauty": 150, "sports": 150}


def test_prices_shown_are_the_base_price_or_below_and_change_over_time(events):
    joined = events.join(simulate_catalog(SMALL), on="item_id")
    assert joined.filter(pl.col("price") > pl.col("base_price")).is_empty()
    assert (events.group_by("item_id").agg(pl.col("price").n_unique())["price"] > 1).mean() > 0.3


def test_price_of_an_item_is_the_same_for_everybody_at_one_time(events):
    weekly = events.group_by("item_id", pl.col("timestamp").dt.truncate("1w")).agg(pl.col("price").n_unique())
    assert weekly["price"].max() == 1


def test_catalog_holds_prices_as_first_known(events):
    catalog = simulate_catalog(SMALL)
    assert (
        catalog.select((pl.col("base_price") * (1 - pl.col("discount_pct") / 100)).round(2))
        .to_series()
        .equals(catalog["current_price"], check_names=False)
    )
    launched = catalog.filter(pl.col("created_at") >= datetime(2024, 8, 2, tzinfo=UTC))
    first_week = events.join(launched, on="item_id").filter(
        pl.col("timestamp") < pl.col("created_at") + timedelta(days=6)
    )
    assert first_week.height > 10
    assert first_week.filter(pl.col("price") != pl.col("current_price")).is_empty()


def test_the_same_settings_give_the_same_events(events):
    assert events.equals(events_of(SMALL))


def test_another_seed_gives_another_world(events):
    assert not events.equals(events_of(SMALL.model_copy(update={"random_seed": 7})))


def test_a_full_block_of_users_is_the_same_however_many_follow():
    few = DatasetSettings(num_users=BLOCK_USERS, num_items=50, num_days=5)
    more = few.model_copy(update={"num_users": BLOCK_USERS + 10})
    chunks = list(simulate_clickstream(more, simulate_users(more), simulate_catalog(more)))
    assert chunks[0].equals(events_of(few))
    assert chunks[1]["event_id"][0] == chunks[0].height
    assert chunks[1]["user_id"].min() > chunks[0]["user_id"].max()


@pytest.mark.parametrize("change", [{"num_users": 1}, {"num_items": 1}, {"num_items": 3}, {"num_days": 1}])
def test_the_smallest_worlds_still_exist(change):
    tiny = SMALL.model_copy(update=change)
    found = events_of(tiny)
    schema.require(found.lazy(), schema.EVENTS, what="events")
    assert found["item_id"].n_unique() <= tiny.num_items


def test_frames_of_other_settings_are_refused():
    other = SMALL.model_copy(update={"num_users": 10})
    with pytest.raises(InputError, match="ask for 400 users, found 10"):
        next(simulate_clickstream(SMALL, simulate_users(other), simulate_catalog(SMALL)))


def test_the_default_world_has_about_a_million_events(default_events):
    assert 800_000 < default_events.height < 1_300_000
    assert default_events["user_id"].n_unique() > 8_500


def test_evenings_and_weekends_are_busy_and_nights_are_quiet(default_events):
    hours = np.bincount(default_events["timestamp"].dt.hour().to_numpy(), minlength=24)
    assert hours[20] > 5 * hours[3]
    days = default_events.group_by(pl.col("timestamp").dt.weekday()).len().sort("timestamp")["len"]
    assert days[6] > 1.1 * days[1]


def test_users_come_back_to_what_they_looked_at_and_buy_it(default_events):
    daily = default_events.select(
        "user_id", "item_id", pl.col("timestamp").dt.date(), bought=pl.col("event_type") == "purchase"
    )
    pairs = daily.group_by("user_id", "item_id").agg(
        pl.col("timestamp").n_unique().alias("days"), pl.col("bought").any()
    )
    once, often = (pairs.filter(rows)["bought"].mean() for rows in (pl.col("days") == 1, pl.col("days") >= 3))
    assert often > 10 * once
