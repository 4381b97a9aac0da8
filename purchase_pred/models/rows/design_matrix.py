"""The one door from a feature frame to every learner: a float32 matrix in a fixed, checked column order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from purchase_pred.errors import BundleError, SchemaError
from purchase_pred.models.rows.feature_names import LEAVE_OUT, left_out
from purchase_pred.schema import (
    ITEM_ID,
    LABEL,
    LABEL_END,
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

NOT_FEATURES: Final = frozenset({USER_ID, SESSION_INDEX, ITEM_ID, PREDICTION_TIME, LABEL_END, LABEL, SPLIT, PURGED})
"""Columns of a feature frame that identify, date or label a row and that no learner sees."""

_ENUM: Final = "Enum"
_SHOWN: Final = 5


@dataclass(frozen=True)
class Feature:
    """One column of the matrix."""

    name: str
    """Column name."""
    dtype: str
    """Its Polars dtype as text; `"Enum"` for a category."""
    categories: tuple[str, ...] | None = None
    """The categories of an Enum, in the order of their codes; None for a number."""


@dataclass(frozen=True)
class FeatureSpec:
    """The columns of the matrix in order, as they were when a model was trained."""

    features: tuple[Feature, ...]
    left_out: tuple[str, ...] = ()
    """Feature columns that were there and that the model does not see; a frame may have them or not."""

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def categorical(self) -> tuple[int, ...]:
        """Positions of the columns that hold category codes."""
        return tuple(index for index, feature in enumerate(self.features) if feature.categories is not None)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the columns as plain JSON values."""
        return [
            {
                "name": feature.name,
                "dtype": feature.dtype,
                "categories": None if feature.categories is None else list(feature.categories),
            }
            for feature in self.features
        ]

    @classmethod
    def from_json(cls, columns: Sequence[dict[str, Any]], /, *, left_out: Sequence[str] = ()) -> FeatureSpec:
        """Return the specification whose columns `to_json` wrote."""
        return cls(
            tuple(
                Feature(
                    name=column["name"],
                    dtype=column["dtype"],
                    categories=None if column["categories"] is None else tuple(column["categories"]),
                )
                for column in columns
            ),
            tuple(left_out),
        )


def feature_spec(frame: pl.DataFrame, /, *, leave_out: Sequence[str] = ()) -> FeatureSpec:
    """Return the specification of a feature frame: every column that is not a key, a time or the label.

    Parameters
    ----------
    frame
        Feature frame.
    leave_out
        Names or patterns of features that no learner is to see, as in `train.leave_out`.

    Raises
    ------
    SchemaError
        A feature that is not left out is neither a number, a Boolean nor an Enum, or there is no feature at all.
    ConfigError
        `leave_out` names a feature that is not there, or leaves none.

    Examples
    --------
    >>> feature_spec(pl.DataFrame({"user_id": [7], "label": [0], "views": [3]})).names
    ('views',)
    """
    require_eager(frame, what="frame")
    everything = _spec(frame).names
    if not everything:
        raise SchemaError(f"a feature frame needs at least one feature, found only {', '.join(frame.columns)}")
    spec = _spec(frame, left_out(everything, leave_out=leave_out))
    faults = [
        f"column {feature.name!r} is {feature.dtype}" for feature in spec.features if not _is_usable(frame, feature)
    ]
    if faults:
        raise SchemaError(
            f"features must be numbers, Booleans or Enums, found {'; '.join(faults)}: "
            f"cast them (text to an Enum, times to an age in hours) or leave them out ({LEAVE_OUT})"
        )
    return spec


def design_matrix(frame: pl.DataFrame, spec: FeatureSpec, /) -> NDArray[np.float32]:
    """Return the features of a frame as the matrix that `spec` describes.

    One row per row of the frame, in its order, duplicates included; one column per feature of `spec`, in its
    order. Numbers are rounded to float32. Null, NaN and infinities (those beyond the range of float32 included) are
    NaN, which the learners read as missing. An Enum is the position of its category in the list of `spec`.

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
        The frame's features differ from those of `spec` in name, order, dtype or categories.

    Examples
    --------
    >>> frame = pl.DataFrame({"views": [3, None], "kind": pl.Series(["b", "a"], dtype=pl.Enum(["a", "b"]))})
    >>> design_matrix(frame, feature_spec(frame)).tolist()
    [[3.0, 1.0], [nan, 0.0]]
    """
    check_features(frame, spec)
    if frame.is_empty():
        return np.empty((0, len(spec.features)), dtype=np.float32, order="F")
    return frame.select(_as_float32(name, frame.schema[name]) for name in spec.names).to_numpy(order="fortran")


def check_features(frame: pl.DataFrame, spec: FeatureSpec, /) -> None:
    """Raise unless the features of a frame are exactly those of `spec`.

    Raises
    ------
    BundleError
        Says which names are missing or not known, which stand elsewhere, and which dtypes or categories differ.
    """
    require_eager(frame, what="frame")
    found = _spec(frame, spec.left_out)
    if found == spec:
        return
    faults = _name_faults(found.names, spec.names) or [
        fault for there, here in zip(found.features, spec.features, strict=True) for fault in _dtype_fault(there, here)
    ]
    raise BundleError(
        f"the features are not those the model was trained on: {'; '.join(faults)}. "
        "Build them with the settings and the catalog of the training, or train again"
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


def _spec(frame: pl.DataFrame, without: Sequence[str] = ()) -> FeatureSpec:
    return FeatureSpec(
        tuple(
            Feature(name, _ENUM, tuple(dtype.categories)) if isinstance(dtype, pl.Enum) else Feature(name, str(dtype))
            for name, dtype in frame.schema.items()
            if name not in NOT_FEATURES and name not in without
        ),
        tuple(without),
    )


def _is_usable(frame: pl.DataFrame, feature: Feature) -> bool:
    dtype = frame.schema[feature.name]
    return dtype.is_numeric() or dtype == pl.Boolean or feature.categories is not None


def _as_float32(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Enum):
        return column.to_physical().cast(pl.Float32)
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


def _dtype_fault(found: Feature, required: Feature) -> list[str]:
    if found == required:
        return []
    if found.dtype != required.dtype:
        return [f"column {required.name!r} must be {required.dtype}, found {found.dtype}"]
    expected, present = _listed(required.categories), _listed(found.categories)
    return [f"column {required.name!r} must have the categories {expected}, found {present}"]


def _listed(categories: tuple[str, ...] | None) -> str:
    names = categories or ()
    return f"[{', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}] ({len(names)})"
