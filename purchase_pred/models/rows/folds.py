"""Folds that roll forward in time: fit on the past, stop on what follows, be scored on what follows that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.durations import microseconds
from purchase_pred.schema import LABEL_END, PREDICTION_TIME
from purchase_pred.splits import is_within

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

_NO_TIME: Final = timedelta()


@dataclass(frozen=True)
class Fold:
    """Positions of the rows that one fold fits on, stops on and is scored on, in that order of time."""

    fit: NDArray[np.intp]
    stop: NDArray[np.intp]
    score: NDArray[np.intp]


def rolling_folds(train: pl.DataFrame, /, *, folds: int, embargo: str | timedelta = _NO_TIME) -> list[Fold]:
    """Cut rows into folds by time: fit on [start, a), stop on [a, b), score on [b, c), each fold later than the last.

    The later half of the rows is shared out evenly over the folds' stop and score parts. Rows to fit on whose label
    is not known at a (`label_end` > a) are purged, and so are rows whose T lies in the embargo: stop takes rows from
    a + embargo on, score from b + embargo on.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import UTC, datetime, timedelta
    >>> days = [datetime(2024, 8, day, tzinfo=UTC) for day in range(1, 9)]
    >>> frame = pl.DataFrame({"prediction_time": days, "label_end": [day + timedelta(days=2) for day in days]})
    >>> [(fold.fit.tolist(), fold.stop.tolist(), fold.score.tolist()) for fold in rolling_folds(frame, folds=1)]
    [([0, 1, 2], [4, 5], [6, 7])]
    """
    times, ends = (train[name].to_physical().to_numpy() for name in (PREDICTION_TIME, LABEL_END))
    cuts = np.quantile(times, np.linspace(0.5, 1.0, 2 * folds + 1), method="higher").tolist()
    cuts[-1] = np.inf
    wait = microseconds(embargo)
    return [
        Fold(
            fit=np.flatnonzero(is_within(times, ends, opens=-np.inf, closes=start)),
            stop=np.flatnonzero((times >= start + wait) & (times < middle)),
            score=np.flatnonzero((times >= middle + wait) & (times < end)),
        )
        for start, middle, end in zip(cuts[:-1:2], cuts[1::2], cuts[2::2], strict=True)
    ]


def later_folds(folds: int, /) -> int:
    """Return how many later folds judge what was chosen on so many: half as many, rounded up.

    Examples
    --------
    >>> [later_folds(folds) for folds in (1, 3, 4)]
    [1, 2, 2]
    """
    return (folds + 1) // 2
