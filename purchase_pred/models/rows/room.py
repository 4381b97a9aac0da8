"""How many rows each learner has room for: from the bytes that a value takes at its peak, and the memory there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from purchase_pred.names import ModelName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.models.rows.row_labels import RowLabels

Purpose = ModelName | Literal["stop"]

BYTES_PER_VALUE: Final[Mapping[Purpose, float]] = {"logistic": 14.0, "xgboost": 16.0, "lightgbm": 18.0, "stop": 22.0}
"""What a value of the matrix takes at the peak of a fit, the matrix (4 bytes) included: float32 columns beside it; the
quantile index where values are missing; the rows that bins are found from, and the bins. For the stop rows the copy
that XGBoost makes. `benchmarks/scale/learners` measures 10.5 to 11.1, 10.6 to 15.1 and 14.2 to 18.2, the more rows the
fewer bytes."""
SHARES: Final[Mapping[Purpose, float]] = {"logistic": 0.6, "xgboost": 0.6, "lightgbm": 0.6, "stop": 0.15}
"""Share of the memory that rows of this purpose may take; learners are fitted one after another."""
LEAST_ROWS: Final = 10_000
"""So many rows are learnt from whatever the limit."""


def most_rows(purpose: Purpose, columns: int, memory: int | None, /) -> int:
    """Return how many rows of so many columns fit: share of the memory / (bytes per value x columns).

    Examples
    --------
    >>> most_rows("xgboost", 117, 4_000_000_000), most_rows("xgboost", 117, None) > 10**15
    (1282051, True)
    """
    if memory is None:
        return 2**62
    return max(LEAST_ROWS, int(memory * SHARES[purpose] / (BYTES_PER_VALUE[purpose] * columns)))


def room_beside(*rows: RowLabels, memory: int | None) -> int | None:
    """Return what is left of the memory beside the labels and draws of all rows.

    Examples
    --------
    >>> import polars as pl
    >>> from purchase_pred.models.rows.row_labels import RowLabels
    >>> two = RowLabels.of(pl.DataFrame({"user_id": [1, 2], "label": [0, 1]}))
    >>> room_beside(two, memory=1_000), room_beside(memory=None) is None
    (982, True)
    """
    return None if memory is None else memory - sum(one.nbytes for one in rows)
