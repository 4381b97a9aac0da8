"""Advice is tried on the log before it is given: whoever follows it gets rows of both kinds in every split."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from purchase_pred.pipeline.stages import suggestions
from purchase_pred.pipeline.stages.suggestions import suggest
from purchase_pred.prediction_rows import prediction_rows
from purchase_pred.schema import EVENT_TYPE_DTYPE, TIME_DTYPE
from purchase_pred.sessions import sessionize
from purchase_pred.settings.loading import resolve_settings

START = datetime(2024, 8, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def log(*, users: int, moments: list[timedelta], bought: float = 1.0, views: bool = True) -> pl.LazyFrame:
    """Every user views, a minute later perhaps buys, at each of the moments; two thirds of them never buy."""
    rows = [
        (user, START + moment + timedelta(seconds=7 * user, minutes=kind), ("view", "purchase")[kind], user % 3)
        for user in range(users)
        for moment in moments
        for kind in (0, 1)
        if (kind == 0 and views) or (kind == 1 and user % 3 == 0 and moment <= bought * moments[-1])
    ]
    events = pl.DataFrame(
        rows, schema={"user_id": pl.Int64, "timestamp": TIME_DTYPE, "event_type": pl.String, "item_id": pl.Int64},
        orient="row",
    )  # fmt: skip
    return sessionize(
        events.lazy()
        .with_row_index("event_id")
        .with_columns(
            pl.col("event_id").cast(pl.UInt64),
            pl.col("event_type").cast(EVENT_TYPE_DTYPE),
            duration_seconds=pl.lit(None, pl.Float32),
            price=pl.lit(9.99),
        )
    )


def followed(sessionized: pl.LazyFrame, advice: str, *assignments: str) -> dict[str, tuple[int, int]]:
    """Return rows and purchases of each split under the settings that were advised."""
    settings = resolve_settings(assignments=(*assignments, *re.findall(r"--set (\S+)", advice))).settings
    rows = prediction_rows(sessionized, settings=settings).filter(~pl.col("purged")).collect()
    counts = rows.group_by("split").agg(pl.len(), pl.col("label").sum().cast(pl.Int64).alias("buys"))
    return {split: (count, buys) for split, count, buys in counts.iter_rows()}


LOGS = {
    "of hours": log(users=40, moments=[timedelta(minutes=20 * step) for step in range(10)]),
    "of weeks": log(users=30, moments=[DAY * step for step in range(28)]),
    "of purchases alone": log(users=30, moments=[DAY * step for step in range(28)], views=False),
    "with early purchases": log(users=60, moments=[DAY * step for step in range(28)], bought=0.4),
}


@pytest.mark.parametrize("assignments", [(), ("split.embargo=1h",), ("target.level=user", "anchors.kind=calendar")])
@pytest.mark.parametrize("name", LOGS)
def test_settings_that_are_advised_leave_every_split_rows_of_both_kinds(name: str, assignments: tuple[str, ...]):
    settings = resolve_settings(assignments=assignments).settings
    advice = suggest(LOGS[name], settings)
    counts = followed(LOGS[name], advice, *assignments)

    assert advice.startswith("try --set ")
    assert set(counts) == {"train", "val", "test"}
    assert all(0 < buys < rows for rows, buys in counts.values())
    told = ", ".join(f"{counts[split][1]:,} of {counts[split][0]:,} rows of {split}" for split in counts)
    assert sorted(told.split(", ")) == sorted(advice.partition("(then ")[2].removesuffix(" buy)").split(", "))


def test_of_the_settings_that_would_do_those_with_most_purchases_are_advised():
    """Horizons of 7d and 3d would do as well, and leave test no more than 10."""
    asked = "target.horizon=30d"
    counts = followed(
        LOGS["of weeks"], suggest(LOGS["of weeks"], resolve_settings(assignments=(asked,)).settings), asked
    )
    assert min(counts[split][1] for split in ("val", "test")) >= 30


def test_another_question_is_advised_where_it_leaves_twice_as_many_purchases():
    advice = suggest(LOGS["of hours"], resolve_settings().settings)
    assert {"target.level", "anchors.kind"} <= set(re.findall(r"--set (\S+?)=", advice))


def test_the_question_is_kept_where_another_horizon_and_other_shares_are_enough():
    advice = suggest(LOGS["of weeks"], resolve_settings(assignments=("target.horizon=30d",)).settings)
    changed = re.findall(r"--set (\S+?)=", advice)
    assert changed[0] == "target.horizon"
    assert {"split.align", "split.train", "split.val"}.issuperset(changed[1:])


BURST = [7 * DAY + timedelta(hours=2 * step) for step in range(30)]


@pytest.mark.parametrize(
    ("before", "users"), [(timedelta(), 120), (-3000 * DAY, 60)], ids=["shares do", "a burst within 0.1 % of the time"]
)
def test_shares_of_events_are_advised_for_a_log_that_comes_in_bursts(before: timedelta, users: int):
    """By time, with the shares that are asked for, every visit but the first is of the test."""
    bursts = log(users=users, moments=[before, *BURST])
    asked = ("target.horizon=6h", "split.train=0.5", "split.val=0.25", "split.align=none")
    advice = suggest(bursts, resolve_settings(assignments=asked).settings)
    counts = followed(bursts, advice, *asked)
    assert "--set split.by=events" in advice
    assert all(0 < buys < rows for rows, buys in counts.values())
    assert set(counts) == {"train", "val", "test"}


def test_shares_of_events_are_told_as_they_are_where_settings_ask_for_them():
    bursts = log(users=60, moments=[timedelta(), *BURST])
    asked = ("split.by=events", "target.horizon=30d")
    advice = suggest(bursts, resolve_settings(assignments=asked).settings)
    counts = followed(bursts, advice, *asked)
    assert "split.by" not in advice
    assert f"{counts['test'][1]:,} of {counts['test'][0]:,} rows of test" in advice
    assert min(counts[split][1] for split in ("val", "test")) >= 50


@pytest.mark.parametrize(
    ("sessionized", "told"),
    [
        (log(users=3, moments=[timedelta()]), "too short for any target"),
        (LOGS["of hours"].head(0), "too short for any target"),
        (LOGS["of hours"].head(1), "too short for any target"),
        (log(users=40, moments=[DAY * step for step in range(28)], bought=-1.0), "none of the targets"),
    ],
)
def test_a_log_that_no_settings_suit_is_told_so(sessionized: pl.LazyFrame, told: str):
    advice = suggest(sessionized, resolve_settings().settings)
    assert told in advice
    assert "bring in a longer" in advice


def test_of_a_large_log_some_users_are_tried_and_all_are_counted(monkeypatch: pytest.MonkeyPatch):
    whole = LOGS["of weeks"]
    monkeypatch.setattr(suggestions, "_MOST_EVENTS", whole.select(pl.len()).collect().item() // 2)
    advice = suggest(whole, resolve_settings(assignments=("target.horizon=30d",)).settings)
    counts = followed(whole, advice)
    assert f"{counts['test'][1]:,} of {counts['test'][0]:,} rows of test" in advice
