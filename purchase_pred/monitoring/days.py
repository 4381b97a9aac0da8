"""Days of a log, each reduced to a few figures that can be compared with those of other days."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from purchase_pred.schema import EVENT_TYPE, IDENTIFIER, ITEM_ID, NAMED_KIND, PRICE, TIME_DTYPE, TIMESTAMP, USER_ID
from purchase_pred.schema import require as _require

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from purchase_pred.schema import Requirement

DAY, SUBJECT, FIGURE, LEVEL = "day", "subject", "figure", "level"
USERS: Final = "users"
"""The subject of `daily_volumes` that counts people and not events."""
PRICE_LEVEL, PRICE_JUMPS = "price level", "price jumps"

_ORDINARY: Final = 0.999
"""Of a thousand users on a day all but one are no more active than is usual."""
_JUMP: Final = math.log(2.0)
_LEAST_PRICES: Final = 3
_COUNT, _USUAL = "__count", "__usual"


def daily_volumes(events: pl.LazyFrame, /, *, first: date, last: date) -> pl.LazyFrame:
    """Count the events of each type on each UTC day of [first, last], and the users; days without any count as zero.

    Parameters
    ----------
    events
        ``user_id``, ``timestamp``, ``event_type``, in any order.
    first, last
        The first and the last day.

    Returns
    -------
    LazyFrame
        ``day`` (Date), ``subject`` (String: the event type, or `users`), ``figure`` (Float64, the count) and ``level``
        (2 sqrt(count + 3/8), whose variance is 1 for a Poisson count: Anscombe 1948), sorted by subject and day. Types
        are those that occur on any of the days.

    Raises
    ------
    SchemaError
        A column is missing or has another dtype.

    Examples
    --------
    >>> from datetime import date, datetime, timezone
    >>> at = datetime(2024, 8, 1, 12, tzinfo=timezone.utc)
    >>> events = pl.LazyFrame(
    ...     {"user_id": [1, 1, 2], "event_type": ["view", "view", "view"], "timestamp": [at, at, at]},
    ...     schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    ... )
    >>> counted = daily_volumes(events, first=date(2024, 8, 1), last=date(2024, 8, 2)).collect()
    >>> counted.select("subject", "day", "figure").rows()
    [('users', datetime.date(2024, 8, 1), 2.0), ('users', datetime.date(2024, 8, 2), 0.0), ('view', datetime.date(2024, 8, 1), 3.0), ('view', datetime.date(2024, 8, 2), 0.0)]
    """  # noqa: E501  (the rows are one line)
    known = events_of_days(events, first, last, {EVENT_TYPE: NAMED_KIND})
    kinds = known.group_by(DAY, pl.col(EVENT_TYPE).cast(pl.String).alias(SUBJECT)).agg(pl.len().alias(_COUNT))
    people = known.group_by(DAY).agg(pl.lit(USERS).alias(SUBJECT), pl.col(USER_ID).n_unique().alias(_COUNT))
    counted = pl.concat([kinds, people.select(kinds.collect_schema().names())])
    grid = _days(first, last).join(counted.select(SUBJECT).unique(), how="cross")
    figure = pl.col(_COUNT).cast(pl.Float64).fill_null(0.0)
    return (
        grid.join(counted, on=[DAY, SUBJECT], how="left")
        .select(DAY, SUBJECT, figure.alias(FIGURE), (2.0 * (figure + 0.375).sqrt()).alias(LEVEL))
        .sort(SUBJECT, DAY)
    )


def daily_prices(events: pl.LazyFrame, /, *, first: date, last: date, usual_until: date) -> pl.LazyFrame:
    """Compare the prices of each day with what the same items usually cost, so that the assortment plays no part.

    An item's usual price is the median of its prices in [first, usual_until), of at least three.

    Parameters
    ----------
    events
        ``user_id``, ``timestamp``, ``item_id``, ``price``, in any order; prices that are null or not above 0 are not
        looked at.
    first, last
        The first and the last day.
    usual_until
        The day before which prices are usual.

    Returns
    -------
    LazyFrame
        ``day``, ``subject``, ``figure``, ``level``, of the days with prices: `price level`, the median of price / usual
        price (its level is the logarithm), and `price jumps`, the share of prices beyond twice or below half of the
        usual one.

    Raises
    ------
    SchemaError
        A column is missing or has another dtype.

    Examples
    --------
    An item that cost 10 three times on the first day costs 12 and 30 on the second.

    >>> from datetime import UTC, date, datetime
    >>> times = [datetime(2024, 8, day, 9, tzinfo=UTC) for day in (1, 1, 1, 2, 2)]
    >>> prices = {"user_id": [7] * 5, "timestamp": times, "item_id": [3] * 5, "price": [10.0, 10.0, 10.0, 12.0, 30.0]}
    >>> days = {"first": date(2024, 8, 1), "last": date(2024, 8, 2), "usual_until": date(2024, 8, 2)}
    >>> found = daily_prices(pl.LazyFrame(prices), **days).collect()
    >>> found.select(pl.col("day").dt.day(), "subject", pl.col("figure").round(3)).rows()
    [(1, 'price jumps', 0.0), (2, 'price jumps', 0.5), (1, 'price level', 1.0), (2, 'price level', 1.897)]
    """
    known = events_of_days(events, first, last, {ITEM_ID: IDENTIFIER, PRICE: pl.Float64}).filter(pl.col(PRICE) > 0)
    usual = (
        known.filter(pl.col(DAY) < usual_until)
        .group_by(ITEM_ID)
        .agg(pl.col(PRICE).log().median().alias(_USUAL), pl.len().alias(_COUNT))
        .filter(pl.col(_COUNT) >= _LEAST_PRICES)
    )
    ratio = pl.col(PRICE).log() - pl.col(_USUAL)
    found = (
        known.join(usual, on=ITEM_ID)
        .group_by(DAY)
        .agg(ratio.median().alias(PRICE_LEVEL), (ratio.abs() > _JUMP).mean().alias(PRICE_JUMPS))
        .unpivot([PRICE_LEVEL, PRICE_JUMPS], index=DAY, variable_name=SUBJECT, value_name=LEVEL)
    )
    figure = pl.when(pl.col(SUBJECT) == PRICE_LEVEL).then(pl.col(LEVEL).exp()).otherwise(LEVEL)
    return found.select(DAY, SUBJECT, figure.alias(FIGURE), LEVEL).sort(SUBJECT, DAY)


def daily_concentration(events: pl.LazyFrame, /, *, first: date, last: date, usual_until: date) -> pl.LazyFrame:
    """Tell which share of each day's events is more than what 999 in 1,000 users make on a day.

    Of whoever makes more, only what is beyond that counts; the quantile is that of the days in [first, usual_until),
    each user and day being one.

    Returns
    -------
    LazyFrame
        ``day``, ``subject`` (`most active`), ``figure`` and ``level`` (both the share, 0 to 1), of the days with
        events, sorted by day.

    Raises
    ------
    SchemaError
        A column is missing or has another dtype.

    Examples
    --------
    >>> from datetime import date, datetime, timezone
    >>> at = [datetime(2024, 8, day, 12, tzinfo=timezone.utc) for day in (1, 1, 2, 2, 2, 2, 2)]
    >>> events = pl.LazyFrame(
    ...     {"user_id": [1, 1, 1, 1, 1, 1, 2], "timestamp": at},
    ...     schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    ... )
    >>> days = {"first": date(2024, 8, 1), "last": date(2024, 8, 2), "usual_until": date(2024, 8, 2)}
    >>> daily_concentration(events, **days).collect()["figure"].to_list()
    [0.0, 0.4]
    """
    counted = (
        events_of_days(events, first, last, {}).group_by(DAY, USER_ID).agg(pl.len().cast(pl.Float64).alias(_COUNT))
    )
    usual = counted.filter(pl.col(DAY) < usual_until).select(pl.col(_COUNT).quantile(_ORDINARY, "higher").alias(_USUAL))
    beyond = (pl.col(_COUNT) - pl.col(_USUAL)).clip(lower_bound=0.0)
    return (
        counted.join(usual, how="cross")
        .group_by(DAY)
        .agg((beyond.sum() / pl.col(_COUNT).sum()).alias(FIGURE))
        .select(DAY, pl.lit("most active").alias(SUBJECT), FIGURE, pl.col(FIGURE).alias(LEVEL))
        .sort(DAY)
    )


def events_of_days(
    events: pl.LazyFrame, first: date, last: date, columns: Mapping[str, Requirement], /
) -> pl.LazyFrame:
    """Return ``user_id``, ``timestamp``, some columns more and ``day`` of the events of the UTC days [first, last].

    Raises
    ------
    SchemaError
        A column is missing or has another dtype.
    """
    wanted: dict[str, Requirement] = {USER_ID: IDENTIFIER, TIMESTAMP: TIME_DTYPE, **columns}
    day: Any = pl.col(TIMESTAMP).dt.date()
    return (
        _require(events, wanted, what="events")
        .select(*wanted, day.alias(DAY))
        .filter(pl.col(DAY).is_between(pl.lit(first), pl.lit(last)))
    )


def _days(first: date, last: date) -> pl.LazyFrame:
    return pl.LazyFrame({DAY: pl.date_range(first, last, eager=True)})
