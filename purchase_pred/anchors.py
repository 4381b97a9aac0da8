"""Prediction points: who is asked about, about what, and when."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, get_args

import polars as pl

from purchase_pred.durations import microseconds, parse_silence
from purchase_pred.schema import (
    ADD_TO_CART,
    EVENT_ID,
    EVENT_TYPE,
    IDENTIFIER,
    ITEM_ID,
    NAMED_KIND,
    PREDICTION_TIME,
    SESSION_INDEX,
    TIME_DTYPE,
    TIMESTAMP,
    USER_ID,
    VIEW,
    Requirement,
    instant,
    require,
)

EVENT_NUMBER: Final = "event_number"
_SESSION: Final = (USER_ID, SESSION_INDEX)
_TICK: Final = timedelta(microseconds=1)
_DAY: Final = microseconds("1d")
_FROM: Final = "from_step"
_UNTIL: Final = "until_step"

_InSession = Literal["event", "add_to_cart", "session_start"]


def session_close_anchors(
    sessionized: pl.LazyFrame, /, *, gap: timedelta | str = timedelta(minutes=30), end: datetime | None = None
) -> pl.LazyFrame:
    """Ask, when a session is known to be over, about every item that was viewed in it.

    T = last event of the session + `gap`. A session that is not yet closed when the log ends, T > `end`, gives no
    row.

    Parameters
    ----------
    sessionized
        Columns ``user_id``, ``session_index``, ``timestamp``, ``event_type``, ``item_id``, in any order.
    gap
        The inactivity threshold that the sessions were made with.
    end
        The moment up to which the log is known, aware; None: its last event.

    Returns
    -------
    LazyFrame
        ``user_id``, ``session_index``, ``item_id``, ``prediction_time``, one row per user, session and item viewed in
        it, sorted by these.

    Raises
    ------
    SchemaError
        A column is missing or has another dtype.
    ValueError
        `gap` is no duration, or negative; `end` has no time zone.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> sessionized = pl.LazyFrame(
    ...     {
    ...         "user_id": [7, 7, 8],
    ...         "session_index": [1, 1, 1],
    ...         "timestamp": [datetime(2024, 8, 1, hour, tzinfo=timezone.utc) for hour in (0, 0, 9)],
    ...         "event_type": ["view", "view", "view"],
    ...         "item_id": [3, 3, 4],
    ...     },
    ...     schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    ... )
    >>> session_close_anchors(sessionized).collect().rows()
    [(7, 1, 3, datetime.datetime(2024, 8, 1, 0, 30, tzinfo=zoneinfo.ZoneInfo(key='UTC')))]
    """
    _require(sessionized, ITEM_ID, EVENT_TYPE)
    closes = pl.col(TIMESTAMP).max().over(*_SESSION) + parse_silence(gap)
    known = pl.col(TIMESTAMP).max() if end is None else instant(end, what="end").alias(TIMESTAMP)
    return (
        sessionized.select(*_SESSION, ITEM_ID, EVENT_TYPE, closes.alias(PREDICTION_TIME), known)
        .filter(_is_type(VIEW), pl.col(PREDICTION_TIME) <= pl.col(TIMESTAMP), pl.col(ITEM_ID).is_not_null())
        .select(*_SESSION, ITEM_ID, PREDICTION_TIME)
        .unique()
        .sort(*_SESSION, ITEM_ID)
    )


def in_session_anchors(
    sessionized: pl.LazyFrame,
    /,
    *,
    every: int = 1,
    at: _InSession = "event",
) -> pl.LazyFrame:
    """Ask within a session, right after an event: T = the event + 1 us, so that it and its ties are seen.

    Parameters
    ----------
    sessionized
        Columns ``event_id``, ``user_id``, ``session_index``, ``timestamp``, ``item_id`` (and ``event_type`` for
        ``at="add_to_cart"``), in any order.
    every
        Ask after the k-th, 2k-th ... event of the session, by (timestamp, event_id).
    at
        After those events (``"event"``), after every `add_to_cart`, or after the session's first event only.

    Returns
    -------
    LazyFrame
        ``user_id``, ``session_index``, ``item_id`` (the event's), ``prediction_time`` and ``event_number`` (UInt32, the
        event's place in its session, from 1), sorted by (user_id, session_index, event_number).

    Raises
    ------
    SchemaError
        A column is missing or has another dtype.
    ValueError
        `every` is no whole number of 1 or more, or `at` is none of these.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> sessionized = pl.LazyFrame(
    ...     {
    ...         "event_id": [0, 1],
    ...         "user_id": [7, 7],
    ...         "session_index": [1, 1],
    ...         "timestamp": [datetime(2024, 8, 1, hour, tzinfo=timezone.utc) for hour in (0, 1)],
    ...         "item_id": [3, 4],
    ...     },
    ...     schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    ... )
    >>> in_session_anchors(sessionized, every=2).select("item_id", "event_number").collect().rows()
    [(4, 2)]
    """
    if not isinstance(every, int) or every < 1:
        raise ValueError(f"every counts events, so it must be a whole number, 1 or more, found {every!r}")
    if at not in get_args(_InSession):
        raise ValueError(f"at must be one of {', '.join(get_args(_InSession))}, found {at!r}")
    _require(sessionized, EVENT_ID, ITEM_ID, *([EVENT_TYPE] if at == "add_to_cart" else []))
    row = pl.int_range(pl.len(), dtype=pl.Int64)
    starts = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in _SESSION) | (row == 0)
    number = (row - pl.when(starts).then(row).forward_fill() + 1).cast(pl.UInt32)
    asked = {
        "event": pl.col(EVENT_NUMBER) % every == 0,
        "add_to_cart": _is_type(ADD_TO_CART),
        "session_start": pl.col(EVENT_NUMBER) == 1,
    }[at]
    return (
        sessionized.sort(USER_ID, TIMESTAMP, EVENT_ID)
        .with_columns(number.alias(EVENT_NUMBER), (pl.col(TIMESTAMP) + _TICK).alias(PREDICTION_TIME))
        .filter(asked)
        .select(*_SESSION, ITEM_ID, PREDICTION_TIME, EVENT_NUMBER)
    )


def calendar_anchors(
    sessionized: pl.LazyFrame,
    /,
    *,
    every: timedelta | str = "30d",
    start: date | datetime | None = None,
    end: datetime | None = None,
    level: Literal["user", "user_item"] = "user",
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
    if level not in {"user", "user_item"}:
        raise ValueError(f"level must be user or user_item, found {level!r}")
    per_item = level == "user_item"
    step = _longer_than_zero("every", every)
    reach = every if per_item and active_within is None else active_within
    active = None if reach is None else _longer_than_zero("active_within", reach)
    _require(sessionized, *([ITEM_ID] if per_item else []), session=False)
    key = [USER_ID, ITEM_ID] if per_item else [USER_ID]
    moment = pl.col(TIMESTAMP).to_physical()
    origin = moment.min() // _DAY * _DAY + step if start is None else pl.lit(_instant(start), dtype=pl.Int64)
    known = moment.max() if end is None else pl.lit(_instant(end), dtype=pl.Int64)
    final = (known - origin) // step
    until = final if active is None else pl.min_horizontal((moment + active - origin) // step, final)
    spans = sessionized.select(
        *key, ((moment - origin) // step + 1).clip(0).alias(_FROM), until.alias(_UNTIL), origin.alias("origin")
    )
    at = (pl.col("origin") + pl.col("step") * step).cast(TIME_DTYPE)
    return (
        _every_step(spans, key, forever=active is None)
        .select(*key, at.alias(PREDICTION_TIME))
        .unique()
        .sort(*key, PREDICTION_TIME)
    )


def _every_step(spans: pl.LazyFrame, key: list[str], *, forever: bool) -> pl.LazyFrame:
    """Return a row per step of the calendar, both ends included, in any of the spans; some may come twice.

    Who is asked about for ever after needs the first span only; of spans that begin alike the longest is enough.
    """
    if forever:
        merged = spans.group_by(key).agg(pl.col(_FROM).min(), pl.col(_UNTIL, "origin").first())
    else:
        merged = spans.group_by(*key, _FROM).agg(pl.col(_UNTIL).max(), pl.col("origin").first())
    steps = pl.int_ranges(_FROM, pl.max_horizontal(pl.col(_UNTIL) + 1, _FROM))
    return merged.with_columns(steps.alias("step")).explode("step", empty_as_null=True).drop_nulls("step")


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


def _is_type(name: str) -> pl.Expr:
    return pl.col(EVENT_TYPE).cast(pl.String) == name


def _require(sessionized: pl.LazyFrame, /, *columns: str, session: bool = True) -> None:
    kinds: dict[str, Requirement] = {EVENT_TYPE: NAMED_KIND}
    names = (*_SESSION, *columns) if session else (USER_ID, *columns)
    require(
        sessionized, {name: kinds.get(name, IDENTIFIER) for name in names} | {TIMESTAMP: TIME_DTYPE}, what="sessionized"
    )
