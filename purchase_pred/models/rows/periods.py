"""The time that rows lie in: from the first prediction to the end of the last label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.schema import LABEL_END, PREDICTION_TIME

if TYPE_CHECKING:
    from datetime import datetime

    from purchase_pred.models.rows.feature_rows import FeatureRows


def period_of(rows: FeatureRows, /) -> list[str]:
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
    ends = LABEL_END if LABEL_END in rows.collect_schema().names() else PREDICTION_TIME
    first_and_last = rows.lazy().select(first=pl.col(PREDICTION_TIME).min(), last=pl.col(ends).max())
    moments: tuple[datetime | None, ...] = first_and_last.collect().row(0)
    return [moment.isoformat() for moment in moments if moment is not None]
