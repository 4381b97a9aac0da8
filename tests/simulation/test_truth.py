"""The truth behind the log: its columns, and what the log shows of it."""

import polars as pl
import pytest

from purchase_pred import schema
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.simulation import TRUTH, simulate_catalog, simulate_clickstream, simulate_users, simulate_world

DATASET = DatasetSettings(num_users=3_000, num_items=400, num_days=60, random_seed=11)


@pytest.fixture(scope="module")
def world():
    chunks = list(simulate_world(DATASET, simulate_users(DATASET), simulate_catalog(DATASET)))
    return pl.concat(chunk.events for chunk in chunks), pl.concat(chunk.truth for chunk in chunks)


def test_truth_has_its_columns_and_one_row_per_need(world):
    truth = world[1]
    schema.require(truth.lazy(), TRUTH, what="truth")
    assert truth.columns == list(TRUTH)
    assert truth["need_id"].to_list() == list(range(truth.height))
    assert set(truth["kind"].unique()) == {"journey", "gift", "repeat"}
    assert truth.equals(truth.sort("user_id", "opened_at", "need_id"))


def test_the_world_yields_the_same_events_with_and_without_the_truth(world):
    users, catalog = simulate_users(DATASET), simulate_catalog(DATASET)
    assert pl.concat(simulate_clickstream(DATASET, users, catalog)).equals(world[0])


def test_shares_of_a_need_sum_to_one_and_its_items_differ(world):
    truth = world[1]
    assert truth["shares"].list.sum().is_between(1 - 1e-9, 1 + 1e-9).all()
    assert (truth["items"].list.n_unique() == truth["items"].list.len()).all()


def test_every_purchase_stands_in_the_truth_as_the_decision_of_a_visit(world):
    events, truth = world
    bought = events.filter(pl.col("event_type") == "purchase").select("user_id", "timestamp", "item_id")
    decisions = truth.select("user_id", "items", "ended_at", timestamp="decided_at").explode("timestamp")
    found = bought.join(decisions, on=["user_id", "timestamp"])
    assert found.height >= bought.height
    assert found.filter(
        pl.col("items").list.contains(pl.col("item_id")) & (pl.col("ended_at") == pl.col("timestamp"))
    ).height == (bought.height)


def test_a_need_has_faded_if_it_was_given_up_and_nothing_shows_it(world):
    events, truth = world
    described = truth.with_columns(
        favourite=pl.col("items").list.first(),
        spent=pl.col("visit_at").list.len() >= pl.col("max_visits"),
        last_visit=pl.col("visit_at").list.last(),
    )
    # The log begins and ends amid the lives of needs: what was clicked before or after does not stand in it.
    ended = described.filter(
        pl.col("last_visit") > events["timestamp"].min(), pl.col("ended_at") < events["timestamp"].max()
    )
    acts = events.filter(pl.col("event_type").is_in(["purchase", "remove_from_cart"]))
    bought = acts.filter(pl.col("event_type") == "purchase").select("user_id", ended_at="timestamp", bought=True)
    removed = acts.filter(pl.col("event_type") == "remove_from_cart").select("user_id", "item_id", "timestamp")
    emptied = (
        ended.join(removed, left_on=["user_id", "favourite"], right_on=["user_id", "item_id"])
        .filter(pl.col("timestamp").is_between("last_visit", "ended_at"))
        .select("need_id", emptied=True)
        .unique()
    )
    told = (
        ended.join(bought.unique(), on=["user_id", "ended_at"], how="left")
        .join(emptied, on="need_id", how="left")
        .with_columns(pl.col("bought", "emptied").fill_null(value=False))
    )
    silent = ~pl.col("bought") & ~pl.col("emptied") & ~pl.col("spent")
    # What is put into the cart by the way and taken out again at once is no sign: a few needs in a thousand.
    assert told.select((pl.col("faded") != silent).mean()).item() < 0.005
    assert not told.filter("faded", pl.col("bought") | pl.col("spent")).height
    assert not truth.filter("faded", pl.col("ended_at").is_null()).height
    assert 0.2 < told["faded"].mean() < 0.8
