"""Features do not depend on where and how they are computed: engines, shards of users, appended days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import purchase_pred as pp
from purchase_pred.execution.days_in_memory import days_in_memory
from purchase_pred.features import item_days
from purchase_pred.prediction_rows import prediction_rows
from purchase_pred.settings import Settings
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.shards import UserShards, shard_starts
from purchase_pred.simulation import simulate_catalog, simulate_clickstream, simulate_users

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.windows.event_tables import EventTables

SETTINGS = Settings(dataset=DatasetSettings(num_users=120, num_items=60, num_days=40))


@pytest.fixture(scope="module")
def shop() -> dict[str, pl.LazyFrame]:
    dataset = SETTINGS.dataset
    users, catalog = simulate_users(dataset), simulate_catalog(dataset)
    events = pl.concat(list(simulate_clickstream(dataset, users, catalog)))
    return {
        "sessionized": pp.sessionize(events.lazy()).collect().lazy(),
        "catalog": catalog.lazy(),
        "users": users.lazy(),
    }


@pytest.fixture(scope="module")
def anchors(shop) -> pl.LazyFrame:
    return prediction_rows(shop["sessionized"], settings=SETTINGS).drop("purged").collect().lazy()


@pytest.fixture(scope="module")
def features(shop, anchors) -> pl.DataFrame:
    return built(anchors, shop).collect(engine="streaming")


def built(
    anchors: pl.LazyFrame,
    shop: dict[str, pl.LazyFrame],
    *,
    days: pl.LazyFrame | Mapping[str, EventTables] | None = None,
) -> pl.LazyFrame:
    return pp.build_features(
        anchors, shop["sessionized"], catalog=shop["catalog"], users=shop["users"], days=days, assume_sorted=True
    )


def test_the_shop_has_something_to_compare(features):
    assert features.height > 1000
    assert features["label"].sum() > 0


def test_both_engines_give_the_same_bits(shop, anchors, features):
    assert_frame_equal(built(anchors, shop).collect(engine="in-memory"), features, check_exact=True)


def test_an_order_that_is_not_known_gives_the_same_bits(shop, anchors, features):
    shuffled = {**shop, "sessionized": shop["sessionized"].sort(pl.col("event_id").hash(seed=3))}
    found = pp.build_features(anchors, shuffled["sessionized"], catalog=shop["catalog"], users=shop["users"]).collect()
    assert_frame_equal(found, features, check_exact=True)


@pytest.mark.parametrize(("size", "in_memory"), [(700, False), (700, True), (10**9, False)])
def test_shards_of_users_one_by_one_give_the_same_bits(shop, anchors, features, size, in_memory):
    shards = UserShards.of(shard_starts(shop["sessionized"], size=size).collect())
    days = item_days(shop["sessionized"]).collect().lazy()
    if in_memory:
        days = days_in_memory(anchors, days, catalog=shop["catalog"], settings=SETTINGS.features)
    parts = []
    for number in range(len(shards)):
        part = {**shop, "sessionized": shop["sessionized"].filter(shards.condition(number))}
        parts.append(built(anchors.filter(shards.condition(number)), part, days=days).collect(engine="in-memory"))
    assert (len(parts) == 1) == (size == 10**9)
    assert_frame_equal(pl.concat(parts), features, check_exact=True)


def test_no_anchor_is_lost_between_shards(shop):
    shards = UserShards.of(shard_starts(shop["sessionized"], size=100).collect())
    everyone = pl.DataFrame({"user_id": range(-5, 200)}, schema={"user_id": pl.Int64})
    taken = [everyone.filter(shards.condition(number)) for number in range(len(shards))]
    assert_frame_equal(pl.concat(taken), everyone)


def test_appended_days_change_no_row_that_was_computed_before(shop, anchors, features):
    cut = anchors.select(pl.col("prediction_time").quantile(0.6, "nearest")).collect().item()
    so_far = {**shop, "sessionized": shop["sessionized"].filter(pl.col("timestamp") < cut)}
    early = pl.col("prediction_time") <= cut
    found = built(anchors.filter(early), so_far).collect()
    assert 0 < found.height < features.height
    assert_frame_equal(found, features.filter(early), check_exact=True)
