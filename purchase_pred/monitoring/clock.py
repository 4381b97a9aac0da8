"""The hours of the day at which people are active, by which a shifted clock is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.monitoring.days import DAY, FIGURE, LEVEL, SUBJECT, events_of_days
from purchase_pred.schema import TIMESTAMP, USER_ID

if TYPE_CHECKING:
    from datetime import date

HOUR: Final = "hour"
SHARE: Final = "share"

_HOURS: Final = 24
_HALF: Final = 0.5
_COUNT, _USUAL = "__count", "__usual"


def hour_profiles(events: pl.LazyFrame, /, *, first: date, last: date) -> pl.LazyFrame:
    """Return how the activity of each UTC day falls on its hours, by users: whoever clicks much counts once an hour.

    Returns
    -------
    LazyFrame
        ``day``, ``hour`` (0 to 23, all of them) and ``share`` (Float64, 1 in all), of the days with events, sorted.

    Raises
    ------
    SchemaError
        A column is missing or has another dtype.
    """
    known = events_of_days(events, first, last, {})
    counted = known.group_by(DAY, pl.col(TIMESTAMP).dt.hour().cast(pl.Int64).alias(HOUR)).agg(
        pl.col(USER_ID).n_unique().alias(_COUNT)
    )
    hours = pl.LazyFrame({HOUR: pl.int_range(_HOURS, eager=True)})
    return (
        counted.select(DAY)
        .unique()
        .join(hours, how="cross")
        .join(counted, on=[DAY, HOUR], how="left")
        .with_columns(pl.col(_COUNT).fill_null(0).cast(pl.Float64))
        .select(DAY, HOUR, (pl.col(_COUNT) / pl.col(_COUNT).sum().over(DAY)).alias(SHARE))
        .sort(DAY, HOUR)
    )


def daily_hours(profiles: pl.LazyFrame, /, *, usual_until: date) -> pl.LazyFrame:
    """Tell which share of each day's activity lies in other hours than before a day, the total variation distance.

    Parameters
    ----------
    profiles
        As `hour_profiles` returns them.
    usual_until
        The day before which hours are usual; their mean is what each day is held against.

    Returns
    -------
    LazyFrame
        ``day``, ``subject`` (`hours`), ``figure`` and ``level`` (both the distance, 0 to 1), sorted by day.
    """
    distance = (pl.col(SHARE) - pl.col(_USUAL)).abs().sum() / 2.0
    return (
        profiles.join(_usual(profiles, usual_until), on=HOUR)
        .group_by(DAY)
        .agg(pl.lit("hours").alias(SUBJECT), distance.alias(FIGURE), distance.alias(LEVEL))
        .sort(DAY)
    )


def clock_shift(profiles: pl.LazyFrame, /, *, usual_until: date) -> pl.LazyFrame:
    """Tell by how many hours the clock would have to be put back for each day to be most like the days before.

    Parameters
    ----------
    profiles
        As `hour_profiles` returns them.
    usual_until
        The day before which hours are usual; only later days are looked at.

    Returns
    -------
    LazyFrame
        ``day`` and ``shift`` (Int64, -11 to 12; of equals the smaller), sorted by day. 0 where no shift leaves less
        than half of the distance, as on the day on which the clock was moved.

    Examples
    --------
    Two users come at 9 and at 20 on two days, and on the third by a clock that is two hours ahead.

    >>> from datetime import UTC, date, datetime
    >>> hours = ((1, 9), (1, 20), (2, 9), (2, 20), (3, 11), (3, 22))
    >>> times = [datetime(2024, 8, day, hour, tzinfo=UTC) for day, hour in hours]
    >>> events = pl.LazyFrame({"user_id": [1, 2] * 3, "timestamp": times})
    >>> profiles = hour_profiles(events, first=date(2024, 8, 1), last=date(2024, 8, 3))
    >>> clock_shift(profiles, usual_until=date(2024, 8, 3)).collect().rows()
    [(datetime.date(2024, 8, 3), 2)]
    """
    shifts = pl.LazyFrame({"shift": pl.int_range(-_HOURS // 2 + 1, _HOURS // 2 + 1, eager=True)})
    back = (pl.col(HOUR) - pl.col("shift")) % _HOURS
    return (
        profiles.filter(pl.col(DAY) >= usual_until)
        .join(shifts, how="cross")
        .with_columns(back.alias(HOUR))
        .join(_usual(profiles, usual_until), on=HOUR)
        .group_by(DAY, "shift")
        .agg((pl.col(SHARE) - pl.col(_USUAL)).abs().sum().round(9).alias(FIGURE))
        .with_columns(unshifted=pl.col(FIGURE).filter(pl.col("shift") == 0).sum().over(DAY))
        .sort(DAY, FIGURE, pl.col("shift").abs(), "shift")
        .unique(DAY, keep="first", maintain_order=True)
        .select(DAY, pl.when(pl.col(FIGURE) < _HALF * pl.col("unshifted")).then("shift").otherwise(0).alias("shift"))
    )


def _usual(profiles: pl.LazyFrame, until: date) -> pl.LazyFrame:
    return profiles.filter(pl.col(DAY) < until).group_by(HOUR).agg(pl.col(SHARE).mean().alias(_USUAL))
