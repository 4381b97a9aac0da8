"""P(label | latent state) for labels that count sessions, where it can be worked out by hand."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from quiet_shop import STILL, open_need, quiet_shop

from purchase_pred.errors import UnsupportedTargetError
from purchase_pred.oracle import true_probability
from purchase_pred.oracle.session_counts import session_numbers
from purchase_pred.schema import TIME_DTYPE
from purchase_pred.sessions import sessionize
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.simulation import TRUTH, simulate_catalog
from purchase_pred.simulation.rhythm import build_rhythm
from purchase_pred.simulation.shop import open_shop

ROWS = {"user_id": pl.Int64, "item_id": pl.Int64, "prediction_time": TIME_DTYPE}
LOG = pl.DataFrame(
    schema={"event_id": pl.UInt64, "timestamp": TIME_DTYPE, "event_type": pl.String}
    | dict.fromkeys(("user_id", "item_id"), pl.Int64)
)
AT = datetime(2024, 8, 5, tzinfo=UTC)
BUY = 0.8
PACE = 0.25
IDLE = 0.35


def quiet(**settings):
    """Return a world in which nothing happens but idle visits, `IDLE` a day at all hours."""
    return quiet_shop(idle_visits_per_day=IDLE, **settings)


QUIET = quiet()
STEADY = quiet(needs={"rise_per_visit": 0.0, **STILL})
"""Where the second visit for a need is like the first."""


def need(*, item=1, **changes):
    """Return a need that is open at `AT`, without a visit so far, and bought for in a visit with the chance `BUY`."""
    usual = {
        "kind": "repeat",
        "opened_at": AT - timedelta(days=2),
        "ready_at": AT - timedelta(days=1),
        "items": [item],
        "intent": np.log(BUY / (1 - BUY)),
        "pace": PACE,
    }
    return open_need(**usual | changes)


def chance(*needs, dataset=QUIET, sessions=1, horizon="40d", item=1, at=AT, latest=AT - timedelta(days=1)):
    """Return the chance of buying an item, and its standard error; the latest click tells nothing but its time."""
    truth = pl.DataFrame(list(needs), schema=TRUTH)
    rows = pl.DataFrame(
        {"user_id": [1], "item_id": [item], "prediction_time": [at]}, schema_overrides={"prediction_time": TIME_DTYPE}
    )
    seen = {"event_id": [0], "user_id": [1], "timestamp": [latest], "event_type": ["view"]}
    events = pl.DataFrame(seen | {"item_id": [10**6]}, schema_overrides={"timestamp": TIME_DTYPE})
    answer = true_probability(
        rows,
        truth,
        dataset=dataset,
        horizon=horizon,
        events=events,
        sessions=sessions,
        rollouts=8_000,
        gap="16m",
    )
    return answer["p"][0], answer["se"][0]


def assert_near(found, expected):
    """Allow for the draws, and for the one visit in a hundred that is so soon after another as to be of its session."""
    p, error = found
    assert 0 < error < 0.01
    assert p == pytest.approx(expected, abs=4 * error + 0.01 * expected)


@pytest.mark.parametrize("sessions", [1, 2, 3])
def test_idle_visits_use_up_the_sessions_of_a_need(sessions):
    idle_first = IDLE / (IDLE + PACE)
    assert_near(chance(need(), sessions=sessions), BUY * (1 - idle_first**sessions))


def test_the_horizon_ends_before_the_sessions_do():
    rate = IDLE + PACE
    in_time = 1 - np.exp(-2 * rate)
    assert_near(chance(need(), horizon="2d"), BUY * PACE / rate * in_time)


def test_of_two_needs_for_one_item_one_session_serves_one():
    rate = IDLE + 2 * PACE
    assert_near(chance(need(), need()), BUY * 2 * PACE / rate)
    need_first = 2 * PACE / rate
    both = need_first * (1 - BUY) * BUY * PACE / (rate - PACE)
    assert_near(chance(need(), need(), sessions=2), BUY * need_first * (2 - need_first) + both)


def test_a_need_for_another_item_takes_sessions():
    assert_near(chance(need(), need(item=2, pace=1.0)), BUY * PACE / (IDLE + PACE + 1.0))


def test_visits_for_one_need_are_sessions_too():
    first = PACE / (IDLE + PACE)
    third = first**3 * BUY * (1 - BUY) ** 2
    # Two visits and an idle one, or three visits for the need, in any order that ends with a purchase.
    second = first**2 * (1 + 2 * (1 - first)) * (1 - BUY) * BUY
    expected = BUY * (1 - (1 - first) ** 3) + second + third
    assert_near(chance(need(max_visits=3), dataset=STEADY, sessions=3, horizon="55d"), expected)


def test_a_need_goes_on_only_if_it_outlives_the_visit_under_way():
    minute = timedelta(minutes=1)
    visited = need(max_visits=2, abandonment=0.5, visit_at=[AT - minute], decided_at=[AT + minute])
    later = (1 - BUY) * 0.5 * BUY * PACE / (IDLE + PACE)
    assert_near(chance(visited, dataset=STEADY, latest=AT - minute), BUY + later)


def test_what_begins_while_a_visit_lasts_is_of_its_session():
    visits = {"idle_looks": 60.0, "view_seconds": 1e4, "dwell_spread": 0.0, "idle_scroll": 0.0}
    clicks = timedelta(seconds=900 + 1 + 2)
    stay = (60 * clicks + timedelta(minutes=16)) / timedelta(days=1)
    # The Laplace transform of the time for which a server of visits of that length is busy (Takacs), at `PACE`.
    rate = IDLE + PACE
    free = (1 - np.exp(-rate * stay)) / rate + np.exp(-rate * stay) / PACE
    busy = 1 + PACE / IDLE - 1 / (IDLE * free)
    expected = BUY * (1 - IDLE / rate * busy)
    assert expected > 1.15 * BUY * PACE / rate
    assert_near(chance(need(), dataset=quiet(visits=visits)), expected)


@pytest.mark.parametrize("promoted", [True, False])
def test_promotions_are_known_this_week_and_likely_the_next(promoted):
    rhythm = build_rhythm(QUIET)
    shop = open_shop(simulate_catalog(QUIET), dataset=QUIET, rhythm=rhythm)
    sunday = AT + timedelta(days=6)
    week = rhythm.week_at(np.array([(sunday - rhythm.origin) // timedelta(microseconds=1)]))[0]
    position = np.flatnonzero((shop.promoted[week] == promoted) & (shop.promoted[week + 1] == promoted))[0]
    item = int(shop.item_id[position])
    # Bought for sure while it is on promotion, and never else.
    sensitive = need(item=item, intent=-15.0, sensitivity=-30.0 / np.log1p(-shop.depth[position]))
    rate = IDLE + PACE
    this_week, next_week = 1 - np.exp(-rate), np.exp(-rate) - np.exp(-8 * rate)
    expected = PACE / rate * (promoted * this_week + shop.promotion_share[position] * next_week)
    assert_near(chance(sensitive, item=item, at=sunday, horizon="8d"), expected)


def test_sessions_are_numbered_as_the_log_is_sessionized():
    random = np.random.default_rng(3)
    size, rollouts, gap = 400, 20, 1_000
    rollout = random.integers(rollouts, size=size)
    start = random.integers(1, 40_000, size=size)
    end = start + random.integers(0, 900, size=size)
    latest = -random.integers(0, 2_000, size=rollouts)
    clicks = pl.DataFrame(
        {
            "user_id": np.concatenate((rollout, rollout, np.arange(rollouts))),
            "timestamp": np.concatenate((start, end, latest)),
            "visit": np.concatenate((np.arange(size), np.arange(size), np.full(rollouts, -1))),
        }
    ).with_row_index("event_id")
    log = clicks.with_columns(pl.col("timestamp").cast(TIME_DTYPE)).lazy()
    numbered = sessionize(log, gap=timedelta(microseconds=gap)).collect()
    first = numbered.filter(pl.col("visit") >= 0).group_by("visit").agg(pl.col("session_index").min()).sort("visit")
    found = session_numbers(rollout, start, end, latest, gap=gap)
    assert found.tolist() == (first["session_index"].cast(pl.Int64) - 1).to_list()


def test_crawlers_unknown_users_and_unknown_items_have_no_chance_and_nulls_none():
    dataset = DatasetSettings(num_users=50, num_items=20, num_days=10, users={"bots": 1.0})
    rows = pl.DataFrame(
        {"user_id": [1, 10**9, 2, None], "item_id": [1, 1, 10**9, 1], "prediction_time": [AT] * 4},
        schema_overrides={"prediction_time": TIME_DTYPE},
    )
    question = {"horizon": "7d", "events": LOG, "sessions": 1, "rollouts": 8}
    nobody = pl.DataFrame(schema=TRUTH)
    assert true_probability(rows, nobody, dataset=dataset, **question)["p"].to_list() == [0.0, 0.0, 0.0, None]
    people = dataset.model_copy(update={"users": dataset.users.model_copy(update={"bots": 0.0})})
    p = true_probability(rows, nobody, dataset=people, **question)["p"].to_list()
    assert p[0] > 0
    assert p[1:] == [0.0, 0.0, None]
    assert true_probability(rows.clear(), nobody, dataset=people, **question).height == 0


def test_what_remains_unknown_is_refused():
    none, truth = pl.DataFrame(schema=ROWS), pl.DataFrame(schema=TRUTH)
    question = {"dataset": QUIET, "horizon": "7d"}
    with pytest.raises(UnsupportedTargetError, match="of 16 minutes or more, found 15: use a longer one"):
        true_probability(none, truth, events=LOG, sessions=1, gap="15m", **question)
    with pytest.raises(UnsupportedTargetError, match="from the latest event before T: pass events"):
        true_probability(none, truth, sessions=1, **question)
    with pytest.raises(ValueError, match="1 or more and rollouts 2 or more, found 0 and 400"):
        true_probability(none, truth, events=LOG, sessions=0, **question)
