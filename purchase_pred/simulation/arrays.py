"""Structures of equally long numpy arrays, and the few operations that treat them as tables."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

Record = TypeVar("Record")
_MOST_LOG_ODDS: Final = 700.0
"""Beyond it the exponential overflows, and the chance is 0 or 1 anyway."""


def take(record: Record, rows: Any, /) -> Record:
    """Return the given rows (indices, a slice or a mask) of every array of a dataclass of arrays, or of such ones."""
    columns = {field.name: getattr(record, field.name) for field in fields(record)}  # type: ignore[arg-type]
    return type(record)(
        **{name: take(column, rows) if is_dataclass(column) else column[rows] for name, column in columns.items()}
    )


def concatenate(records: Sequence[Record], /) -> Record:
    """Return dataclasses of arrays, one below the other."""
    first = records[0]
    if len(records) == 1:
        return first
    return type(first)(
        **{
            field.name: np.concatenate([getattr(record, field.name) for record in records])
            for field in fields(first)  # type: ignore[arg-type]
        }
    )


def logistic(log_odds: Floats, /) -> Floats:
    """Return probabilities for log-odds."""
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -_MOST_LOG_ODDS, _MOST_LOG_ODDS)))


def choose(weights: Floats, draws: Floats, /) -> Ints:
    """Return for each row of `weights` a column, in proportion to the weights; `draws` lie in [0, 1)."""
    cumulative = np.cumsum(weights, axis=1)
    chosen: Ints = (cumulative <= draws[:, None] * cumulative[:, -1:]).sum(axis=1)
    last: Ints = np.full(len(chosen), weights.shape[1] - 1)
    return np.minimum(chosen, last)


def positions(counts: Ints, /) -> Ints:
    """Return 0, 1, 2, ... within groups of the given sizes.

    Examples
    --------
    >>> positions(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)


def share_out(total: int, shares: Floats, /) -> Ints:
    """Return whole numbers that sum to `total`, in proportion to the shares, by largest remainder.

    Examples
    --------
    >>> share_out(10, np.array([0.5, 0.25, 0.25])).tolist()
    [5, 3, 2]
    """
    exact = total * shares / shares.sum()
    whole: Ints = np.floor(exact).astype(np.int64)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole
