"""The rows of a learning problem: prediction points with their labels and the splits they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

import polars as pl

from purchase_pred.anchors import EVENT_NUMBER, in_session_anchors, session_close_anchors
from purchase_pred.calendar_points import calendar_anchors, calendar_size
from purchase_pred.errors import ConfigError
from purchase_pred.schema import (
    ITEM_ID,
    LABEL,
    LABEL_END,
    PREDICTION_TIME,
    SESSION_INDEX,
    TIME_DTYPE,
    TIMESTAMP,
    USER_ID,
    instant,
)
from purchase_pred.splits import BOUNDARIES, END, START, configured_boundaries, outside_split, split_of
from purchase_pred.targets import active_within, label_columns, label_target, undecided_label
from purchase_pred.windows import last, window_features

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, timedelta

    from purchase_pred.calendar_points import Level
    from purchase_pred.settings import Settings

_SESSION: Final = (USER_ID, SESSION_INDEX)
SESSION_START: Final = "session_start"
"""Name of the column that decides about the split, in `labelled_points`."""
_SESSIONS_BEFORE: Final = "__sessions_before"
_SESSIONS_NOW: Final = "__sessions_now"
_LAST_EVENT: Final = "__last_event"


def prediction_rows(
    sessionized: pl.LazyFrame,
    /,
    *,
    settings: Settings,
    as_of: datetime | None = None,
    boundaries: Mapping[str, datetime] | None = None,
) -> pl.LazyFrame:
    """Return every prediction point of the log with its label, its split, and whether it is purged.

    With `as_of` it returns the points that are open at a moment M, as `open_points` tells: those that training would
    have made, out of what was known before M.

    Parameters
    ----------
    sessionized
        The whole log with ``session_index``, in any order.
    settings
        Uses `session`, `anchors`, `target` and `split`.
    as_of
        The moment M, aware; None: the rows that training learns from.
    boundaries
        The row of `split_boundaries` of the whole log, by name, to be given where `sessionized` holds only some of the
        users. None: those of `sessionized`.

    Returns
    -------
    LazyFrame
        With `as_of` the keys, ``prediction_time`` and ``label_end``; otherwise:
        ``user_id``, ``session_index`` and ``item_id`` as the prediction points have them, ``prediction_time``,
        ``label_end``, ``label``, with `target.horizons` and `target.value` `label_columns`, ``split`` (of the session's
        start; on a calendar, of T) and ``purged`` (Boolean: T or ``label_end`` lies outside the split, for test past
        the last event, or T in the embargo at its start), sorted by the keys and T.

    Raises
    ------
    ConfigError
        The target and the prediction points do not go together.
    SchemaError
        A column is missing or has another dtype.
    ValueError
        `as_of` has no time zone.

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
    >>> moment = datetime(2024, 8, 5, tzinfo=timezone.utc)
    >>> points = prediction_rows(sessionized, settings=Settings(), as_of=moment)
    >>> points.select("session_index", "prediction_time").collect().rows()
    [(4, datetime.datetime(2024, 8, 4, 0, 30, tzinfo=zoneinfo.ZoneInfo(key='UTC')))]
    """
    if as_of is not None:
        return open_points(sessionized, settings=settings, as_of=as_of)
    share = settings.split
    bounds = (
        configured_boundaries(sessionized, share)
        if boundaries is None
        else pl.LazyFrame([boundaries], schema=dict.fromkeys(BOUNDARIES, TIME_DTYPE))
    )
    return (
        labelled_points(sessionized, settings=settings, boundaries=boundaries)
        .join(bounds, how="cross", maintain_order="left")
        .with_columns(split_of(pl.col(SESSION_START)))
        .with_columns(outside_split(embargo=share.embargo))
        .drop(SESSION_START, *BOUNDARIES)
    )


def labelled_points(
    sessionized: pl.LazyFrame, /, *, settings: Settings, boundaries: Mapping[str, datetime] | None = None
) -> pl.LazyFrame:
    """Return every prediction point with its label and ``session_start``, T where there is no session.

    Parameters and errors are those of `prediction_rows`, whose other columns it has but ``split`` and ``purged``.
    """
    end = None if boundaries is None else boundaries[END]
    anchors = _anchors(sessionized, settings, boundaries=boundaries)
    labelled = label_target(anchors, sessionized, settings=settings, end=end)
    columns = [*anchors.collect_schema().names(), LABEL_END, LABEL, *label_columns(settings)]
    return _with_session_start(labelled, sessionized).select(*columns, SESSION_START)


def open_points(sessionized: pl.LazyFrame, /, *, settings: Settings, as_of: datetime) -> pl.LazyFrame:
    """Return the prediction points that are open at a moment M: their time has come, and their answer has not.

    Only events before M, strictly, are looked at. T <= M < T + `target.horizon`; within sessions only those that may
    still go on at M; on a calendar T = M. Of each user (each user and item, at that level) the points of the latest T
    remain, unless their label is decided: the purchase has happened, with `target.sessions` the next so many sessions
    are over, or of kind churn the user has come back. At the T of a row that training made, the points of that T are
    all of them and the same.

    Returns
    -------
    LazyFrame
        The keys of the points, ``prediction_time`` and ``label_end``, sorted by the keys and T.

    Raises
    ------
    ConfigError
        The target and the prediction points do not go together.
    ValueError
        `as_of` has no time zone.
    """
    target, at = settings.target, instant(as_of, what="as_of")
    known = sessionized.filter(pl.col(TIMESTAMP) < at)
    anchors = _anchors(known, settings, as_of=as_of)
    keys = [name for name in anchors.collect_schema().names() if name != PREDICTION_TIME]
    unit = [USER_ID, ITEM_ID] if target.level == "user_item" else [USER_ID]
    ends = pl.col(PREDICTION_TIME) + target.horizon
    latest = anchors.filter(pl.col(PREDICTION_TIME) <= at, ends > at).filter(
        pl.col(PREDICTION_TIME) == pl.col(PREDICTION_TIME).max().over(unit)
    )
    # As if nothing came after: what an event before the moment decides is decided, all else as it is without one.
    labelled = label_target(latest, known, settings=settings, end=as_of + target.horizon)
    if target.sessions is not None:
        labelled = _without_sessions_over(labelled, known, settings, at)
    return (
        labelled.filter(pl.col(LABEL) == undecided_label(settings))
        .select(*keys, PREDICTION_TIME, LABEL_END)
        .sort(*keys, PREDICTION_TIME)
    )


def users_asked_about(sessionized: pl.LazyFrame, /, *, settings: Settings, as_of: datetime) -> pl.LazyFrame:
    """Return the users of whom a point may be open at a moment, ``user_id`` once each: nobody else has an open point.

    It looks at no more than who was active when; which points are open, `open_points` tells.
    """
    chosen, at = settings.anchors, instant(as_of, what="as_of")
    known, reach = sessionized.filter(pl.col(TIMESTAMP) < at), settings.session.gap
    if chosen.kind == "session_close":
        reach += settings.target.horizon
    elif chosen.kind == "calendar":
        active = active_within(settings)
        if active is None:
            return known.select(USER_ID).unique()
        reach = active
    return known.filter(pl.col(TIMESTAMP) >= at - reach).select(USER_ID).unique()


def calendar_rows(sessionized: pl.LazyFrame, /, *, settings: Settings) -> pl.LazyFrame | None:
    """Tell how many prediction points a calendar has, in one row ``rows`` (Int128), without making them.

    None for the other kinds of points, of which there are never more than events.
    """
    if settings.anchors.kind != "calendar":
        return None
    return calendar_size(sessionized, **_calendar(settings))


def target_keys(settings: Settings, /) -> tuple[str, ...]:
    """Return the key columns that rows of the configured target carry; the others only serve their features."""
    session = () if settings.anchors.kind == "calendar" else (SESSION_INDEX,)
    item = (ITEM_ID,) if settings.target.level == "user_item" else ()
    return (USER_ID, *session, *item)


class _Calendar(TypedDict):
    every: timedelta
    start: date | None
    level: Level
    active_within: timedelta | None


def _calendar(settings: Settings, *, start: datetime | None = None) -> _Calendar:
    """Return what a calendar is asked with, from the moment `start` on in place of the configured one."""
    chosen = settings.anchors
    return {
        "every": chosen.every,
        "start": start or chosen.start,
        "level": "user_item" if settings.target.level == "user_item" else "user",
        "active_within": active_within(settings),
    }


def _first_step(settings: Settings, boundaries: Mapping[str, datetime] | None) -> datetime | None:
    """Return the first T of a calendar by the first event of the whole log, where only some of it is at hand."""
    if boundaries is None or settings.anchors.start is not None:
        return None
    first_day = boundaries[START].replace(hour=0, minute=0, second=0, microsecond=0)
    return first_day + settings.anchors.every


def _anchors(
    sessionized: pl.LazyFrame,
    settings: Settings,
    *,
    as_of: datetime | None = None,
    boundaries: Mapping[str, datetime] | None = None,
) -> pl.LazyFrame:
    """Return the prediction points of a log, of a part of it within those boundaries, or of what is known at a moment.

    Within sessions they keep the item at hand, which features describe.
    """
    chosen, level = settings.anchors, settings.target.level
    if level == "session" and chosen.kind != "in_session":
        raise ConfigError(
            f"target.level 'session' asks whether a session in progress still buys, so anchors.kind must be "
            f"'in_session', found {chosen.kind!r}; set it, or choose target.level user or user_item"
        )
    per_item, gap = level == "user_item", settings.session.gap
    end = boundaries[END] if boundaries else as_of
    if chosen.kind == "calendar":
        return calendar_anchors(
            sessionized, end=end, **_calendar(settings, start=as_of or _first_step(settings, boundaries))
        )
    if chosen.kind == "in_session":
        if as_of is not None:
            last_event = pl.col(TIMESTAMP).max().over(_SESSION)
            sessionized = sessionized.filter(last_event + gap >= instant(as_of, what="as_of"))
        return in_session_anchors(sessionized, every=chosen.every_events, at=chosen.at).drop(EVENT_NUMBER)
    closed = session_close_anchors(sessionized, gap=gap, end=end)
    return closed if per_item else closed.drop(ITEM_ID).unique().sort(*_SESSION)


def _without_sessions_over(points: pl.LazyFrame, known: pl.LazyFrame, settings: Settings, at: pl.Expr) -> pl.LazyFrame:
    """Leave out the points after which the user's next `target.sessions` sessions are over at a moment."""
    before = last(_SESSIONS_BEFORE, SESSION_INDEX)
    users = known.group_by(USER_ID).agg(
        pl.col(SESSION_INDEX).max().alias(_SESSIONS_NOW), pl.col(TIMESTAMP).max().alias(_LAST_EVENT)
    )
    closed = (pl.col(_LAST_EVENT) + settings.session.gap < at).cast(pl.Int64)
    over = pl.col(_SESSIONS_NOW).cast(pl.Int64) - 1 + closed
    allowed = pl.col(_SESSIONS_BEFORE).cast(pl.Int64).fill_null(0) + settings.target.sessions
    return (
        window_features(points, known, by=USER_ID, aggregates=[before])
        .join(users, on=USER_ID, how="left", maintain_order="left", nulls_equal=True)
        .filter(over < allowed)
    )


def _with_session_start(rows: pl.LazyFrame, sessionized: pl.LazyFrame) -> pl.LazyFrame:
    """Add the moment that decides about the split: the start of the session, or T where there is no session."""
    if SESSION_INDEX not in rows.collect_schema():
        return rows.with_columns(pl.col(PREDICTION_TIME).alias(SESSION_START))
    starts = sessionized.group_by(_SESSION).agg(pl.col(TIMESTAMP).min().alias(SESSION_START))
    return rows.join(starts, on=_SESSION, how="left", maintain_order="left")
