"""P(label | latent state) for labels until a horizon, against the frequencies of a simulated world."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from purchase_pred.anchors import in_session_anchors, session_close_anchors
from purchase_pred.calendar_points import calendar_anchors
from purchase_pred.errors import SchemaError, UnsupportedTargetError
from purchase_pred.labels import label_purchases
from purchase_pred.metrics import metrics
from purchase_pred.oracle import true_probability
from purchase_pred.sessions import sessionize
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.simulation import simulate_catalog, simulate_users, simulate_world

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
    end = datetime.combine(DATASET.start_date, datetime.min.time(), UTC) + timedelta(days=DATASET.num_days)
    labelled = label_purchases(anchors, sessionized, horizon=horizon, level=level, end=end)
    return labelled.drop_nulls("label").collect()


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


@pytest.mark.parametrize("level", ["user_item", "user"])
def test_with_inferred_abandonment_the_probability_holds_and_is_less_sharp(world, sessionized, session_close, level):
    if level == "user_item":
        rows = session_close.drop("p", "se")
    else:
        rows = complete_labels(calendar_anchors(sessionized, every="5d"), sessionized, "user")
    known, inferred = (
        true_probability(rows, world[1], dataset=DATASET, horizon=HORIZON, level=level, abandonment=abandonment)
        for abandonment in ("known", "inferred")
    )
    assert_calibrated(inferred)
    label = rows["label"].to_numpy()
    reached, most = (metrics(label, each["p"].to_numpy()) for each in (inferred, known))
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


@pytest.mark.parametrize("abandonment", ["known", "inferred"])
def test_probability_is_blind_to_what_happens_after(world, session_close, abandonment):
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
        true_probability(asked, needs, dataset=DATASET, horizon=HORIZON, abandonment=abandonment)["p"]
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
