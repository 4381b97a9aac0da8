"""`check-leakage` on a workspace's own data: nothing moves, and what may not be asked is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from installed_command import SMALL, purchase_pred

if TYPE_CHECKING:
    from pathlib import Path

FEW = ("--users", "20", "--anchors", "200")
PEEKING = "features.custom=[{name: dearer, count: true, where: 'price > avg(price)', windows: [7d]}]"


def test_shipped_and_own_features_are_clean(shop: Path) -> None:
    own = "features.custom=[{name: night_views, count: true, where: \"event_type = 'view' and hour < 6\"}]"
    outcome = purchase_pred("check-leakage", "-w", shop, *SMALL, *FEW, "--set", own, "--quiet")

    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    assert "no leak: " in outcome.out
    assert "events injected" in outcome.out


def test_a_condition_that_looks_at_the_whole_log_ends_with_3_and_is_named(shop: Path) -> None:
    outcome = purchase_pred("check-leakage", "-w", shop, *SMALL, *FEW, "--set", PEEKING, "--json")

    assert outcome.code == 3
    assert outcome.err.startswith("error: 1 of ")
    assert outcome.err.endswith(" features know what they may not: dearer_7d\n")
    document = json.loads(outcome.out)
    assert document["clean"] is False
    (leak,) = document["leaks"]
    assert leak["column"] == "dearer_7d"
    assert leak["rows"] > 0
    assert leak["example"]["event"]["timestamp"] >= leak["example"]["prediction_time"]
    assert {trial["tampering"] for trial in document["trials"]} >= {"events deleted", "other users dropped"}


def test_without_a_log_it_says_what_is_missing(tmp_path: Path) -> None:
    outcome = purchase_pred("check-leakage", "-w", tmp_path)

    assert outcome.code == 2
    assert "sessionized_events.parquet: no such file" in outcome.err
