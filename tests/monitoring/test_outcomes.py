from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from purchase_pred.metrics import metrics
from purchase_pred.monitoring.outcomes import calibration_over_time, excess_of_purchases, performance_table

MONDAY = datetime(2024, 9, 2, tzinfo=UTC)


def scored(rows: int, *, seed: int = 0, rise: float = 1.0) -> pl.DataFrame:
    """Return four weeks of predictions, those of the last week without a label; purchases `rise` times as likely."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(1, 20, rows)
    week = rng.integers(0, 4, rows)
    label = (rng.random(rows) < rise * probability).astype(np.uint8)
    return pl.DataFrame(
        {
            "user_id": rng.integers(0, rows // 5, rows),
            "prediction_time": pl.Series(week * 7 * 86_400_000_000).cast(pl.Duration("us")) + MONDAY,
            "probability": probability,
            "label": pl.Series([None if late else int(one) for one, late in zip(label, week == 3, strict=True)]),
        },
        schema_overrides={"label": pl.UInt8},
    )


def test_weeks_tell_what_was_predicted_and_what_came_and_leave_open_what_is_not_known():
    rows = scored(4_000)
    table = calibration_over_time(rows)

    assert table["week"].to_list() == [(MONDAY + timedelta(weeks=week)).date() for week in range(4)]
    first = rows.filter(pl.col("prediction_time") == MONDAY)
    week = table.row(0, named=True)
    assert week["predicted"] == pytest.approx(first["probability"].mean())
    assert week["realised"] == pytest.approx(first["label"].mean())
    assert week["average_precision"] == pytest.approx(
        metrics(first["label"], first["probability"])["average_precision"]
    )
    assert week["low"] < week["predicted"] < week["high"]
    last = table.row(3, named=True)
    assert (last["labelled"], last["realised"], last["low"], last["average_precision"]) == (0, None, None, None)
    assert last["estimated"] is not None


def test_the_interval_is_wider_where_rows_of_a_user_share_their_purchase():
    rows = pl.DataFrame(
        {
            "user_id": [1, 1, 1, 1, 2, 3, 4, 5],
            "prediction_time": [MONDAY] * 8,
            "probability": [0.5] * 8,
            "label": [1, 1, 1, 1, 0, 1, 0, 1],
        },
        schema_overrides={"prediction_time": pl.Datetime("us", "UTC"), "label": pl.UInt8},
    )
    apart = rows.with_columns(user_id=pl.int_range(8))

    together, alone = (calibration_over_time(one, every="1w").row(0, named=True) for one in (rows, apart))

    assert together["week"] == date(2024, 9, 2)
    assert together["high"] - together["low"] > alone["high"] - alone["low"]


@pytest.mark.parametrize(("rise", "least"), [(1.0, 0.0), (2.0, 3.0)])
def test_an_excess_of_purchases_is_told_in_standard_errors(rise: float, least: float):
    ratio, errors = excess_of_purchases(scored(6_000, rise=rise))

    assert ratio == pytest.approx(rise, rel=0.15)
    assert abs(errors) >= least
    assert rise > 1.0 or abs(errors) < 3.0


def test_without_a_label_there_is_no_excess():
    unknown = scored(100).with_columns(label=pl.lit(None, dtype=pl.UInt8))

    assert excess_of_purchases(unknown) == (None, None)


def test_the_estimate_is_of_all_rows_and_the_realised_figure_of_those_with_a_label():
    rows = scored(2_000)
    table = performance_table({"new": rows, "nothing": rows.clear()})
    known = rows.drop_nulls("label")

    row = table.row(by_predicate=(pl.col("period") == "new") & (pl.col("metric") == "log_loss"), named=True)
    assert (row["rows"], row["labelled"]) == (2_000, known.height)
    assert row["realised"] == pytest.approx(metrics(known["label"], known["probability"])["log_loss"])
    assert row["low"] is None
    nothing = table.filter(period="nothing")
    assert nothing["estimated"].null_count() == nothing["realised"].null_count() == nothing.height
