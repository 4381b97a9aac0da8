"""The latent columns say what was true at T, and nothing that happens after it."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

import polars as pl
import pytest

from purchase_pred.simulation import TRUTH

NEED = {
    "need_id": 0, "user_id": 1, "kind": "journey", "ready_at": None, "ended_at": None, "carted_at": None,
    "visit_at": [], "decided_at": [], "items": [5, 6], "shares": [0.8, 0.2], "intent": -1.0, "sensitivity": 2.0,
    "cart_intent": -3.0, "pace": 0.5, "abandonment": 0.1, "max_visits": 6,
}  # fmt: skip


def day(number: int) -> datetime:
    return datetime(2024, 8, number, tzinfo=UTC)


@pytest.fixture
def state_at():
    with_latent_columns = import_module("benchmarks.quality.latent").with_latent_columns
    users = pl.DataFrame({"user_id": [1, 2], "persona": ["browser", "buyer"]})

    def at(moment: datetime, *needs: dict, user: int = 1, item: int = 5) -> dict:
        truth = pl.DataFrame([NEED | {"ready_at": need["opened_at"]} | need for need in needs], schema=TRUTH)
        rows = pl.DataFrame(
            {"user_id": [user], "item_id": [item], "prediction_time": [moment]},
            schema_overrides={"prediction_time": pl.Datetime("us", "UTC")},
        )
        (row,) = with_latent_columns(rows, truth, users).to_dicts()
        return row

    return at


def test_a_need_is_known_from_after_its_opening_until_its_end(state_at) -> None:
    need = {"opened_at": day(2), "ended_at": day(5)}
    alive = {number: state_at(day(number), need)["latent_alive"] for number in (1, 2, 3, 5, 6)}
    assert alive == {1: False, 2: False, 3: True, 5: True, 6: False}
    assert state_at(day(6), need)["latent_intent"] is None


def test_only_items_considered_and_their_own_users_are_described(state_at) -> None:
    need = {"opened_at": day(2)}
    assert state_at(day(3), need)["shares"] == 0.8
    rival = state_at(day(3), need, item=6)
    assert (rival["shares"], rival["latent_favourite"]) == (0.2, False)
    assert not state_at(day(3), need, item=7)["latent_alive"]
    other = state_at(day(3), need, user=2)
    assert (other["latent_alive"], other["latent_persona"]) == (False, "buyer")


def test_visits_and_the_cart_to_come_are_not_known(state_at) -> None:
    need = {"opened_at": day(2), "visit_at": [day(2), day(4), day(8)], "carted_at": day(8)}
    early, late = state_at(day(5), need), state_at(day(9), need)
    assert (early["latent_visits"], early["latent_visits_left"], early["latent_in_cart"]) == (2, 4, False)
    assert early["latent_seconds_since_visit"] == 86_400
    assert (late["latent_visits"], late["latent_in_cart"]) == (3, True)


def test_of_two_needs_the_one_with_the_larger_share_is_used(state_at) -> None:
    small = {"opened_at": day(2), "items": [6, 5], "intent": 0.0, "shares": [0.9, 0.1]}
    assert state_at(day(3), small, {"opened_at": day(2)})["latent_intent"] == -1.0


def test_rows_keep_their_order_and_columns() -> None:
    with_latent_columns = import_module("benchmarks.quality.latent").with_latent_columns
    rows = pl.DataFrame(
        {"user_id": [2, 1, 1], "item_id": [5, 6, 5], "prediction_time": [day(3)] * 3, "views": [1, 2, 3]},
        schema_overrides={"prediction_time": pl.Datetime("us", "UTC")},
    )
    truth = pl.DataFrame([NEED | {"opened_at": day(2), "ready_at": day(2)}], schema=TRUTH)
    users = pl.DataFrame({"user_id": [1, 2], "persona": ["browser", "buyer"]})
    assert with_latent_columns(rows, truth, users).select(rows.columns).equals(rows)
