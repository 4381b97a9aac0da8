from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from purchase_pred import schema
from purchase_pred.anchors import calendar_anchors, in_session_anchors, session_close_anchors
from purchase_pred.errors import SchemaError, UnsupportedTargetError
from purchase_pred.labels import label_purchases
from purchase_pred.metrics import metrics
from purchase_pred.sessions import sessionize
from purchase_pred.settings.dataset import DatasetSettings
from purchase_pred.simulation import (
    TRUTH,
    simulate_catalog,
    simulate_clickstream,
    simulate_users,
    simulate_world,
    true_probability,
)

DATASET = DatasetSettings(num_users=5_000, num_items=400, num_days=60, random_seed=11)
HORIZON = "7d"


@pytest.fixture(scope="module")
def world():
    chunks = list(simulate_world(DATASET, simulate_users(DATASET), simulate_catalog(DATASET)))
    return pl.concat(chunk.events for chunk in chunks), pl.concat(chunk.truth for chunk in chunks)


@pytest.fixture(scope="module")
def sessionized(world):
    return sessionize(world[0].lazy()).collect().lazy()


def complete_labels(anchors, sessionized, level, horizon=HORIZON):
    labelled = label_purchases(anchors, sessionized, horizon=horizon, level=level)
    end = datetime.combine(DATASET.start_date, datetime.min.time(), UTC) + timedelta(days=DATASET.num_days)
    return labelled.filter(pl.col("label_end") <= end).collect()


