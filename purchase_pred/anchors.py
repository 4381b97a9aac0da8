"""Prediction points at the close of sessions and within them: who is asked about, about what, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, get_args

import polars as pl

from purchase_pred.durations import parse_silence
from purchase_pred.schema import (
    ADD_TO_CART,
    EVENT_ID,
    EVENT_ORDER,
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
from purchase_pred.sessions import session_starts

if TYPE_CHECKING:
    from datetime import datetime

EVENT_NUMBER: Final = "event_number"
_SESSION: Final = (USER_ID, SESSION_INDEX)
_TICK: Final = timedelta(microseconds=1)

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
    number = (row - pl.when(session_starts()).then(row).forward_fill() + 1).cast(pl.UInt32)
    asked = {
        "event": pl.col(EVENT_NUMBER) % every == 0,
        "add_to_cart": _is_type(ADD_TO_CART),
        "session_start": pl.col(EVENT_NUMBER) == 1,
    }[at]
    return (
        sessionized.sort(EVENT_ORDER)
        .with_columns(number.alias(EVENT_NUMBER), (pl.col(TIMESTAMP) + _TICK).alias(PREDICTION_TIME))
        .filter(asked)
        .select(*_SESSION, ITEM_ID, PREDICTION_TIME, EVENT_NUMBER)
    )


def _is_type(name: str) -> pl.Expr:
    return pl.col(EVENT_TYPE).cast(pl.String) == name


def _require(sessionized: pl.LazyFrame, /, *columns: str) -> None:
    kinds: dict[str, Requirement] = {EVENT_TYPE: NAMED_KIND}
    names = (*_SESSION, *columns)
    require(
        sessionized, {name: kinds.get(name, IDENTIFIER) for name in names} | {TIMESTAMP: TIME_DTYPE}, what="sessionized"
    )
