"""The columns that logistic regression is fitted on: filled, log-scaled, standardised, absences and categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from purchase_pred.models.rows.spec import FeatureSpec

MOST_CATEGORIES: Final = 50
"""Columns of one categorical feature at most: the rarer categories share one."""

_EPSILON: Final = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class LogisticColumns:
    """How a design matrix becomes columns: each number on its scale, then absences, then a column per category."""

    numeric: list[int]
    """Positions of the numbers in the matrix."""
    fills: list[float]
    """What a missing number is replaced by on the signed logarithmic scale: the mean of the others."""
    means: list[float]
    """Mean of each number on that scale, after filling."""
    scales: list[float]
    """Standard deviation of each on that scale; 1 for a constant."""
    indicated: list[int]
    """Positions, in the matrix, of the numbers that some rows have and some do not."""
    categorical: list[int]
    """Positions of the category codes in the matrix."""
    shared: list[NDArray[np.intp]]
    """For each of them, which of its columns marks a missing category, then each category by its code; -1: none."""


def learn_columns(matrix: NDArray[np.float32], spec: FeatureSpec, /) -> tuple[LogisticColumns, NDArray[np.float32]]:
    """Return what the columns of training rows are, and the columns themselves, column-major."""
    numeric = [index for index in range(len(spec.features)) if index not in spec.categorical]
    categorical = list(spec.categorical)
    missing = [int(np.isnan(matrix[:, index]).sum()) for index in numeric]
    indicated = [index for index, count in zip(numeric, missing, strict=True) if 0 < count < len(matrix)]
    shared = [_shared(matrix[:, index], len(spec.features[index].categories or ())) for index in categorical]
    width = len(numeric) + len(indicated) + sum(int(own.max()) + 1 for own in shared)
    columns = np.zeros((len(matrix), width), dtype=np.float32, order="F")
    fills: list[float] = []
    means: list[float] = []
    scales: list[float] = []
    for place, index in enumerate(numeric):
        logs = signed_log(matrix[:, index].astype(np.float64))
        absent = np.isnan(logs)
        fill = 0.0 if absent.all() else float(logs[~absent].mean())
        logs[absent] = fill
        mean, variance = float(logs.mean()), float(logs.var())
        scale = 1.0 if _is_constant(len(logs), mean, variance) else variance**0.5
        columns[:, place] = (logs - mean) / scale
        fills, means, scales = [*fills, fill], [*means, mean], [*scales, scale]
    place = len(numeric) + len(indicated)
    columns[:, len(numeric) : place] = np.isnan(matrix[:, indicated])
    for index, own in zip(categorical, shared, strict=True):
        marked = own[missing_code(matrix[:, index]).astype(np.intp) + 1]
        columns[np.arange(len(matrix)), place + marked] = 1.0
        place += int(own.max()) + 1
    return LogisticColumns(numeric, fills, means, scales, indicated, categorical, shared), columns


def signed_log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sign(x) log(1 + |x|), which brings counts, prices and ages to one scale.

    Examples
    --------
    >>> signed_log(np.array([0.0, -1.0])).round(3).tolist()
    [0.0, -0.693]
    """
    return np.copysign(np.log1p(np.abs(values)), values)


def filled_log(values: NDArray[np.float32], fill: float, /) -> NDArray[np.float64]:
    """Return numbers on the signed logarithmic scale, missing ones as `fill`."""
    logs = signed_log(values.astype(np.float64))
    logs[np.isnan(logs)] = fill
    return logs


def missing_code(codes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return category codes with -1 for missing ones.

    Examples
    --------
    >>> missing_code(np.array([2.0, np.nan])).tolist()
    [2.0, -1.0]
    """
    return np.where(np.isnan(codes), -1.0, codes)


def _is_constant(rows: int, mean: float, variance: float) -> bool:
    """Tell whether the variance is no more than what rounding makes of equal numbers (Chan, Golub and LeVeque 1983)."""
    return variance <= rows * _EPSILON * variance + (rows * mean * _EPSILON) ** 2


def _shared(codes: NDArray[np.float32], categories: int) -> NDArray[np.intp]:
    """Return the column of a missing category and of each code: one each, or 49 for the most frequent, one for others.

    A category that the rows do not have goes with the others, or has no column where there are none.
    """
    counts = np.bincount(missing_code(codes).astype(np.intp) + 1, minlength=categories + 1)
    seen = np.flatnonzero(counts)
    if len(seen) <= MOST_CATEGORIES:
        own = np.full(categories + 1, -1, dtype=np.intp)
        own[seen] = np.arange(len(seen))
        return own
    own = np.full(categories + 1, MOST_CATEGORIES - 1, dtype=np.intp)
    frequent = seen[np.argsort(counts[seen], kind="stable")[1 - MOST_CATEGORIES :]]
    own[np.sort(frequent)] = np.arange(MOST_CATEGORIES - 1)
    return own
