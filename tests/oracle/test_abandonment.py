"""What silence tells of a need that may have been given up, worked out by hand."""

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


def chance(*, foresight, silent_for=timedelta(days=2), **changes):
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
    return true_probability(rows, truth, dataset=QUIET, horizon="7d", foresight=foresight)["p"][0]


def alive(days, *, given_up=GIVEN_UP):
    """Return the chance of an exponential wait of so many days, beside that of a need given up at the visit."""
    waits = (1 - GIVEN_UP) * np.exp(-PACE * days)
    return waits / (waits + given_up)


@pytest.mark.parametrize("days", [0.5, 2, 9])
def test_the_longer_the_silence_the_likelier_the_need_has_faded(days):
    silent_for = timedelta(days=days)
    known = chance(foresight=True, silent_for=silent_for)
    assert chance(foresight=False, silent_for=silent_for) == pytest.approx(known * alive(days))


def test_a_faded_need_and_one_that_is_alive_look_the_same():
    ended = AT - timedelta(days=2) + timedelta(minutes=1)
    assert chance(foresight=True, ended_at=ended, faded=True) == 0
    assert chance(foresight=False, ended_at=ended, faded=True) == chance(foresight=False) > 0


def test_an_end_that_shows_is_known():
    ended = AT - timedelta(days=2) + timedelta(minutes=1)
    assert chance(foresight=False, ended_at=ended) == 0


def test_a_cart_that_was_not_emptied_speaks_for_the_need():
    carted = {"carted_at": AT - timedelta(days=2)}
    known = chance(foresight=True, **carted)
    assert chance(foresight=False, **carted) == pytest.approx(known * alive(2, given_up=GIVEN_UP * (1 - REMOVE)))


def test_a_need_without_a_visit_cannot_have_been_given_up():
    unvisited = {"visit_at": [], "decided_at": [], "kind": "repeat"}
    assert chance(foresight=False, **unvisited) == chance(foresight=True, **unvisited) > 0


def test_a_visit_under_way_is_not_weighed_twice():
    soon = timedelta(seconds=30)
    assert chance(foresight=False, silent_for=soon) == chance(foresight=True, silent_for=soon) > 0


def test_a_number_of_sessions_is_refused_without_foresight():
    rows = pl.DataFrame({"user_id": [1], "item_id": [1], "prediction_time": [AT]}, schema_overrides=ROWS)
    with pytest.raises(UnsupportedTargetError, match="without foresight is not known for a number of sessions"):
        true_probability(rows, pl.DataFrame(schema=TRUTH), dataset=QUIET, horizon="7d", foresight=False, sessions=1)
