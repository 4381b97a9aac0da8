from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from frames import CATEGORIES, feature_frame

from purchase_pred.models.rows.categories import MOST_CATEGORIES, unseen_categories
from purchase_pred.models.rows.design_matrix import design_matrix, feature_spec, spec_of
from purchase_pred.models.rows.spec import FeatureSpec

DEVICES = ["phone", "desk", None, "desk", "tablet"]


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_text_is_a_category_whose_values_are_those_of_the_training_rows(dtype: type[pl.DataType]):
    train = pl.DataFrame({"device": pl.Series(DEVICES, dtype=dtype)})
    spec = feature_spec(train)
    assert spec.features[0].categories == ("desk", "phone", "tablet")
    assert spec.categorical == (0,)
    assert design_matrix(train, spec)[:, 0].tolist() == pytest.approx([1.0, 0.0, np.nan, 0.0, 2.0], nan_ok=True)
    assert spec_of(train.lazy()) == spec
    assert FeatureSpec.from_json(spec.to_json()) == spec


def test_a_category_that_training_had_not_is_missing_and_counted():
    spec = feature_spec(pl.DataFrame({"device": DEVICES, "views": range(5)}))
    later = pl.DataFrame({"device": ["watch", "tv", "desk", None, "watch"], "views": range(5)})
    codes = design_matrix(later, spec)[:, 0]
    assert codes.tolist() == pytest.approx([np.nan, np.nan, 0.0, np.nan, np.nan], nan_ok=True)
    assert unseen_categories(later, spec).rows() == [("device", 3, ["watch", "tv"])]
    assert unseen_categories(later.head(0), spec).rows() == []


def test_an_enum_of_a_later_catalog_is_read_by_name():
    frame = feature_frame(40, seed=4)
    spec = feature_spec(frame)
    expected = design_matrix(frame, spec)
    for dtype in (pl.Enum(["aquarium", *reversed(CATEGORIES)]), pl.String, pl.Categorical):
        later = frame.with_columns(pl.col("item_category").cast(pl.String).cast(dtype))
        assert np.array_equal(design_matrix(later, spec), expected, equal_nan=True)
        assert unseen_categories(later, spec).is_empty()


def test_only_the_most_frequent_of_very_many_categories_are_learnt():
    rare = [f"r{number:03}" for number in range(2 * MOST_CATEGORIES)]
    train = pl.DataFrame({"campaign": ["spring"] * 3 + rare})
    categories = feature_spec(train).features[0].categories
    assert categories == (*rare[: MOST_CATEGORIES - 1], "spring")


def test_a_category_without_a_value_is_missing_in_every_row():
    train = pl.DataFrame({"device": pl.Series([None, None], dtype=pl.String)})
    assert feature_spec(train).features[0].categories == ()
    assert np.isnan(design_matrix(train.with_columns(device=pl.lit("desk")), feature_spec(train))).all()
