"""P(label | latent state) for labels that count sessions, against worlds that were simulated."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from purchase_pred.anchors import in_session_anchors, session_close_anchors
from purchase_pred.calendar_points import calendar_anchors
from purchase_pred.labels import label_purchases
from purchase_pred.oracle import true_probability
from purchase_pred.oracle.rollouts import measure_visits
from purchase_pred.oracle.world import build_world
from purchase_pred.schema import TIME_DTYPE
from purchase_pred.sessions import session_table, sessionize
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.simulation import simulate_catalog, simulate_users, simulate_world

HORIZON = "7d"
EVERYBODY = ("browser", "researcher", "buyer")
RESTLESS = {"idle_visits_per_week": 0.3, "needs_per_month": 5.0}
BUSY = {
    "personas": dict.fromkeys(EVERYBODY, RESTLESS),
    "needs": {"gifts_per_month": 0.6},
    "users": {"bots": 0.0},
}
"""Hardly any idle visit, and users with several needs at a time and new ones soon."""


class World:
    """A simulated world: its log and the truth behind it."""

    def __init__(self, seed, num_users=1_500, **settings):
        self.dataset = DatasetSettings(num_users=num_users, num_items=300, num_days=45, random_seed=seed, **settings)
        users, catalog = simulate_users(self.dataset), simulate_catalog(self.dataset)
        chunks = list(simulate_world(self.dataset, users, catalog))
        self.events = pl.concat(chunk.events for chunk in chunks)
        self.truth = pl.concat(chunk.truth for chunk in chunks)
        self.end = datetime.combine(self.dataset.start_date, datetime.min.time(), UTC) + timedelta(days=45)

    def labelled(self, kind, *, level, sessions, gap="30m"):
        """Return the prediction points whose labels are complete, with their labels."""
        sessionized = sessionize(self.events.lazy(), gap=gap).collect().lazy()
        anchors = {
            "session_close": lambda: session_close_anchors(sessionized, gap=gap),
            "in_session": lambda: in_session_anchors(sessionized, every=6),
            "calendar": lambda: calendar_anchors(sessionized, every="6d", level=level),
        }[kind]()
        question = {"horizon": HORIZON, "level": level, "sessions": sessions, "end": self.end}
        return label_purchases(anchors, sessionized, **question).drop_nulls("label").collect()

    def asked(self, rows, **question):
        return true_probability(rows, self.truth, dataset=self.dataset, horizon=HORIZON, events=self.events, **question)


@pytest.fixture(scope="module")
def worlds():
    return [World(11), World(12)]


@pytest.fixture(scope="module")
def busy():
    return World(13, num_users=500, **BUSY)


def misses(rows, by="p"):
    """Return by fifths of a column the mean miss, its standard error over users, and the mean error of p."""
    fifths = rows.sort(by).with_columns(fifth=pl.int_range(pl.len()) * 5 // pl.len())
    users = fifths.group_by("fifth", "user_id").agg(
        (pl.col("label") - pl.col("p")).sum().alias("miss"), pl.len().alias("rows"), pl.col("se", "p").sum()
    )
    total = pl.col("rows").sum()
    return (
        users.group_by("fifth")
        .agg(
            miss=pl.col("miss").sum() / total,
            error=((pl.col("miss") ** 2).sum().sqrt() + 1.0) / total,
            drawn=pl.col("se").sum() / total,
            p=pl.col("p").sum() / total,
        )
        .sort("fifth")
    )


def assert_calibrated(rows):
    """Demand that the mean of p is the share of labels: over all rows, and by fifths of p."""
    miss = (pl.col("label") - pl.col("p")).sum()
    users = rows.group_by("user_id").agg(miss.alias("miss"))["miss"]
    assert abs(users.sum()) < 4 * np.sqrt((users**2).sum()), rows["label"].mean() / rows["p"].mean()
    # Rows are put into fifths by a drawn p: those drawn too high stand higher.
    table = misses(rows)
    assert (table["miss"].abs() < 4 * table["error"] + table["drawn"]).all(), table


CASES = {
    "the item, in the next session, at the close of one": ("session_close", "user_item", 1),
    "the item, in three sessions, at the close of one": ("session_close", "user_item", 3),
    "the item, in the rest of a session and one more": ("in_session", "user_item", 1),
    "anything, in two sessions, on a calendar": ("calendar", "user", 2),
}


@pytest.mark.parametrize("case", CASES)
def test_probability_equals_the_share_of_labels_in_worlds_of_two_seeds(worlds, case):
    kind, level, sessions = CASES[case]
    answers = []
    for world in worlds:
        rows = world.labelled(kind, level=level, sessions=sessions)
        answers.append(world.asked(rows, level=level, sessions=sessions, rollouts=40))
        assert_calibrated(answers[-1])
    both = pl.concat(answer.with_columns(pl.col("user_id") + 10_000 * number) for number, answer in enumerate(answers))
    assert_calibrated(both)
    assert both["label"].sum() > 100


def test_visits_that_merge_into_one_session_take_one_from_the_budget(busy):
    rows = busy.labelled("calendar", level="user", sessions=1, gap="12h")
    question = {"level": "user", "sessions": 1, "rollouts": 60}
    asked = busy.asked(rows, gap="12h", **question)
    assert_calibrated(asked)
    apart = busy.asked(rows, gap="16m", **question)
    assert apart["p"].mean() < 0.8 * rows["label"].mean() < 0.9 * asked["p"].mean()


@pytest.mark.parametrize(("idle", "needs"), [(1.0, 0.0), (0.0, 0.5)])
def test_visits_last_as_long_as_in_the_log(idle, needs):
    persona = {"idle_visits_per_week": idle, "needs_per_month": needs, "days_between_visits": 3.0}
    world = World(14, personas=dict.fromkeys(EVERYBODY, persona), users={"bots": 0.0}, needs={"gifts_per_month": 0.0})
    measured = measure_visits(build_world(world.dataset), np.random.default_rng(5))
    # Visits are so rare that hardly any two are one session.
    sessions = session_table(sessionize(world.events.lazy(), gap="16m")).collect()
    lengths = (sessions["end"] - sessions["start"]).dt.total_microseconds().to_numpy()
    drawn = measured.idle if idle else measured.needed
    assert np.mean(drawn) == pytest.approx(np.mean(lengths), rel=0.05)
    assert np.std(drawn) == pytest.approx(np.std(lengths), rel=0.1)
    assert not len(measured.needed if idle else measured.idle)


def test_other_needs_and_future_needs_use_up_the_sessions(busy):
    rows = busy.labelled("session_close", level="user_item", sessions=1).filter(pl.col("user_id") % 2 == 0)
    asked = busy.asked(rows, sessions=1, rollouts=40)
    assert_calibrated(asked)
    truth = busy.truth.with_columns(user_id=pl.lit(10**9, pl.Int64))
    of_future_needs = true_probability(
        rows, truth, dataset=busy.dataset, horizon=HORIZON, events=busy.events, sessions=1, rollouts=8
    )
    assert 0 < of_future_needs["p"].mean() < 0.2 * asked["p"].mean()


def test_users_without_any_need_still_come_to_buy(busy):
    rows = busy.labelled("calendar", level="user", sessions=2)
    open_at = busy.truth.select("user_id", "opened_at", "ended_at")
    with_need = (
        rows.join(open_at, on="user_id")
        .filter(
            pl.col("opened_at") < pl.col("prediction_time"),
            pl.col("ended_at").is_null() | (pl.col("ended_at") >= pl.col("prediction_time")),
        )
        .select("user_id", "prediction_time")
    )
    without = rows.join(with_need, on=["user_id", "prediction_time"], how="anti")
    asked = busy.asked(without, level="user", sessions=2, rollouts=60)
    assert_calibrated(asked)
    assert asked["p"].min() > 0
    assert asked["label"].sum() > 30


@pytest.mark.parametrize(("kind", "level"), [("session_close", "user_item"), ("calendar", "user")])
def test_with_unlimited_sessions_rollouts_equal_the_closed_form(worlds, kind, level):
    rows = worlds[0].labelled(kind, level=level, sessions=None).drop("label")
    rows = rows.filter(pl.col("user_id") % 2 == 0)
    exact = worlds[0].asked(rows, level=level)
    drawn = worlds[0].asked(rows, level=level, sessions=10**6, rollouts=60)
    known = exact["p"] > 1e-6
    off = ((drawn["p"] - exact["p"]) / drawn["se"]).filter(known & (drawn["se"] > 1e-9)).to_numpy()
    assert drawn["p"].mean() == pytest.approx(exact["p"].mean(), rel=0.02)
    assert 0.5 < np.sqrt(np.mean(np.clip(off, -6, 6) ** 2)) < 1.15


def test_more_sessions_can_only_help(busy):
    rows = busy.labelled("calendar", level="user", sessions=1)
    p = [busy.asked(rows, level="user", sessions=sessions, rollouts=8)["p"].mean() for sessions in (1, 3, None)]
    assert p == sorted(p)
    assert p[0] < 0.7 * p[-1]


def test_probability_is_blind_to_what_happens_after(worlds):
    world, at = worlds[0], datetime(2024, 8, 20, tzinfo=UTC)
    rows = world.labelled("calendar", level="user", sessions=2).select("user_id")
    rows = rows.unique().sort("user_id").with_columns(prediction_time=pl.lit(at, TIME_DTYPE))
    other_truth = world.truth.with_columns(
        *(pl.when(pl.col(name) < at).then(pl.col(name)).alias(name) for name in ("ended_at", "carted_at")),
        *(
            pl.when(pl.col("opened_at") < at).then(pl.col(name)).otherwise(pl.lit(value)).alias(name)
            for name, value in (("intent", 9.0), ("pace", 9.0))
        ),
    )
    assert not other_truth.equals(world.truth)
    question = {"dataset": world.dataset, "horizon": HORIZON, "level": "user", "sessions": 2, "rollouts": 8}
    seeing = true_probability(rows, world.truth, events=world.events, **question)
    past = world.events.filter(pl.col("timestamp") < at).sample(fraction=1.0, shuffle=True, seed=1)
    assert true_probability(rows, other_truth, events=past, **question).equals(seeing)


def test_the_order_of_rows_and_rows_beside_them_do_not_matter(worlds):
    rows = worlds[0].labelled("session_close", level="user_item", sessions=1).head(2_000)
    asked = worlds[0].asked(rows.with_row_index("place"), sessions=1, rollouts=8)
    shuffled = rows.with_row_index("place").sample(fraction=1.0, shuffle=True, seed=1)
    again = worlds[0].asked(pl.concat([shuffled, shuffled]), sessions=1, rollouts=8)
    assert again.head(2_000).sort("place").equals(asked)
    assert again.tail(2_000).sort("place").equals(asked)


def test_the_session_at_hand_is_always_within_the_sessions(worlds):
    rows = worlds[0].labelled("in_session", level="session", sessions=1).head(500)
    assert worlds[0].asked(rows, level="session", sessions=1).equals(worlds[0].asked(rows, level="session"))
