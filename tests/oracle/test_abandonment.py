"""P(alive) of a need that may have been given up without a sign, worked out by hand."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from quiet_shop import open_need, quiet_shop

from purchase_pred.errors import UnsupportedTargetError
from purchase_pred.oracle import true_probability
from purchase_pred.schema import TIME_DTYPE
from purchase_pred.simulation import TRUTH

AT = datetime(2024, 8, 12, tzinfo=UTC)
PACE = 0.25
GIVEN_UP = 0.3
REMOVE = 0.2
ROWS = {"user_id": pl.Int64, "item_id": pl.Int64, "prediction_time": TIME_DTYPE}
QUIET = quiet_shop(visits={"remove": REMOVE})


def chance(*, abandonment, silent_for=timedelta(days=2), **changes):
    """Return the chance of a purchase for a need whose latest visit began so long before `AT`."""
    visit = AT - silent_for
    usual = {
        "opened_at": visit,
        "visit_at": [visit],
        "decided_at": [visit + timedelta(minutes=1)],
        "intent": -1.0,
        "pace": PACE,
        "abandonment": GIVEN_UP,
        "max_visits": 6,
    }
    truth = pl.DataFrame([open_need(**usual | changes)], schema=TRUTH)
    rows = pl.DataFrame({"user_id": [1], "item_id": [1], "prediction_time": [AT]}, schema_overrides=ROWS)
    return true_probability(rows, truth, dataset=QUIET, horizon="7d", abandonment=abandonment)["p"][0]


def alive(days, *, given_up=GIVEN_UP):
    """Return the chance of an exponential wait of so many days, beside that of a need given up at the visit."""
    waits = (1 - GIVEN_UP) * np.exp(-PACE * days)
    return waits / (waits + given_up)


@pytest.mark.parametrize("days", [0.5, 2, 9])
def test_p_alive_falls_with_the_time_since_the_latest_visit(days):
    silent_for = timedelta(days=days)
    known = chance(abandonment="known", silent_for=silent_for)
    assert chance(abandonment="inferred", silent_for=silent_for) == pytest.approx(known * alive(days))


def test_a_faded_need_and_one_that_is_alive_look_the_same():
    ended = AT - timedelta(days=2) + timedelta(minutes=1)
    assert chance(abandonment="known", ended_at=ended, faded=True) == 0
    assert chance(abandonment="inferred", ended_at=ended, faded=True) == chance(abandonment="inferred") > 0


def test_an_end_that_shows_is_known():
    ended = AT - timedelta(days=2) + timedelta(minutes=1)
    assert chance(abandonment="inferred", ended_at=ended) == 0


def test_a_cart_that_was_not_emptied_raises_p_alive():
    carted = {"carted_at": AT - timedelta(days=2)}
    known = chance(abandonment="known", **carted)
    assert chance(abandonment="inferred", **carted) == pytest.approx(known * alive(2, given_up=GIVEN_UP * (1 - REMOVE)))


def test_a_need_without_a_visit_cannot_have_been_given_up():
    not_yet_visited = {"visit_at": [], "decided_at": [], "kind": "repeat"}
    assert chance(abandonment="inferred", **not_yet_visited) == chance(abandonment="known", **not_yet_visited) > 0


def test_p_alive_is_not_applied_to_a_visit_that_has_begun():
    soon = timedelta(seconds=30)
    assert chance(abandonment="inferred", silent_for=soon) == chance(abandonment="known", silent_for=soon) > 0


def test_a_number_of_sessions_is_refused_with_inferred_abandonment():
    rows = pl.DataFrame({"user_id": [1], "item_id": [1], "prediction_time": [AT]}, schema_overrides=ROWS)
    with pytest.raises(UnsupportedTargetError, match="not available for a number of sessions"):
        true_probability(
            rows, pl.DataFrame(schema=TRUTH), dataset=QUIET, horizon="7d", abandonment="inferred", sessions=1
        )
