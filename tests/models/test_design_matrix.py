from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from frames import CATEGORIES, feature_frame

from purchase_pred.errors import BundleError, ConfigError, SchemaError
from purchase_pred.models.rows.design_matrix import design_matrix, feature_spec, label_vector
from purchase_pred.models.rows.spec import FeatureSpec


def test_keys_times_and_label_are_no_features():
    frame = feature_frame(20, seed=0)
    keys = {"user_id", "session_index", "item_id", "prediction_time", "label_end", "label"}
    assert set(feature_spec(frame).names) == set(frame.columns) - keys


def test_numbers_keep_their_values_and_enums_become_their_codes():
    frame = feature_frame(50, seed=1)
    spec = feature_spec(frame)
    matrix = design_matrix(frame, spec)
    assert matrix.dtype == np.float32
    assert matrix.shape == (50, len(spec.names))
    assert matrix[:, spec.names.index("user_item_view_count")].tolist() == frame["user_item_view_count"].to_list()
    codes = [float(CATEGORIES.index(category)) for category in frame["item_category"]]
    assert matrix[:, spec.names.index("item_category")].tolist() == codes
    assert spec.categorical == (spec.names.index("item_category"),)


def test_null_nan_infinity_and_what_float32_cannot_hold_are_missing():
    frame = pl.DataFrame({"x": [1.0, None, float("nan"), float("inf"), -float("inf"), 1e300]})
    matrix = design_matrix(frame, feature_spec(frame))
    assert np.isnan(matrix[:, 0]).tolist() == [False, True, True, True, True, True]


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([2, 3], dtype=pl.Int128),
        pl.Series([2, 3], dtype=pl.UInt64),
        pl.Series([2, 3], dtype=pl.Int8),
        pl.Series(["2", "3"]).cast(pl.Decimal(10, 2)),
    ],
)
def test_every_numeric_dtype_arrives_as_float32(column: pl.Series):
    frame = pl.DataFrame({"x": column})
    assert design_matrix(frame, feature_spec(frame)).tolist() == [[2.0], [3.0]]


def test_a_missing_category_is_missing():
    frame = pl.DataFrame({"c": pl.Series([None, "a"], dtype=pl.Enum(["a"]))})
    assert np.isnan(design_matrix(frame, feature_spec(frame))[:, 0]).tolist() == [True, False]


def test_a_frame_without_rows_gives_a_matrix_without_rows():
    frame = feature_frame(5, seed=2)
    assert design_matrix(frame.clear(), feature_spec(frame)).shape == (0, len(feature_spec(frame).names))


def test_duplicate_rows_all_come_back_in_order():
    frame = feature_frame(10, seed=3)
    doubled = pl.concat([frame, frame])
    matrix = design_matrix(doubled, feature_spec(frame))
    assert np.array_equal(matrix[:10], matrix[10:], equal_nan=True)


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([datetime(2024, 1, 1, tzinfo=UTC)]),
        pl.Series([b"a"]),
        pl.Series([[1]]),
    ],
)
def test_a_feature_that_no_learner_can_read_is_named_with_its_dtype(column: pl.Series):
    with pytest.raises(SchemaError, match="column 'odd' is"):
        feature_spec(pl.DataFrame({"x": [1.0], "odd": column}))


def test_a_frame_without_features_is_refused():
    with pytest.raises(SchemaError, match="at least one feature"):
        feature_spec(pl.DataFrame({"user_id": [1], "label": [0]}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop("noise"), r"1 missing \(noise\)"),
        (lambda frame: frame.with_columns(extra=1), r"1 not known to the model \(extra\)"),
        (lambda frame: frame.rename({"noise": "sound"}), r"1 missing \(noise\); 1 not known to the model \(sound\)"),
        (lambda frame: frame.select(reversed(frame.columns)), "order differs from position 0 on"),
        (lambda frame: frame.with_columns(pl.col("noise").cast(pl.Float64)), "must be Float32, found Float64"),
        (
            lambda frame: frame.with_columns(pl.lit("x", dtype=pl.Enum(["x", "y"])).alias("item_category")),
            r"'item_category' must have some of the categories \[books, garden.*\] \(5\), found \[x, y\] \(2\)",
        ),
        (
            lambda frame: frame.with_columns(pl.lit(None, dtype=pl.Enum([])).alias("item_category")),
            r"some of the categories .* found \[\] \(0\)",
        ),
        (lambda frame: frame.with_columns(item_category=pl.lit(1)), "'item_category' must be Enum, found Int32"),
        (lambda frame: frame.with_columns(noise=pl.lit("loud")), "'noise' must be Float32, found String"),
    ],
)
def test_other_names_orders_dtypes_or_foreign_categories_are_refused(change, message: str):
    frame = feature_frame(10, seed=4)
    with pytest.raises(BundleError, match=message):
        design_matrix(change(frame), feature_spec(frame))


