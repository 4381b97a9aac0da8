from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from watched import LEARNT, ROWS_AS_OF, SETTINGS, fitted, later_rows

from purchase_pred.monitoring.row_checks import RowsChecked, check_rows
from purchase_pred.settings.monitor import MonitorSettings

if TYPE_CHECKING:
    from purchase_pred.models import FittedModel


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return fitted()


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return later_rows()


def in_the_window() -> pl.Expr:
    return pl.col("prediction_time") >= ROWS_AS_OF - timedelta(days=7)


def checked(model: FittedModel, rows: pl.DataFrame, **limits: float | None) -> RowsChecked:
    monitor = MonitorSettings.model_validate({"limits": limits})
    return check_rows(model, LEARNT, rows, as_of=ROWS_AS_OF, settings=monitor, threads=1)


def alarms(found: RowsChecked) -> set[tuple[str, str]]:
    return set(found.findings.filter("alarm").select("check", "subject").rows())


def test_rows_as_they_were_raise_no_alarm(model: FittedModel, rows: pl.DataFrame):
    found = checked(model, rows)

    assert alarms(found) == set()
    assert found.performance["period"].unique(maintain_order=True).to_list() == ["validation", "matured", "new"]
    labelled = found.performance.filter(metric="average_precision").select("rows", "labelled")
    assert labelled.row(1)[0] == labelled.row(1)[1]
    assert labelled.row(2)[0] > labelled.row(2)[1] > 0
    assert found.weeks.height == 7


def test_a_feature_that_has_moved_and_one_that_went_missing_are_named(model: FittedModel, rows: pl.DataFrame):
    moved = rows.with_columns(
        pl.when(in_the_window()).then(pl.col("noise") + 3.0).otherwise("noise").cast(pl.Float32).alias("noise"),
        pl.when(~in_the_window()).then("hours_since_user_item_view").alias("hours_since_user_item_view"),
    )
    found = checked(model, moved, adversarial_auc=None)

    assert {("psi", "noise"), ("missing", "hours_since_user_item_view")} <= alarms(found)
    assert ("psi", "noise") not in alarms(checked(model, moved, adversarial_auc=None, psi=None))
    assert found.features["feature"][0] in {"noise", "hours_since_user_item_view"}


def test_a_feature_that_is_left_out_is_told_of_and_not_judged(model: FittedModel, rows: pl.DataFrame):
    moved = rows.with_columns((pl.col("noise") + 3.0 * in_the_window()).cast(pl.Float32).alias("noise"))
    monitor = SETTINGS.monitor.model_copy(update={"leave_out": ("noi*",)})
    found = check_rows(model, LEARNT, moved, as_of=ROWS_AS_OF, settings=monitor, threads=1)

    assert alarms(found) == set()
    assert found.features.row(0, named=True)["judged"] is False


def test_a_drift_that_was_there_before_raises_no_alarm(model: FittedModel, rows: pl.DataFrame):
    drifted = rows.with_columns((pl.col("noise") + 3.0).cast(pl.Float32).alias("noise"))
    found = checked(model, drifted)

    assert found.features.filter(feature="noise")["psi"].item() > 1.0
    assert alarms(found) == set()


def test_new_rows_that_can_be_told_apart_by_several_features_together_are_found(model: FittedModel, rows: pl.DataFrame):
    moved = rows.with_columns(
        pl.when(in_the_window()).then(pl.col("noise").abs()).otherwise("noise").cast(pl.Float32).alias("noise"),
        pl.when(in_the_window()).then(pl.col("user_item_view_count") + 2).otherwise("user_item_view_count")
        .cast(pl.UInt32).alias("user_item_view_count"),
    )  # fmt: skip
    found = checked(model, moved, adversarial_auc=0.7)

    assert ("adversarial", "new rows") in alarms(found)
    assert set(found.adversarial["feature"].head(2)) == {"noise", "user_item_view_count"}


def test_a_category_that_was_not_learnt_is_found(model: FittedModel, rows: pl.DataFrame):
    kinds = pl.Enum(["books", "garden", "music", "shoes", "toys", "boats"])
    boats = in_the_window() & (pl.col("user_id") % 5 == 0)
    moved = rows.with_columns(
        pl.when(boats).then(pl.lit("boats")).otherwise(pl.col("item_category").cast(pl.String)).cast(kinds)
        .alias("item_category")
    )  # fmt: skip

    assert ("unseen", "item_category") in alarms(checked(model, moved))


def test_more_purchases_than_promised_are_found_once_labels_are_known(model: FittedModel, rows: pl.DataFrame):
    window = pl.col("prediction_time").is_between(ROWS_AS_OF - timedelta(days=9), ROWS_AS_OF)
    known = pl.col("label").is_not_null()
    more = rows.with_columns(
        pl.when(window & known & (pl.col("user_id") % 8 == 0)).then(1).otherwise("label").cast(pl.UInt8).alias("label")
    )

    assert {("calibration", "matured rows"), ("prevalence", "matured rows")} <= alarms(checked(model, more))


def test_a_model_that_is_estimated_to_rank_worse_is_found_before_labels_are_known(
    model: FittedModel, rows: pl.DataFrame
):
    # Nobody puts anything into the cart any more: no row stands out, and no label is needed to see that.
    flat = rows.with_columns(
        pl.when(in_the_window()).then(0).otherwise("user_item_in_cart").cast(pl.UInt8).alias("user_item_in_cart"),
        pl.when(in_the_window()).then(2).otherwise("user_item_view_count").cast(pl.UInt32)
        .alias("user_item_view_count"),
        pl.when(~in_the_window()).then("label").alias("label"),
    )  # fmt: skip
    found = checked(model, flat)

    assert ("estimated_drop", "new rows") in alarms(found)
    assert found.performance.filter(period="new", metric="average_precision")["labelled"].item() == 0


def test_purchases_that_no_longer_follow_the_scores_are_found_once_labels_are_known(
    model: FittedModel, rows: pl.DataFrame
):
    window = pl.col("prediction_time") >= ROWS_AS_OF - timedelta(days=9)
    mixed = rows.with_columns(
        pl.when(window & pl.col("label").is_not_null())
        .then(pl.col("label").shuffle(seed=3))
        .otherwise("label")
        .alias("label")
    )

    assert ("realised_drop", "matured rows") in alarms(checked(model, mixed))


def test_a_window_without_rows_is_no_reason_to_fail(model: FittedModel, rows: pl.DataFrame):
    found = checked(model, rows.filter(~in_the_window()))

    assert found.performance.filter(period="new")["rows"].to_list() == [0] * 10
    assert not found.findings.filter(check="psi").height
