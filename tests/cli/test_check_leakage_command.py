"""`check-leakage` on a workspace's own data: nothing moves, and what may not be asked is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from installed_command import SMALL, purchase_pred

if TYPE_CHECKING:
    from pathlib import Path

FEW = ("--users", "20", "--anchors", "200")
PEEKING = "features.custom=[{name: dearer, count: true, where: 'price > avg(price)', windows: [7d]}]"
FUNCTIONS = """
import polars as pl

def events_ever(anchors, events):
    ever = events.group_by("user_id").agg(events_ever=pl.len())
    return anchors.join(ever, on="user_id", how="left", maintain_order="left")

def shop_events(anchors, events):
    before = events.select(pl.col("timestamp").dt.date().alias("day")).group_by("day").agg(n=pl.len()).sort("day")
    sums = before.select(pl.col("day").cast(pl.Datetime("us", "UTC")).dt.offset_by("1d"), shop=pl.col("n").cum_sum())
    asked = anchors.with_row_index().sort("prediction_time")
    known = asked.join_asof(sums.sort("day"), left_on="prediction_time", right_on="day")
    return known.sort("index").drop("index", "day")

nothing = 3
"""


def test_shipped_and_own_features_are_clean(shop: Path) -> None:
    own = "features.custom=[{name: night_views, count: true, where: \"event_type = 'view' and hour < 6\"}]"
    outcome = purchase_pred("check-leakage", "-w", shop, *SMALL, *FEW, "--set", own, "--quiet")

    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    assert "no leak: " in outcome.out
    assert "events injected" in outcome.out


def test_a_condition_that_looks_at_the_whole_log_is_refused(shop: Path) -> None:
    outcome = purchase_pred("check-leakage", "-w", shop, *SMALL, *FEW, "--set", PEEKING)

    assert outcome.code == 2
    assert (
        "where of 'dearer': no function is called 'avg'; a condition must look at each event by itself" in outcome.err
    )


def test_a_function_that_looks_at_the_whole_log_ends_with_3_and_is_named(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FUNCTIONS)
    asked = ("check-leakage", "-w", shop, *SMALL, *FEW, "--function", "mine:events_ever", "--json")
    outcome = purchase_pred(*asked, cwd=tmp_path)

    assert outcome.code == 3
    assert outcome.err == "error: 1 of 1 features know what they may not: events_ever\n"
    document = json.loads(outcome.out)
    assert document["clean"] is False
    (leak,) = document["leaks"]
    assert leak["column"] == "events_ever"
    assert leak["rows"] > 0
    assert leak["example"]["event"]["timestamp"] >= leak["example"]["prediction_time"]
    assert {trial["tampering"] for trial in document["trials"]} >= {"events deleted", "other users dropped"}


def test_a_column_that_looks_at_other_users_past_must_say_so(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FUNCTIONS)
    asked = ("check-leakage", "-w", shop, *SMALL, *FEW, "--function", "mine:shop_events")
    refused, granted = (
        purchase_pred(*asked, *said, "--quiet", cwd=tmp_path) for said in ((), ("--cross-user", "shop"))
    )
    assert (refused.code, granted.code) == (3, 0), granted.out
    assert "other users dropped" in refused.out


def test_a_function_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FUNCTIONS)
    for name, reason in (
        ("mine:missing", "has no attribute 'missing'"),
        ("yours:events_ever", "No module named 'yours'"),
        ("mine.events_ever", "it has no colon"),
        ("mine:nothing", "it is no function"),
    ):
        outcome = purchase_pred("check-leakage", "-w", tmp_path, "--function", name, cwd=tmp_path)
        assert outcome.code == 2
        assert f"found {name!r}: " in outcome.err
        assert reason in outcome.err


def test_without_a_log_it_says_what_is_missing(tmp_path: Path) -> None:
    outcome = purchase_pred("check-leakage", "-w", tmp_path)

    assert outcome.code == 2
    assert "sessionized_events.parquet: no such file" in outcome.err
