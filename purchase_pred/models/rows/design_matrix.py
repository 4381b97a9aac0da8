"""The one door from a feature frame to every learner: a float32 matrix in a fixed, checked column order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from purchase_pred.errors import BundleError, SchemaError
from purchase_pred.models.rows.categories import TEXT, category_codes, is_category, text_categories
from purchase_pred.models.rows.feature_names import LEAVE_OUT, left_out
from purchase_pred.models.rows.spec import Feature, FeatureSpec
from purchase_pred.schema import (
    ITEM_ID,
    LABEL,
    LABEL_END,
    LABEL_TIME,
    LABEL_VALUE,
    PREDICTION_TIME,
    SESSION_INDEX,
    SPLIT,
    USER_ID,
    require_eager,
)
from purchase_pred.splits import PURGED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NOT_FEATURES: Final = frozenset(
    {USER_ID, SESSION_INDEX, ITEM_ID, PREDICTION_TIME, LABEL_END, LABEL, LABEL_TIME, LABEL_VALUE, SPLIT, PURGED}
)
"""Columns of a feature frame that identify, date or label a row and that no learner sees."""

_ENUM: Final = "Enum"
_SHOWN: Final = 5


def feature_spec(frame: pl.DataFrame, /, *, leave_out: Sequence[str] = ()) -> FeatureSpec:
    """Return the specification of a feature frame: every column that is not a key, a time or the label.

    Text (String or Categorical) is a category. Its categories are the values of this frame, which is to hold the
    training rows: all of them, or the 100 most frequent.

    Parameters
    ----------
    frame
        Feature frame.
    leave_out
        Names or patterns of features that no learner is to see, as in `train.leave_out`.

    Raises
    ------
    SchemaError
        A feature that is not left out is neither a number, a Boolean, an Enum nor text, or there is none at all.
    ConfigError
        `leave_out` names a feature that is not there, or leaves none.

    Examples
    --------
    >>> feature_spec(pl.DataFrame({"user_id": [7], "label": [0], "views": [3]})).names
    ('views',)
    """
    return spec_of(require_eager(frame, what="frame"), leave_out=leave_out)


def spec_of(rows: pl.DataFrame | pl.LazyFrame, /, *, leave_out: Sequence[str] = ()) -> FeatureSpec:
    """Return `feature_spec` of a feature frame that may be lazy; of its rows only text is read."""
    schema = rows.collect_schema()
    everything = [name for name in schema if name not in NOT_FEATURES]
    if not everything:
        raise SchemaError(f"a feature frame needs at least one feature, found only {', '.join(schema)}")
    without = left_out(everything, leave_out=leave_out)
    used = {name: schema[name] for name in everything if name not in without}
    faults = [f"column {name!r} is {dtype}" for name, dtype in used.items() if not _is_usable(dtype)]
    if faults:
        raise SchemaError(
            f"features must be numbers, Booleans, Enums or text, found {'; '.join(faults)}: "
            f"cast them (times to an age in hours) or leave them out ({LEAVE_OUT})"
        )
    texts = text_categories(rows, [name for name, dtype in used.items() if dtype in TEXT])
    return FeatureSpec(tuple(_feature(name, dtype, texts.get(name)) for name, dtype in used.items()), without)


def design_matrix(frame: pl.DataFrame, spec: FeatureSpec, /) -> NDArray[np.float32]:
    """Return the features of a frame as the matrix that `spec` describes.

    One row per row of the frame, in its order, duplicates included; one column per feature of `spec`, in its
    order. Numbers are rounded to float32. Null, NaN and infinities (those beyond the range of float32 included) are
    NaN, which the learners read as missing. A category is its position in the list of `spec`, where it is looked up by
    name; one that is not in the list is NaN, as missing ones are (`unseen_categories` counts them).

    Parameters
    ----------
    frame
        Feature frame; keys, times, label and the columns left out may be there or not.
    spec
        What `feature_spec` returned for the training rows.

    Returns
    -------
    matrix
        Float32 of shape (rows, features), column-major.

    Raises
    ------
    BundleError
        The frame's features differ from those of `spec` in name, order or dtype, or an Enum has none of the
        categories of `spec`.

    Examples
    --------
    >>> frame = pl.DataFrame({"views": [3, None], "kind": pl.Series(["b", "a"], dtype=pl.Enum(["a", "b"]))})
    >>> design_matrix(frame, feature_spec(frame)).tolist()
    [[3.0, 1.0], [nan, 0.0]]
    """
    check_features(frame, spec)
    if frame.is_empty():
        return np.empty((0, len(spec.features)), dtype=np.float32, order="F")
    schema = frame.schema  # made anew each time that it is asked for
    return frame.select(_as_float32(feature, schema[feature.name]) for feature in spec.features).to_numpy(
        order="fortran"
    )


def check_features(frame: pl.DataFrame, spec: FeatureSpec, /) -> None:
    """Raise unless the features of a frame are those of `spec`; a category may have values that `spec` does not know.

    Raises
    ------
    BundleError
        Says which names are missing or not known, which stand elsewhere, which dtypes differ, and which Enums have
        nothing in common with the categories of `spec`.
    """
    require_eager(frame, what="frame")
    schema = frame.schema  # made anew each time that it is asked for
    found = tuple(name for name in schema if name not in NOT_FEATURES and name not in spec.left_out)
    faults = _name_faults(found, spec.names) or [
        fault for feature in spec.features for fault in _dtype_fault(schema[feature.name], feature)
    ]
    if faults:
        raise BundleError(
            f"the features are not those the model was trained on: {'; '.join(faults)}. "
            "Build them with the settings and the catalog of the training, or train again (`purchase-pred train`)"
        )


def label_vector(frame: pl.DataFrame, /) -> NDArray[np.uint8]:
    """Return the labels of a feature frame.

    Raises
    ------
    SchemaError
        There is no column `label`, or it holds nulls or anything but 0 and 1.
    """
    if LABEL not in frame.columns:
        raise SchemaError(f"labels are needed in a column {LABEL!r}, found {', '.join(frame.columns)}")
    labels = frame[LABEL]
    wrong = len(labels) - labels.cast(pl.Float64, strict=False).is_in([0.0, 1.0]).sum()
    if wrong:
        raise SchemaError(f"labels must be 0 or 1, found {wrong} other values (nulls included) of {len(labels)}")
    return labels.cast(pl.UInt8).to_numpy()


def _feature(name: str, dtype: pl.DataType, learnt: tuple[str, ...] | None) -> Feature:
    return (
        Feature(name, _ENUM, tuple(dtype.categories))
        if isinstance(dtype, pl.Enum)
        else Feature(name, str(dtype), learnt)
    )


def _is_usable(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype == pl.Boolean or is_category(dtype)


def _as_float32(feature: Feature, dtype: pl.DataType) -> pl.Expr:
    if feature.categories is not None:
        return category_codes(feature.name, dtype, feature.categories)
    column = pl.col(feature.name)
    number = column.cast(pl.Float32)
    return pl.when(number.is_finite()).then(number) if dtype.is_float() or dtype.is_decimal() else number


def _name_faults(found: tuple[str, ...], required: tuple[str, ...]) -> list[str]:
    faults = [
        f"{len(names)} {what} ({', '.join(sorted(names)[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''})"
        for what, names in (
            ("missing", set(required) - set(found)),
            ("not known to the model", set(found) - set(required)),
        )
        if names
    ]
    if not faults and found != required:
        position = next(i for i, (there, here) in enumerate(zip(found, required, strict=True)) if there != here)
        faults.append(
            f"their order differs from position {position} on: {required[position]!r} required, "
            f"{found[position]!r} found"
        )
    return faults


def _dtype_fault(found: pl.DataType, required: Feature) -> list[str]:
    if required.categories is None or not is_category(found):
        return (
            []
            if str(found) == required.dtype
            else [f"column {required.name!r} must be {required.dtype}, found {found}"]
        )
    present = tuple(found.categories) if isinstance(found, pl.Enum) else required.categories
    if present == required.categories or set(present) & set(required.categories):
        return []
    expected = _listed(required.categories)
    return [f"column {required.name!r} must have some of the categories {expected}, found {_listed(present)}"]


def _listed(names: tuple[str, ...]) -> str:
    return f"[{', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}] ({len(names)})"
