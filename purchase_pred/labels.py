"""Labels: whether the purchase that a prediction at T is about happens in [T, T + horizon)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

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
    require,
)
from purchase_pred.windows import last, window_features

Level = Literal["user_item", "user", "session"]

_KEYS: Final[dict[str, list[str]]] = {
    "user_item": [USER_ID, ITEM_ID],
    "user": [USER_ID],
    "session": [USER_ID, SESSION_INDEX],
}
_NEXT_TIME: Final = "__next_time"
_NEXT_SESSION: Final = "__next_session"
_SESSIONS_SO_FAR: Final = "__sessions_so_far"


def label_purchases(
    anchors: pl.LazyFrame,
    events: pl.LazyFrame,
    /,
    *,
    horizon: timedelta | str,
    level: Level = "user_item",
    sessions: int | None = None,
) -> pl.LazyFrame:
    """Tell whether a purchase happens in [T, T + horizon): an event at T counts, one at T + horizon does not.

    Parameters
    ----------
    anchors
        ``prediction_time`` and the key of the level: ``user_id`` and ``item_id`` (``"user_item"``), ``user_id``
        (``"user"``), ``user_id`` and ``session_index`` (``"session"``); in any order.
    events
        ``event_id``, ``timestamp``, ``event_type`` and the key; for `sessions` also ``session_index``; in any order.
    horizon
        How far the label looks.
    level
        The user buys this item, buys anything, or this session still buys.
    sessions
        The purchase must also fall within the user's next so many sessions: the ``session_index`` of the purchase is at
        most that of the user's latest event before T plus `sessions`. What is left of a session in progress counts.

    Returns
    -------
    LazyFrame
        The anchors, in their order, with ``label_end`` = T + horizon and ``label`` (UInt8, 0 or 1; null without a T).

    Raises
    ------
    SchemaError
        A column is missing, has another dtype, or is already there.
    ValueError
        `horizon` is not longer than zero, or `sessions` is below 1.

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
    ...     {"user_id": [7, 7], "item_id": [3, 3], "prediction_time": [at(1), at(2)]},
    ...     schema_overrides={"prediction_time": us},
    ... )
    >>> label_purchases(anchors, events, horizon="7d").collect()["label"].to_list()
    [0, 1]
    """
    length = parse_duration(horizon)
    _check(anchors, events, level, length, sessions)
    key = _KEYS[level]
    asked = anchors
    if sessions is not None:
        asked = window_features(anchors, events, by=USER_ID, aggregates=[last(_SESSIONS_SO_FAR, SESSION_INDEX)])
    bought = pl.col(_NEXT_TIME) < pl.col(LABEL_END)
    if sessions is not None:
        bought &= (
            pl.col(_NEXT_SESSION).cast(pl.Int64) <= pl.col(_SESSIONS_SO_FAR).cast(pl.Int64).fill_null(0) + sessions
        )
    label = pl.when(pl.col(PREDICTION_TIME).is_not_null()).then(bought.fill_null(value=False).cast(pl.UInt8))
    return (
        _with_next_purchase(asked, events, key, with_session=sessions is not None)
        .with_columns((pl.col(PREDICTION_TIME) + length).alias(LABEL_END))
        .with_columns(label.alias(LABEL))
        .drop(_NEXT_TIME, _NEXT_SESSION, _SESSIONS_SO_FAR, strict=False)
    )


def _with_next_purchase(
    anchors: pl.LazyFrame, events: pl.LazyFrame, key: list[str], *, with_session: bool
) -> pl.LazyFrame:
    """Look up the first purchase at or after T: with time reversed, it is the latest strictly before 1 us past T."""
    backwards = (-pl.col(TIMESTAMP).to_physical()).cast(TIME_DTYPE).alias(TIMESTAMP)
    purchases = events.filter(pl.col(EVENT_TYPE).cast(pl.String) == PURCHASE).with_columns(
        backwards, pl.col(TIMESTAMP).alias(_NEXT_TIME)
    )
    moment = pl.col(PREDICTION_TIME)
    asked = anchors.with_columns(
        moment.alias(LABEL_END), (1 - moment.to_physical()).cast(TIME_DTYPE).alias(PREDICTION_TIME)
    )
    aggregates = [last(_NEXT_TIME, _NEXT_TIME)] + ([last(_NEXT_SESSION, SESSION_INDEX)] if with_session else [])
    found = window_features(asked, purchases, by=key, aggregates=aggregates)
    return found.with_columns(pl.col(LABEL_END).alias(PREDICTION_TIME))


def _check(anchors: pl.LazyFrame, events: pl.LazyFrame, level: Level, horizon: timedelta, sessions: int | None) -> None:
    if level not in _KEYS:
        raise ValueError(f"level must be one of {', '.join(_KEYS)}, found {level!r}")
    if horizon <= timedelta():
        raise ValueError(f"horizon must be longer than zero, found {horizon}")
    if sessions is not None and sessions < 1:
        raise ValueError(f"sessions must be 1 or more, or None, found {sessions}")
    key: dict[str, Requirement] = dict.fromkeys(_KEYS[level], IDENTIFIER)
    numbered = [] if sessions is None else [USER_ID, SESSION_INDEX]
    log: dict[str, Requirement] = {EVENT_ID: IDENTIFIER, TIMESTAMP: TIME_DTYPE, EVENT_TYPE: NAMED_KIND}
    require(events, {**key, **dict.fromkeys(numbered, IDENTIFIER), **log}, what="events")
    require(anchors, {**key, PREDICTION_TIME: TIME_DTYPE}, what="anchors")
    taken = sorted({LABEL, LABEL_END} & set(anchors.collect_schema().names()))
    if taken:
        raise SchemaError(f"anchors: columns would be made twice: {', '.join(taken)}; drop them first")
