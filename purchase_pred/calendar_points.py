"""Prediction points on a calendar: everyone who was active before, at every step."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

import polars as pl

from purchase_pred.durations import microseconds
from purchase_pred.schema import IDENTIFIER, ITEM_ID, PREDICTION_TIME, TIME_DTYPE, TIMESTAMP, USER_ID, require

Level = Literal["user", "user_item"]

_TICK: Final = timedelta(microseconds=1)
_DAY: Final = microseconds("1d")
_FROM: Final = "from_step"
_AFTER: Final = "after_step"
_STEP: Final = "step"
_ORIGIN: Final = "origin"


def calendar_anchors(
    sessionized: pl.LazyFrame,
    /,
    *,
    every: timedelta | str = "30d",
    start: date | datetime | None = None,
    end: datetime | None = None,
    level: Level = "user",
    active_within: timedelta | str | None = None,
) -> pl.LazyFrame:
    """Ask on a calendar, T = start, start + every, ... up to `end`, about everyone who was active before T.

    Parameters
    ----------
    sessionized
        Columns ``user_id``, ``timestamp`` (and ``item_id`` for ``level="user_item"``), in any order.
    every
        The distance of two prediction points.
    start
        The first; a date is its midnight UTC. None: `every` after the midnight UTC before the first event.
    end
        The moment up to which the log is known, aware, and no T is later; None: its last event.
    level
        ``"user"``: one row per user. ``"user_item"``: one row per user and item.
    active_within
        Whoever, or whichever pair, has an event in [T - active_within, T) is asked about. None: users with an event
        before T, pairs with an event in [T - every, T).

    Returns
    -------
    LazyFrame
        ``user_id``, (``item_id``,) ``prediction_time``, sorted by these.

    Raises
    ------
    SchemaError
        A column is missing or has another dtype.
    ValueError
        `every` or `active_within` is not longer than zero, or `level` is neither.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> sessionized = pl.LazyFrame(
    ...     {"user_id": [7, 8], "timestamp": [datetime(2024, month, 1, tzinfo=timezone.utc) for month in (1, 3)]},
    ...     schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    ... )
    >>> calendar_anchors(sessionized).collect()["user_id"].to_list()
    [7, 7]
    >>> calendar_anchors(sessionized, active_within="45d").collect()["user_id"].to_list()
    [7]
    """
    spans, key, step = _spans(sessionized, every=every, start=start, end=end, level=level, active_within=active_within)
    steps = pl.int_ranges(_FROM, _AFTER)
    at = (pl.col(_ORIGIN) + pl.col(_STEP) * step).cast(TIME_DTYPE)
    return (
        spans.with_columns(steps.alias(_STEP))
        .explode(_STEP, empty_as_null=True)
        .drop_nulls(_STEP)
        .select(*key, at.alias(PREDICTION_TIME))
        .unique()
        .sort(*key, PREDICTION_TIME)
    )


def calendar_size(
    sessionized: pl.LazyFrame,
    /,
    *,
    every: timedelta | str = "30d",
    start: date | datetime | None = None,
    end: datetime | None = None,
    level: Level = "user",
    active_within: timedelta | str | None = None,
) -> pl.LazyFrame:
    """Tell how many rows `calendar_anchors` goes through, without making them.

    Of pairs that are active more than once within `active_within` some come twice, and are counted twice. Parameters
    and errors are those of `calendar_anchors`.

    Returns
    -------
    LazyFrame
        One row: ``rows``, Int128.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> sessionized = pl.LazyFrame(
    ...     {"user_id": [7, 8], "timestamp": [datetime(2024, month, 1, tzinfo=timezone.utc) for month in (1, 3)]},
    ...     schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    ... )
    >>> calendar_size(sessionized, every="1us").collect().item()
    5184000000000
    """
    spans, _, _ = _spans(sessionized, every=every, start=start, end=end, level=level, active_within=active_within)
    return spans.select((pl.col(_AFTER) - pl.col(_FROM)).cast(pl.Int128).sum().alias("rows"))


def _spans(
    sessionized: pl.LazyFrame,
    *,
    every: timedelta | str,
    start: date | datetime | None,
    end: datetime | None,
    level: Level,
    active_within: timedelta | str | None,
) -> tuple[pl.LazyFrame, list[str], int]:
    """Return who is asked about from which step on and before which, the key, and the length of a step.

    Who is asked about for ever after needs the first span only; of spans that begin alike the longest is enough.
    """
    if level not in {"user", "user_item"}:
        raise ValueError(f"level must be user or user_item, found {level!r}")
    per_item = level == "user_item"
    step = _longer_than_zero("every", every)
    reach = every if per_item and active_within is None else active_within
    active = None if reach is None else _longer_than_zero("active_within", reach)
    key = [USER_ID, ITEM_ID] if per_item else [USER_ID]
    require(sessionized, {**dict.fromkeys(key, IDENTIFIER), TIMESTAMP: TIME_DTYPE}, what="sessionized")
    moment = pl.col(TIMESTAMP).to_physical()
    origin = moment.min() // _DAY * _DAY + step if start is None else pl.lit(_instant(start), dtype=pl.Int64)
    known = moment.max() if end is None else pl.lit(_instant(end), dtype=pl.Int64)
    final = (known - origin) // step
    until = final if active is None else pl.min_horizontal((moment + active - origin) // step, final)
    spans = sessionized.select(
        *key, ((moment - origin) // step + 1).clip(0).alias(_FROM), (until + 1).alias(_AFTER), origin.alias(_ORIGIN)
    )
    if active is None:
        merged = spans.group_by(key).agg(pl.col(_FROM).min(), pl.col(_AFTER, _ORIGIN).first())
    else:
        merged = spans.group_by(*key, _FROM).agg(pl.col(_AFTER).max(), pl.col(_ORIGIN).first())
    return merged.with_columns(pl.max_horizontal(_AFTER, _FROM).alias(_AFTER)), key, step


def _longer_than_zero(name: str, duration: timedelta | str) -> int:
    """Return a duration in microseconds."""
    length = microseconds(duration)
    if length <= 0:
        raise ValueError(f"{name} must be longer than zero, found {duration!r}")
    return length


def _instant(start: date | datetime) -> int:
    """Return microseconds since the epoch; a date, or a time without a zone, is UTC."""
    if not isinstance(start, date):
        raise TypeError(f"start must be a date such as date(2024, 8, 1), found {start!r}")
    moment = start if isinstance(start, datetime) else datetime.combine(start, time())
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // _TICK
