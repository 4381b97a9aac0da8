"""New days held against a history of their own, by medians, so that a bad day in the history hides no later one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.monitoring.days import DAY, FIGURE, LEVEL, SUBJECT

if TYPE_CHECKING:
    from datetime import date

EXPECTED, DEVIATION = "expected", "deviation"

_MAD_TO_SD: Final = 1.4826
"""Standard deviations of a normal variable in its median absolute deviation."""
_LEAST_OF_A_WEEKDAY: Final = 3
_LEAST_DAYS: Final = 14
_WEEKDAY, _USUAL, _SPREAD, _OFF = "__weekday", "__usual", "__spread", "__off"


def against_history(days: pl.LazyFrame, /, *, since: date, weekdays: bool, floor: float) -> pl.LazyFrame:
    """Compare each day from `since` on with the days before.

    What is expected of a day is the median of the earlier days of its weekday, of at least three, or else of all
    earlier days. How far days may lie off is told by the median absolute deviation of the earlier days from what would
    have been expected of them, times 1.4826.

    Parameters
    ----------
    days
        ``day``, ``subject``, ``figure`` and ``level``, the scale on which days are compared.
    since
        The first new day.
    weekdays
        Compare Mondays with Mondays.
    floor
        Standard deviation of the level at the least.

    Returns
    -------
    LazyFrame
        One row per subject and new day, sorted: ``day``, ``subject``, ``figure``, ``expected`` (of the figure) and
        ``deviation`` (of the level, in robust standard deviations), both null with fewer than 14 earlier days.

    Examples
    --------
    >>> from datetime import date, timedelta
    >>> first = date(2024, 8, 1)
    >>> counts = [100.0, 102.0] * 14 + [50.0]
    >>> days = pl.LazyFrame(
    ...     {"day": pl.date_range(first, first + timedelta(days=28), eager=True), "subject": "view",
    ...      "figure": counts, "level": counts}
    ... )
    >>> found = against_history(days, since=date(2024, 8, 29), weekdays=False, floor=1.0).collect()
    >>> found.select("subject", "figure", "expected", pl.col("deviation").round(1)).rows()
    [('view', 50.0, 101.0, -34.4)]
    """
    by = [SUBJECT, _WEEKDAY] if weekdays else [SUBJECT]
    marked = days.with_columns(pl.col(DAY).dt.weekday().alias(_WEEKDAY))
    before = marked.filter(pl.col(DAY) < since)
    overall = before.group_by(SUBJECT).agg(
        pl.col(FIGURE).median().alias(f"{FIGURE}_all"), pl.col(LEVEL).median().alias(f"{LEVEL}_all"), days=pl.len()
    )
    usual = before.group_by(by).agg(
        pl.col(FIGURE).median().alias(EXPECTED), pl.col(LEVEL).median().alias(_USUAL), own=pl.len()
    )
    enough = pl.col("own").fill_null(0) >= _LEAST_OF_A_WEEKDAY
    expecting = (
        marked.join(usual, on=by, how="left")
        .join(overall, on=SUBJECT, how="left")
        .with_columns(
            pl.when(enough).then(EXPECTED).otherwise(f"{FIGURE}_all").alias(EXPECTED),
            (pl.col(LEVEL) - pl.when(enough).then(_USUAL).otherwise(f"{LEVEL}_all")).alias(_OFF),
        )
    )
    spread = (
        expecting.filter(pl.col(DAY) < since)
        .group_by(SUBJECT)
        .agg((pl.col(_OFF).abs().median() * _MAD_TO_SD).clip(lower_bound=floor).alias(_SPREAD))
    )
    known = pl.col("days") >= _LEAST_DAYS
    return (
        expecting.filter(pl.col(DAY) >= since)
        .join(spread, on=SUBJECT, how="left")
        .select(
            DAY,
            SUBJECT,
            FIGURE,
            pl.when(known).then(EXPECTED).alias(EXPECTED),
            pl.when(known).then(pl.col(_OFF) / pl.col(_SPREAD)).alias(DEVIATION),
        )
        .sort(SUBJECT, DAY)
    )
