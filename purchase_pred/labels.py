"""Labels: whether the purchase that a prediction at T is about happens in [T, T + horizon), or nothing does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.durations import parse_duration
from purchase_pred.errors import SchemaError
from purchase_pred.schema import (
    EVENT_ID,
    EVENT_TYPE,
    IDENTIFIER,
    ITEM_ID,
    LABEL,
    LABEL_END,
    NAMED_KIND,
    PREDICTION_TIME,
    PURCHASE,
    SESSION_INDEX,
    TIME_DTYPE,
    TIMESTAMP,
    USER_ID,
    Requirement,
    instant,
    require,
)
from purchase_pred.windows import last, window_features
from purchase_pred.windows.conditions import beyond_one_event

if TYPE_CHECKING:
    from datetime import datetime

    from purchase_pred.names import Level

LABEL_KEYS: Final[dict[Level, list[str]]] = {
    "user_item": [USER_ID, ITEM_ID],
    "user": [USER_ID],
    "session": [USER_ID, SESSION_INDEX],
}
"""The columns by which an event is one that the level asks about."""
_NEXT_TIME: Final = "__next_time"
_NEXT_SESSION: Final = "__next_session"
_SESSIONS_SO_FAR: Final = "__sessions_so_far"
_LOG_END: Final = "__log_end"


def label_purchases(
    anchors: pl.LazyFrame,
    events: pl.LazyFrame,
    /,
    *,
    horizon: timedelta | str,
    level: Level = "user_item",
    sessions: int | None = None,
    where: pl.Expr | None = None,
    end: datetime | None = None,
    time_column: str | None = None,
) -> pl.LazyFrame:
    """Tell whether a purchase happens in [T, T + horizon): an event at T counts, one at T + horizon does not.

    A label whose window runs past the end of the log is not known yet, and null, even where a purchase has been seen in
    the part that is: to keep the positives alone of such windows would make buyers look more frequent than they are.
    ``drop_nulls("label")`` leaves what can be learnt from.

    Parameters
    ----------
    anchors
        ``prediction_time`` and the key of the level: ``user_id`` and ``item_id`` (``"user_item"``), ``user_id``
        (``"user"``), ``user_id`` and ``session_index`` (``"session"``); in any order.
    events
        ``event_id``, ``timestamp``, ``event_type`` (unless there is a `where`) and the key; for `sessions` also
        ``session_index``; in any order. A purchase without a time never counts.
    horizon
        How far the label looks.
    level
        The user buys this item, buys anything, or this session still buys.
    sessions
        The purchase must also fall within the user's next so many sessions: the ``session_index`` of the purchase is at
        most that of the user's latest event before T plus `sessions`. What is left of a session in progress counts.
        The label is known after the whole horizon all the same, lest only those who come back soon have one.
    where
        Which events count in place of purchases, a Boolean expression that looks at each event by itself; null counts
        as false. ``pl.lit(True)`` at level ``"user"`` asks whether the user returns.
    end
        The moment up to which the log is known, aware; None: the last of `events`. To be given where `events` are not
        all of the log, such as those of some users.
    time_column
        The name of one more column: when the first purchase that makes the label 1 happens. None: no such column.

    Returns
    -------
    LazyFrame
        The anchors, in their order, with ``label_end`` = T + horizon and ``label`` (UInt8, 0 or 1; null without a T,
        and where ``label_end`` lies past the end of the log), and the time where it is asked for (Datetime("us",
        "UTC"), null where the label is not 1).

    Raises
    ------
    SchemaError
        A column is missing, has another dtype, or is already there.
    ValueError
        `horizon` is not longer than zero, `sessions` is no whole number of 1 or more, `where` looks at several events,
        or `end` is naive.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> at = lambda day: datetime(2024, 8, day, tzinfo=timezone.utc)
    >>> us = pl.Datetime("us", "UTC")
    >>> events = pl.LazyFrame(
    ...     {"event_id": [0], "user_id": [7], "item_id": [3], "timestamp": [at(8)], "event_type": ["purchase"]},
    ...     schema_overrides={"timestamp": us},
    ... )
    >>> anchors = pl.LazyFrame(
    ...     {"user_id": [7, 7, 7], "item_id": [3, 3, 3], "prediction_time": [at(1), at(2), at(7)]},
    ...     schema_overrides={"prediction_time": us},
    ... )
    >>> label_purchases(anchors, events, horizon="3d", end=at(9)).collect()["label"].to_list()
    [0, 0, None]
    >>> label_purchases(anchors, events, horizon="7d", end=at(9)).collect()["label"].to_list()
    [0, 1, None]
    """
    length = parse_duration(horizon)
    _check(anchors, events, level, length, sessions)
    _check_free(anchors, {LABEL, LABEL_END} | ({time_column} if time_column else set()))
    _check_condition(events, where)
    key = LABEL_KEYS[level]
    asked = anchors
    if sessions is not None:
        asked = window_features(anchors, events, by=USER_ID, aggregates=[last(_SESSIONS_SO_FAR, SESSION_INDEX)])
    bought = pl.col(_NEXT_TIME) < pl.col(LABEL_END)
    if sessions is not None:
        bought &= (
            pl.col(_NEXT_SESSION).cast(pl.Int64) <= pl.col(_SESSIONS_SO_FAR).cast(pl.Int64).fill_null(0) + sessions
        )
    known = pl.col(LABEL_END) <= pl.col(_LOG_END)
    label = pl.when(known).then(bought.fill_null(value=False).cast(pl.UInt8))
    return (
        _with_log_end(_with_next_event(asked, events, key, where=where, with_session=sessions is not None), events, end)
        .with_columns((pl.col(PREDICTION_TIME) + length).alias(LABEL_END))
        .with_columns(label.alias(LABEL))
        .with_columns([] if time_column is None else [pl.when(pl.col(LABEL) == 1).then(_NEXT_TIME).alias(time_column)])
        .drop(_NEXT_TIME, _NEXT_SESSION, _SESSIONS_SO_FAR, _LOG_END, strict=False)
    )


def label_churn(
    anchors: pl.LazyFrame, events: pl.LazyFrame, /, *, horizon: timedelta | str, end: datetime | None = None
) -> pl.LazyFrame:
    """Tell whether a user stays away, which is to have no event of any kind in [T, T + horizon).

    An event at T is a return, one at T + horizon is none. As for purchases, a label whose window runs past the end of
    the log is not known yet, and null.

    Parameters
    ----------
    anchors
        ``prediction_time`` and ``user_id``, in any order.
    events
        ``event_id``, ``timestamp`` and ``user_id``, in any order. An event without a time never counts.
    horizon
        How far the label looks.
    end
        The moment up to which the log is known, aware; None: the last of `events`.

    Returns
    -------
    LazyFrame
        The anchors, in their order, with ``label_end`` = T + horizon and ``label`` (UInt8, 1: the user stays away, 0:
        comes back; null without a T, and where ``label_end`` lies past the end of the log).

    Raises
    ------
    SchemaError
        A column is missing, has another dtype, or is already there.
    ValueError
        `horizon` is not longer than zero, or `end` is naive.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> at = lambda day: datetime(2024, 8, day, tzinfo=timezone.utc)
    >>> us = pl.Datetime("us", "UTC")
    >>> events = pl.LazyFrame(
    ...     {"event_id": [0, 1], "user_id": [7, 8], "timestamp": [at(1), at(8)]}, schema_overrides={"timestamp": us}
    ... )
    >>> anchors = pl.LazyFrame({"user_id": [7, 8, 8], "prediction_time": [at(2), at(2), at(7)]},
    ...                        schema_overrides={"prediction_time": us})
    >>> label_churn(anchors, events, horizon="7d", end=at(9)).collect()["label"].to_list()
    [1, 0, None]
    """
    any_event = pl.lit(value=True)
    returns = label_purchases(anchors, events, horizon=horizon, level="user", where=any_event, end=end)
    return returns.with_columns((1 - pl.col(LABEL)).alias(LABEL))


def _with_next_event(
    anchors: pl.LazyFrame, events: pl.LazyFrame, key: list[str], *, where: pl.Expr | None, with_session: bool
) -> pl.LazyFrame:
    """Look up the first event asked for at or after T: with time reversed, it is the latest before 1 us past T."""
    backwards = (-pl.col(TIMESTAMP).to_physical()).cast(TIME_DTYPE).alias(TIMESTAMP)
    asked_for = pl.col(EVENT_TYPE).cast(pl.String) == PURCHASE if where is None else where
    found = events.filter(asked_for).with_columns(backwards, pl.col(TIMESTAMP).alias(_NEXT_TIME))
    moment = pl.col(PREDICTION_TIME)
    asked = anchors.with_columns(
        moment.alias(LABEL_END), (1 - moment.to_physical()).cast(TIME_DTYPE).alias(PREDICTION_TIME)
    )
    aggregates = [last(_NEXT_TIME, _NEXT_TIME)] + ([last(_NEXT_SESSION, SESSION_INDEX)] if with_session else [])
    answered = window_features(asked, found, by=key, aggregates=aggregates)
    return answered.with_columns(pl.col(LABEL_END).alias(PREDICTION_TIME))


def _with_log_end(anchors: pl.LazyFrame, events: pl.LazyFrame, end: datetime | None) -> pl.LazyFrame:
    """Add the moment up to which the log is known; null for an empty log."""
    if end is not None:
        return anchors.with_columns(instant(end, what="end").alias(_LOG_END))
    last_event = events.select(pl.col(TIMESTAMP).max().alias(_LOG_END))
    return anchors.join(last_event, how="cross", maintain_order="left")


def _check(anchors: pl.LazyFrame, events: pl.LazyFrame, level: Level, horizon: timedelta, sessions: int | None) -> None:
    if level not in LABEL_KEYS:
        raise ValueError(f"level must be one of {', '.join(LABEL_KEYS)}, found {level!r}")
    if horizon <= timedelta():
        raise ValueError(f"horizon must be longer than zero, found {horizon}")
    if sessions is not None and (not isinstance(sessions, int) or sessions < 1):
        raise ValueError(f"sessions must be a whole number, 1 or more, or None, found {sessions!r}")
    key: dict[str, Requirement] = dict.fromkeys(LABEL_KEYS[level], IDENTIFIER)
    numbered = [] if sessions is None else [USER_ID, SESSION_INDEX]
    log: dict[str, Requirement] = {EVENT_ID: IDENTIFIER, TIMESTAMP: TIME_DTYPE}
    require(events, {**key, **dict.fromkeys(numbered, IDENTIFIER), **log}, what="events")
    require(anchors, {**key, PREDICTION_TIME: TIME_DTYPE}, what="anchors")


def _check_free(anchors: pl.LazyFrame, made: set[str]) -> None:
    taken = sorted(made & set(anchors.collect_schema().names()))
    if taken:
        raise SchemaError(f"anchors: columns would be made twice: {', '.join(taken)}; drop them first")


def _check_condition(events: pl.LazyFrame, where: pl.Expr | None) -> None:
    if where is None:
        require(events, {EVENT_TYPE: NAMED_KIND}, what="events")
        return
    wider = beyond_one_event(where)
    if wider is not None:
        raise ValueError(
            f"where must look at each event by itself, found {wider}, which looks at several: make it a column of the "
            "events first"
        )
    schema = events.collect_schema()
    require(events, {name: schema.get(name, pl.Unknown) for name in where.meta.root_names()}, what="events")
