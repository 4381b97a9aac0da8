"""The time that rows lie in: from the first prediction to the end of the last label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purchase_pred.schema import LABEL_END, PREDICTION_TIME

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl


def period_of(rows: pl.DataFrame, /) -> list[str]:
    """Return the first ``prediction_time`` and the last ``label_end`` (or else ``prediction_time``), as ISO 8601.

    A model keeps them, so that its training rows can be told in a log that has grown since. Nothing without rows.

    Examples
    --------
    >>> from datetime import datetime
    >>> import polars as pl
    >>> moments = [datetime(2024, 8, 2), datetime(2024, 8, 1)]
    >>> ends = [datetime(2024, 8, 9), datetime(2024, 8, 8)]
    >>> period_of(pl.DataFrame({"prediction_time": moments, "label_end": ends}))
    ['2024-08-01T00:00:00', '2024-08-09T00:00:00']
    """
    ends = LABEL_END if LABEL_END in rows.columns else PREDICTION_TIME
    moments: list[datetime | None] = [
        rows.select(PREDICTION_TIME).to_series().min(),  # type: ignore[list-item]
        rows.select(ends).to_series().max(),  # type: ignore[list-item]
    ]
    return [moment.isoformat() for moment in moments if moment is not None]
