"""Candidate features keep to the time contract, and the rule that was set beforehand decides what is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib import import_module

import polars as pl
import pytest

from purchase_pred.schema import EVENT_TYPES, TIME_DTYPE

START = datetime(2024, 8, 1, tzinfo=UTC)
KEYS = {"user_id": pl.Int64, "session_index": pl.UInt32, "item_id": pl.Int64}


@pytest.fixture
def candidates():
    return import_module("benchmarks.quality.candidates")


def events_of(*events: tuple[float, int, int, int, str]) -> pl.LazyFrame:
    """Events given as (hours since the start, user, session, item, type)."""
    hours, users, sessions, items, kinds = zip(*events, strict=True)
    return pl.LazyFrame(
        {
            "event_id": range(len(events)),
            "user_id": users,
            "session_index": sessions,
            "item_id": items,
            "timestamp": [START + timedelta(hours=hour) for hour in hours],
            "event_type": kinds,
            "price": 1.0,
        },
        schema_overrides={
            **KEYS, "event_id": pl.UInt64, "timestamp": TIME_DTYPE, "event_type": pl.Enum(EVENT_TYPES)
        },
    )  # fmt: skip


def rows_of(*rows: tuple[float, int, int, int], **columns: list[float]) -> pl.DataFrame:
    """Rows given as (hours from the start to T, user, session, item)."""
    hours, users, sessions, items = zip(*rows, strict=True)
    moments = [START + timedelta(hours=hour) for hour in hours]
    keys = {"user_id": users, "session_index": sessions, "item_id": items, "prediction_time": moments}
    return pl.DataFrame({**keys, **columns}, schema_overrides={**KEYS, "prediction_time": TIME_DTYPE})


def test_items_seen_together_count_from_the_midnight_after(candidates) -> None:
    events = events_of(
        (1, 1, 1, 10, "view"), (2, 1, 1, 20, "view"), (3, 2, 1, 10, "view"), (30, 3, 1, 10, "view"),
        (31, 3, 1, 20, "view"),
    )  # fmt: skip
    rows = rows_of((30.9, 3, 1, 10), (32, 3, 1, 10), (49, 3, 1, 10), (49, 3, 1, 30))
    found = candidates.covisitation(rows, events)
    together = [None, 1 / 2**0.5, 2 / 6**0.5]
    assert found["session_covisitation_max"].to_list() == pytest.approx([*together, None])
    assert found["session_covisitation_count"].to_list() == [None, 1, 2, 0]


def test_rates_of_an_item_are_drawn_to_those_of_the_shop(candidates) -> None:
    kinds = [*["view"] * 4, "add_to_cart", "add_to_cart", "purchase"]
    events = events_of(*((1, 1, 1, 10, kind) for kind in kinds), *((2, 1, 1, 20, "view") for _ in range(4)))
    found = candidates.conditional_rates(rows_of((3, 1, 1, 10), (25, 1, 1, 10), (25, 1, 1, 20)), events)
    assert found.row(0) == (None, None)
    assert found.row(1) == pytest.approx(((2 + 100 * 2 / 8) / 104, (1 + 20 * 1 / 2) / 22))
    assert found.row(2) == pytest.approx(((0 + 100 * 2 / 8) / 104, 0.5))


def test_cheapest_and_most_reduced_items_of_a_moment_rank_first(candidates) -> None:
    rows = rows_of(
        (3, 1, 1, 10),
        (3, 1, 1, 20),
        (4, 1, 1, 10),
        item_current_price=[6.0, 2.0, 6.0],
        item_discount_pct=[0.0, 9.0, 0.0],
    )
    found = candidates.price_ranks(rows, events_of((1, 1, 1, 10, "view")))
    assert found["session_item_price_rank"].to_list() == [2, 1, 1]
    assert found["session_item_discount_rank"].to_list() == [2, 1, 1]
    assert found["session_item_price_to_mean"].to_list() == [1.5, 0.5, 1.0]
    assert found["session_item_discount_lead"].to_list() == [-9, 0, 0]


def test_shares_and_days_see_what_was_before_the_prediction_time(candidates) -> None:
    events = events_of((1, 1, 1, 10, "view"), (24 * 40, 1, 2, 10, "purchase"), (24 * 40 + 1, 1, 2, 10, "view"))
    found = candidates.activity_mix(rows_of((24 * 40 + 1, 1, 2, 10), (0, 1, 1, 10)), events)
    shown = found.select("purchase_share_30d", "purchase_share_90d", "days_active_30d", "days_active_90d")
    assert shown.rows() == [(1.0, 0.5, 1, 2), (None, None, 0, 0)]


def test_usual_hour_lies_on_a_circle(candidates) -> None:
    events = events_of((23, 1, 1, 10, "view"), (25, 1, 1, 10, "view"), (48, 1, 1, 10, "view"))
    found = candidates.hour_profile(rows_of((72, 1, 1, 10), (78, 1, 1, 10), (10, 1, 1, 10)), events)
    assert found["hour_share"].to_list() == [pytest.approx(1 / 3), 0.0, None]
    assert found["hours_from_usual_hour"].to_list() == [pytest.approx(0, abs=1e-6), pytest.approx(6), None]


@pytest.mark.parametrize(
    ("precision", "noise", "better", "kept"),
    [(0.003, 0.001, 3, True), (0.003, 0.004, 3, False), (0.002, -0.01, 5, False), (-0.01, 0.0, 6, True)],
)
def test_a_group_is_kept_by_what_it_gains_on_validation(precision, noise, better, *, kept: bool) -> None:
    def gained(mean: float, better: int) -> dict:
        return {"val": {"average_precision": {"mean": mean}, "log_loss_better": better, "cells": 6}}

    assert import_module("benchmarks.quality.gains").is_kept(gained(precision, better), gained(noise, 0)) is kept


def test_page_is_what_the_results_say() -> None:
    gains, page = (import_module(f"benchmarks.quality.{name}") for name in ("gains", "gains_page"))
    assert page.PAGE.read_text() == page.page(json.loads(gains.RESULTS.read_text()))
