"""The rows of a learning problem: prediction points with their labels and the splits they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.anchors import EVENT_NUMBER, calendar_anchors, in_session_anchors, session_close_anchors
from purchase_pred.errors import ConfigError
from purchase_pred.labels import label_purchases
from purchase_pred.schema import (
    ITEM_ID,
    LABEL,
    LABEL_END,
    PREDICTION_TIME,
    SESSION_INDEX,
    TIMESTAMP,
    USER_ID,
)
from purchase_pred.splits import BOUNDARIES, outside_split, split_boundaries, split_of

if TYPE_CHECKING:
    from purchase_pred.settings import Settings

_SESSION: Final = (USER_ID, SESSION_INDEX)
SESSION_START: Final = "session_start"
"""Name of the column that decides about the split, in `labelled_points`."""


def prediction_rows(sessionized: pl.LazyFrame, /, *, settings: Settings) -> pl.LazyFrame:
    """Return every prediction point of the log with its label, its split, and whether it is purged.

    Parameters
    ----------
    sessionized
        The whole log with ``session_index``, in any order.
    settings
        Uses `session`, `anchors`, `target` and `split`.

    Returns
    -------
    LazyFrame
        ``user_id``, ``session_index`` and ``item_id`` as the prediction points have them, ``prediction_time``,
        ``label_end``, ``label``, ``split`` (of the session's start; on a calendar, of T) and ``purged`` (Boolean: T or
        ``label_end`` lies outside the split, for test past the last event, or T in the embargo at its start), sorted by
        the keys and T.

    Raises
    ------
    ConfigError
        The target and the prediction points do not go together.
    SchemaError
        A column is missing or has another dtype.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timedelta, timezone
    >>> from purchase_pred.settings import Settings
    >>> hours = [datetime(2024, 8, 1, tzinfo=timezone.utc) + timedelta(hours=24 * day) for day in range(100)]
    >>> sessionized = pl.LazyFrame(
    ...     {"event_id": range(100), "user_id": 7, "session_index": range(1, 101), "item_id": 3, "timestamp": hours,
    ...      "event_type": "view"},
    ...     schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    ... )
    >>> rows = prediction_rows(sessionized, settings=Settings()).collect()
    >>> rows.group_by("split", maintain_order=True).agg(pl.len(), pl.col("purged").sum()).rows()
    [('train', 69, 7), ('val', 15, 7), ('test', 15, 7)]
    """
    share = settings.split
    boundaries = split_boundaries(sessionized, train=share.train, val=share.val, align=share.align)
    return (
        labelled_points(sessionized, settings=settings)
        .join(boundaries, how="cross", maintain_order="left")
        .with_columns(split_of(pl.col(SESSION_START)))
        .with_columns(outside_split(embargo=share.embargo))
        .drop(SESSION_START, *BOUNDARIES)
    )


def labelled_points(sessionized: pl.LazyFrame, /, *, settings: Settings) -> pl.LazyFrame:
    """Return every prediction point with its label and ``session_start``, T where there is no session.

    Parameters and errors are those of `prediction_rows`, whose other columns it has but ``split`` and ``purged``.
    """
    target = settings.target
    if target.level == "session" and settings.anchors.kind != "in_session":
        raise ConfigError(
            f"target.level 'session' asks whether a session in progress still buys, so anchors.kind must be "
            f"'in_session', found {settings.anchors.kind!r}; set it, or choose target.level user or user_item"
        )
    anchors = _anchors(sessionized, settings)
    labelled = label_purchases(
        anchors, sessionized, horizon=target.horizon, level=target.level, sessions=target.sessions
    )
    columns = [*anchors.collect_schema().names(), LABEL_END, LABEL]
    return _with_session_start(labelled, sessionized).select(*columns, SESSION_START)


def target_keys(settings: Settings, /) -> tuple[str, ...]:
    """Return the key columns that rows of the configured target carry; the others only serve their features."""
    session = () if settings.anchors.kind == "calendar" else (SESSION_INDEX,)
    item = (ITEM_ID,) if settings.target.level == "user_item" else ()
    return (USER_ID, *session, *item)


def _anchors(sessionized: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Return the prediction points; within sessions they keep the item at hand, which features describe."""
    chosen, level = settings.anchors, settings.target.level
    per_item = level == "user_item"
    if chosen.kind == "calendar":
        return calendar_anchors(
            sessionized, every=chosen.every, start=chosen.start, level="user_item" if per_item else "user"
        )
    if chosen.kind == "in_session":
        return in_session_anchors(sessionized, every=chosen.every_events, at=chosen.at).drop(EVENT_NUMBER)
    closed = session_close_anchors(sessionized, gap=settings.session.gap)
    return closed if per_item else closed.drop(ITEM_ID).unique().sort(*_SESSION)


def _with_session_start(rows: pl.LazyFrame, sessionized: pl.LazyFrame) -> pl.LazyFrame:
    """Add the moment that decides about the split: the start of the session, or T where there is no session."""
    if SESSION_INDEX not in rows.collect_schema():
        return rows.with_columns(pl.col(PREDICTION_TIME).alias(SESSION_START))
    starts = sessionized.group_by(_SESSION).agg(pl.col(TIMESTAMP).min().alias(SESSION_START))
    return rows.join(starts, on=_SESSION, how="left", maintain_order="left")
