"""Sessions: runs of a user's events that no silence longer than the threshold interrupts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.arithmetic import run_starts, running_count
from purchase_pred.durations import parse_silence
from purchase_pred.schema import (
    EVENT_ID,
    EVENT_ORDER,
    EVENT_TYPE,
    EVENT_TYPES,
    IDENTIFIER,
    ITEM_ID,
    NAMED_KIND,
    SESSION_INDEX,
    TIME_DTYPE,
    TIMESTAMP,
    USER_ID,
    require,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

"""The order of sessionized events; ties in time are ordered by event_id."""


def sessionize(events: pl.LazyFrame, /, *, gap: timedelta | str = timedelta(minutes=30)) -> pl.LazyFrame:
    """Give each user's sessions the numbers 1, 2, 3 ... in time.

    A session ends when the user is silent for longer than `gap`; a silence of exactly `gap` continues it.
    A number never changes when later events are appended.

    Parameters
    ----------
    events
        Columns ``event_id`` (integer), ``user_id``, ``timestamp`` (Datetime("us", "UTC")), in any order. An event
        without a time is no one's: it is kept, before the user's first, and no feature or label sees it; better drop it
        first (``drop_nulls("timestamp")``), as ``ingest`` does.
    gap
        The longest silence within a session.

    Returns
    -------
    LazyFrame
        The events and ``session_index`` (UInt32), sorted by (user_id, timestamp, event_id).

    Raises
    ------
    SchemaError
        A column is missing or has another dtype.
    ValueError
        `gap` is no duration, or negative.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> at = lambda minute: datetime(2024, 8, 1, 0, minute, tzinfo=timezone.utc)
    >>> events = pl.LazyFrame(
    ...     {"event_id": [0, 1, 2], "user_id": [7, 7, 7], "timestamp": [at(0), at(30), at(59)]},
    ...     schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    ... )
    >>> sessionize(events).collect()["session_index"].to_list()
    [1, 1, 1]
    >>> sessionize(events, gap=timedelta(minutes=29)).collect()["session_index"].to_list()
    [1, 2, 2]
    """
    _require_log(events)
    silence = pl.col(TIMESTAMP) - pl.col(TIMESTAMP).shift(1)
    return _numbered(events, starts=silence > parse_silence(gap))


def sessionize_by_intent(
    events: pl.LazyFrame, /, *, boundary_events: Sequence[str] = ("purchase", "add_to_cart")
) -> pl.LazyFrame:
    """Give each user's episodes the numbers 1, 2, 3 ...; an episode ends with an event of a boundary type.

    The boundary event belongs to the episode that it ends; the user's next event, however soon, starts another.

    Parameters
    ----------
    events
        As for `sessionize`, with ``event_type``.
    boundary_events
        Event types that end an episode.

    Returns
    -------
    LazyFrame
        The events and ``session_index`` (UInt32), sorted by (user_id, timestamp, event_id).

    Raises
    ------
    SchemaError
        A column is missing or has another dtype.
    ValueError
        A boundary is not an event type.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> events = pl.LazyFrame(
    ...     {
    ...         "event_id": [0, 1, 2],
    ...         "user_id": [7, 7, 7],
    ...         "timestamp": [datetime(2024, 8, 1, hour, tzinfo=timezone.utc) for hour in range(3)],
    ...         "event_type": ["view", "purchase", "view"],
    ...     },
    ...     schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    ... )
    >>> sessionize_by_intent(events).collect()["session_index"].to_list()
    [1, 1, 2]
    """
    _require_log(events)
    unknown = sorted(set(boundary_events) - set(EVENT_TYPES))
    if unknown:
        raise ValueError(f"boundary_events must be of {', '.join(EVENT_TYPES)}, found {', '.join(unknown)}")
    ended = pl.col(EVENT_TYPE).cast(pl.String).is_in(list(boundary_events)).shift(1)
    return _numbered(events, starts=ended)


def session_starts() -> pl.Expr:
    """Tell of each event whether a session begins with it, where the events of a session follow each other.

    Reads ``user_id`` and ``session_index``.

    Examples
    --------
    >>> import polars as pl
    >>> events = pl.DataFrame({"user_id": [7, 7, 7, 8], "session_index": [1, 1, 2, 2]})
    >>> events.select(session_starts()).to_series().to_list()
    [True, False, True, True]
    """
    return run_starts(USER_ID, SESSION_INDEX)


def session_table(sessionized: pl.LazyFrame, /) -> pl.LazyFrame:
    """Describe each session in one row.

    Parameters
    ----------
    sessionized
        Columns ``user_id``, ``session_index``, ``timestamp``, ``event_type``, ``item_id``.

    Returns
    -------
    LazyFrame
        Sorted by (user_id, session_index): ``user_id``, ``session_index``, ``start`` and ``end`` (first and last event,
        both inclusive), ``event_count`` (UInt32), one ``{event_type}_count`` (UInt32) per event type and
        ``unique_items`` (UInt32).

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> sessionized = pl.LazyFrame(
    ...     {
    ...         "user_id": [7, 7],
    ...         "session_index": [1, 1],
    ...         "timestamp": [datetime(2024, 8, 1, hour, tzinfo=timezone.utc) for hour in range(2)],
    ...         "event_type": ["view", "purchase"],
    ...         "item_id": [3, 3],
    ...     }
    ... )
    >>> session_table(sessionized).select("event_count", "purchase_count", "unique_items").collect().row(0)
    (2, 1, 1)
    """
    require(
        sessionized,
        dict.fromkeys((USER_ID, SESSION_INDEX, ITEM_ID), IDENTIFIER) | {TIMESTAMP: pl.Datetime, EVENT_TYPE: NAMED_KIND},
        what="sessionized",
    )
    of_type = pl.col(EVENT_TYPE).cast(pl.String)
    return (
        sessionized.group_by(USER_ID, SESSION_INDEX)
        .agg(
            pl.col(TIMESTAMP).min().alias("start"),
            pl.col(TIMESTAMP).max().alias("end"),
            pl.len().cast(pl.UInt32).alias("event_count"),
            *((of_type == name).sum().cast(pl.UInt32).alias(f"{name}_count") for name in EVENT_TYPES),
            pl.col(ITEM_ID).drop_nulls().n_unique().cast(pl.UInt32).alias("unique_items"),
        )
        .sort(USER_ID, SESSION_INDEX)
    )


def _require_log(events: pl.LazyFrame) -> None:
    require(events, {EVENT_ID: IDENTIFIER, USER_ID: IDENTIFIER, TIMESTAMP: TIME_DTYPE}, what="events")


def _numbered(events: pl.LazyFrame, *, starts: pl.Expr) -> pl.LazyFrame:
    """Count the starts up to each event; what other users started before cancels in the difference."""
    first = run_starts(USER_ID)
    started = running_count(first | starts)
    earlier = pl.when(first).then(started - 1).forward_fill()
    return events.sort(EVENT_ORDER).with_columns((started - earlier).cast(pl.UInt32).alias(SESSION_INDEX))