def test_the_specification_survives_json():
    spec = feature_spec(feature_frame(5, seed=5), leave_out=["noise"])
    assert FeatureSpec.from_json(spec.to_json(), left_out=spec.left_out) == spec


@pytest.mark.parametrize(
    ("leave_out", "taken"),
    [
        (["noise"], ["noise"]),
        (["hours_since_*"], ["hours_since_user_item_view", "hours_since_last_purchase"]),
        (["*_view*", "empty"], ["user_item_view_count", "hours_since_user_item_view", "empty"]),
        (["empt?", "[en]*", "noise"], ["noise", "empty"]),
    ],
)
def test_columns_left_out_by_name_or_pattern_are_not_in_the_matrix(leave_out: list[str], taken: list[str]):
    frame = feature_frame(20, seed=6)
    whole, spec = feature_spec(frame), feature_spec(frame, leave_out=leave_out)
    assert spec.left_out == tuple(name for name in whole.names if name in taken)
    assert spec.names == tuple(name for name in whole.names if name not in taken)
    kept = [whole.names.index(name) for name in spec.names]
    assert np.array_equal(design_matrix(frame, spec), design_matrix(frame, whole)[:, kept], equal_nan=True)


def test_columns_left_out_may_be_there_or_not_and_of_any_dtype():
    frame = feature_frame(20, seed=7)
    spec = feature_spec(frame, leave_out=["noise", "empty"])
    expected = design_matrix(frame, spec)
    for other in (frame.drop("noise"), frame.drop("noise", "empty"), frame.with_columns(noise=pl.lit("loud"))):
        assert np.array_equal(design_matrix(other, spec), expected, equal_nan=True)
    with pytest.raises(BundleError, match=r"1 missing \(item_category\); 1 not known to the model \(extra\)"):
        design_matrix(frame.drop("item_category").with_columns(extra=1), spec)


def test_a_column_that_no_learner_can_read_may_be_left_out():
    frame = pl.DataFrame({"x": [1.0], "odd": [[1]]})
    with pytest.raises(SchemaError, match=r"'odd' is List\(Int64\): .* leave them out \(train.leave_out\)"):
        feature_spec(frame)
    assert feature_spec(frame, leave_out=["odd"]).names == ("x",)


def test_a_name_with_brackets_means_itself():
    frame = pl.DataFrame({"views [7d]": [1], "views 7": [2]})
    assert feature_spec(frame, leave_out=["views [7d]"]).left_out == ("views [7d]",)
    assert feature_spec(frame.rename({"views [7d]": "views d"}), leave_out=["views [7]"]).left_out == ("views 7",)


@pytest.mark.parametrize(
    ("leave_out", "message"),
    [
        (["niose"], "train.leave_out: no feature is called 'niose'; did you mean 'noise'?"),
        (["noise", "Noise"], "train.leave_out: no feature is called 'Noise'; did you mean 'noise'?"),
        (["user_id"], "train.leave_out: no feature is called 'user_id'; the nearest of 8 are '"),
        (["hours_since_view*"], "no feature matches 'hours_since_view*'; did you mean 'hours_since_user_item_view'?"),
        (["*_90d"], "train.leave_out: no feature matches '*_90d'; the nearest of 8 are '"),
        ([""], "train.leave_out: no feature is called ''"),
        (["*"], "must leave a feature to learn from, found that it takes out all 8 (user_item_view_count, "),
        (["[!n]*", "n*"], "takes out all 8"),
    ],
)
def test_what_matches_nothing_or_everything_is_refused(leave_out: list[str], message: str):
    with pytest.raises(ConfigError, match=re.escape(message)):
        feature_spec(feature_frame(20, seed=8), leave_out=leave_out)


@pytest.mark.parametrize("labels", [[0, 1, None], [0, 1, 2], [0.5, 1.0, 0.0]])
def test_labels_other_than_0_and_1_are_counted_and_refused(labels: list[float]):
    with pytest.raises(SchemaError, match="found 1 other values"):
        label_vector(pl.DataFrame({"label": labels}))


def test_a_missing_label_column_is_refused():
    with pytest.raises(SchemaError, match="'label'"):
        label_vector(pl.DataFrame({"x": [1]}))