def by_decile(rows):
    """Return the rows by tenths of `p`; users are independent, so the error of a mean is summed over users."""
    tenths = rows.sort("p").with_columns(tenth=pl.int_range(pl.len()) * 10 // pl.len())
    miss = (pl.col("label") - pl.col("p")).sum()
    users = tenths.group_by("tenth", "user_id").agg(miss.alias("miss"), pl.len().alias("rows"), pl.col("p").sum())
    return (
        users.group_by("tenth")
        .agg(
            miss=pl.col("miss").sum() / pl.col("rows").sum(),
            error=(pl.col("miss") ** 2).sum().sqrt() / pl.col("rows").sum(),
            one_more=1 / pl.col("rows").sum(),
            p=pl.col("p").sum() / pl.col("rows").sum(),
        )
        .sort("tenth")
    )


def assert_calibrated(rows, *, relative=0.0):
    table = by_decile(rows)
    allowed = 4 * table["error"] + 3 * table["one_more"] + relative * table["p"]
    assert (table["miss"].abs() <= allowed).all(), table


@pytest.fixture(scope="module")
def session_close(world, sessionized):
    labelled = complete_labels(session_close_anchors(sessionized), sessionized, "user_item")
    return true_probability(labelled, world[1], dataset=DATASET, horizon=HORIZON)


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


@pytest.mark.parametrize("level", ["user_item", "user"])
def test_without_foresight_the_probability_holds_too_and_tells_less(world, sessionized, session_close, level):
    if level == "user_item":
        rows = session_close.drop("p", "se")
    else:
        rows = complete_labels(calendar_anchors(sessionized, every="5d"), sessionized, "user")
    known, unforeseen = (
        true_probability(rows, world[1], dataset=DATASET, horizon=HORIZON, level=level, foresight=foresight)
        for foresight in (True, False)
    )
    assert_calibrated(unforeseen)
    label = rows["label"].to_numpy()
    reached, most = (metrics(label, each["p"].to_numpy()) for each in (unforeseen, known))
    assert reached["average_precision"] < most["average_precision"] - 0.02
    assert reached["log_loss"] > most["log_loss"]


def test_probability_equals_the_share_of_purchases_of_the_item(session_close):
    assert_calibrated(session_close)
    assert session_close["label"].mean() == pytest.approx(session_close["p"].mean(), rel=0.08)


def test_probability_equals_the_share_of_users_who_buy_anything(world, sessionized):
    anchors = calendar_anchors(sessionized, every="5d")
    rows = complete_labels(anchors, sessionized, "user")
    assert_calibrated(true_probability(rows, world[1], dataset=DATASET, horizon=HORIZON, level="user"))


def test_probability_holds_over_a_month_of_promotions_and_repeats(world, sessionized):
    rows = complete_labels(calendar_anchors(sessionized, every="5d"), sessionized, "user", horizon="30d")
    assert_calibrated(true_probability(rows, world[1], dataset=DATASET, horizon="30d", level="user"))


def test_probability_that_a_session_still_buys_holds_within_a_twentieth(world, sessionized):
    rows = complete_labels(in_session_anchors(sessionized, every=2), sessionized, "session")
    assert_calibrated(true_probability(rows, world[1], dataset=DATASET, horizon=HORIZON, level="session"), relative=0.1)


@pytest.mark.parametrize("at", ["event", "add_to_cart", "session_start"])
def test_probability_within_a_session_equals_the_share_of_purchases_of_the_item(world, sessionized, at):
    anchors = in_session_anchors(sessionized, every=3 if at == "event" else 1, at=at)
    rows = complete_labels(anchors, sessionized, "user_item")
    asked = true_probability(rows, world[1], dataset=DATASET, horizon=HORIZON, events=world[0])
    assert_calibrated(asked)
    assert asked["label"].mean() == pytest.approx(asked["p"].mean(), rel=0.03)


def test_without_the_clicks_of_the_visit_the_probability_within_a_session_holds_within_a_fifth(world, sessionized):
    rows = complete_labels(in_session_anchors(sessionized, every=3), sessionized, "user_item")
    assert_calibrated(true_probability(rows, world[1], dataset=DATASET, horizon=HORIZON), relative=0.2)


def test_clicks_from_t_on_and_the_order_of_the_log_do_not_matter(world, sessionized):
    at = datetime(2024, 9, 1, 20, tzinfo=UTC)
    rows = in_session_anchors(sessionized).filter(pl.col("prediction_time") < at).tail(20_000).collect()
    past = world[0].filter(pl.col("timestamp") < at).sample(fraction=1.0, shuffle=True, seed=1)
    seeing, blind = (
        true_probability(rows, world[1], dataset=DATASET, horizon=HORIZON, events=events) for events in (world[0], past)
    )
    assert seeing.equals(blind)


def test_probability_beats_every_rule_by_far(session_close, world):
    events = world[0].filter(pl.col("event_type") == "view").select("user_id", "item_id", "timestamp")
    views = (
        session_close.with_row_index("row")
        .join(events, on=["user_id", "item_id"])
        .filter(pl.col("timestamp").is_between(pl.col("prediction_time") - timedelta(days=7), "prediction_time"))
        .group_by("row")
        .len()
    )
    scored = session_close.with_row_index("row").join(views, on="row", how="left", maintain_order="left")
    label = scored["label"].to_numpy()
    ceiling = metrics(label, scored["p"].to_numpy())
    rule = metrics(label, scored["len"].fill_null(0).to_numpy().astype(np.float64))
    assert ceiling["average_precision"] > 2 * rule["average_precision"]
    assert ceiling["average_precision"] > 0.6


@pytest.mark.parametrize("foresight", [True, False])
def test_probability_is_blind_to_what_happens_after(world, session_close, foresight):
    truth, at = world[1], datetime(2024, 9, 1, tzinfo=UTC)
    asked = session_close.filter(pl.col("prediction_time") <= at).drop("p", "se")
    seen_before = pl.element().filter(pl.element() < at)
    known = (
        truth.filter(pl.col("opened_at") < at)
        .with_columns(visits=pl.col("visit_at").list.eval(seen_before).list.len())
        .with_columns(
            pl.col("visit_at", "decided_at").list.head("visits"),
            *(pl.when(pl.col(name) < at).then(pl.col(name)).alias(name) for name in ("ended_at", "carted_at")),
        )
        .drop("visits")
    )
    blind, seeing = (
        true_probability(asked, needs, dataset=DATASET, horizon=HORIZON, foresight=foresight)["p"]
        for needs in (known, truth)
    )
    # The mean length of a visit is taken from the visits at hand, which is the only difference.
    assert (blind - seeing).abs().max() < 1e-3


def test_rows_come_back_as_they_were_and_unknown_ones_have_no_chance(world, session_close):
    one = session_close.select("user_id", "item_id", "prediction_time").head(1)
    asked = pl.concat(
        [
            one.with_columns(item_id=pl.lit(10**9, pl.Int64)),
            one.with_columns(user_id=pl.lit(10**9, pl.Int64)),
            one.with_columns(item_id=pl.lit(None, pl.Int64)),
            one,
            one,
        ]
    ).with_columns(note=pl.lit("kept"))
    answer = true_probability(asked, world[1], dataset=DATASET, horizon=HORIZON)
    assert answer.drop("p", "se").equals(asked)
    assert answer["p"].to_list()[:3] == [0.0, 0.0, None]
    assert answer["p"][3] == answer["p"][4] == pytest.approx(session_close["p"][0])


def test_anchors_may_have_a_column_called_row_but_none_of_its_own_answers(world, session_close):
    asked = session_close.select("user_id", "item_id", "prediction_time").head(3).with_row_index("row")
    answer = true_probability(asked, world[1], dataset=DATASET, horizon=HORIZON)
    assert answer.drop("p", "se").equals(asked)
    with pytest.raises(SchemaError, match="would be made twice: p, se"):
        true_probability(answer, world[1], dataset=DATASET, horizon=HORIZON)


def test_no_anchors_give_no_rows(world, session_close):
    none = session_close.select("user_id", "item_id", "prediction_time").clear()
    assert true_probability(none, world[1], dataset=DATASET, horizon=HORIZON).height == 0


def test_unknown_levels_and_missing_columns_are_refused(world, session_close):
    with pytest.raises(UnsupportedTargetError, match="user_item, user, session"):
        true_probability(session_close, world[1], dataset=DATASET, horizon=HORIZON, level="shop")
    with pytest.raises(SchemaError, match="item_id"):
        true_probability(session_close.drop("item_id", "p", "se"), world[1], dataset=DATASET, horizon=HORIZON)
