"""Temporal splits: train before validation before test, sessions whole, labels inside their split."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import polars as pl

from purchase_pred.durations import parse_duration
from purchase_pred.schema import (
    IDENTIFIER,
    LABEL_END,
    PREDICTION_TIME,
    SESSION_INDEX,
    SPLIT,
    SPLIT_DTYPE,
    TIME_DTYPE,
    TIMESTAMP,
    USER_ID,
    require,
)
from purchase_pred.sessions import session_starts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from purchase_pred.settings.features import SplitSettings

SplitBy = Literal["time", "events"]
START, TRAIN_END, VAL_END, END = "start", "train_end", "val_end", "end"
BOUNDARIES = (START, TRAIN_END, VAL_END, END)
PURGED = "purged"

_NO_TIME = timedelta()
_Values = TypeVar("_Values", pl.Expr, "NDArray[Any]")


def split_boundaries(
    sessionized: pl.LazyFrame,
    /,
    *,
    train: float = 0.70,
    val: float = 0.15,
    align: str | timedelta = "1d",
    by: SplitBy = "time",
) -> pl.LazyFrame:
    """Place the boundaries of the splits in the time of the log.

    Train is [start, train_end), validation [train_end, val_end), test [val_end, end]. The boundaries lie at the shares
    `train` and `train` + `val` of the span from first to last event, or of the events in the order of their time,
    floored to `align` (UTC).

    Parameters
    ----------
    sessionized
        Column ``timestamp``.
    train, val
        Shares of the time span or of the events, each above 0 and together below 1.
    align
        Unit to which the boundaries are floored, or ``"none"``: exact to the microsecond.
    by
        ``"time"``: shares of the time span. ``"events"``: the boundary is the time of the event number
        ceil(share (n - 1)) of n, counted from 0, so that at most that share of the events lies before it, ties aside;
        for logs whose events come in bursts.

    Returns
    -------
    LazyFrame
        One row: ``start``, ``train_end``, ``val_end``, ``end``, Datetime("us", "UTC"); null for an empty log.

    Raises
    ------
    ValueError
        The shares leave a split without time, or `align` is not longer than zero.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> days = [datetime(2024, 8, day, tzinfo=timezone.utc) for day in (1, 11)]
    >>> log = pl.LazyFrame({"timestamp": days}, schema={"timestamp": pl.Datetime("us", "UTC")})
    >>> [str(moment.date()) for moment in split_boundaries(log).collect().row(0)]
    ['2024-08-01', '2024-08-08', '2024-08-09', '2024-08-11']
    """
    require(sessionized, {TIMESTAMP: TIME_DTYPE}, what="sessionized")
    return sessionized.select(*_boundaries(train, val, align, by))


def configured_boundaries(sessionized: pl.LazyFrame, settings: SplitSettings, /) -> pl.LazyFrame:
    """Return `split_boundaries` as the settings have them."""
    return split_boundaries(sessionized, train=settings.train, val=settings.val, align=settings.align, by=settings.by)


def temporal_split(
    sessionized: pl.LazyFrame,
    /,
    *,
    train: float = 0.70,
    val: float = 0.15,
    align: str | timedelta = "1d",
    by: SplitBy = "time",
    boundaries: pl.LazyFrame | None = None,
    assume_sorted: bool = False,
) -> pl.LazyFrame:
    """Assign every event to the split in which its session starts, so that sessions stay whole.

    Parameters
    ----------
    sessionized
        Columns ``user_id``, ``session_index``, ``timestamp``, in any order.
    train, val, align, by
        As for `split_boundaries`; a session that starts at a boundary belongs to the later split.
    boundaries
        As `split_boundaries` returned them, of the whole log where `sessionized` holds only a part; the shares then do
        not count. None: of `sessionized`.
    assume_sorted
        `sessionized` is sorted by (user_id, timestamp, event_id), and with `boundaries` need not be held in memory. It
        is believed.

    Returns
    -------
    LazyFrame
        The events, in their order, and ``split``, Enum(train, val, test).

    Raises
    ------
    SchemaError
        A column is missing or has another dtype.
    ValueError
        The shares leave a split without time, or `align` is not longer than zero.

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import datetime, timezone
    >>> days = [datetime(2024, 8, day, tzinfo=timezone.utc) for day in (1, 8, 11)]
    >>> log = pl.LazyFrame(
    ...     {"user_id": [7, 7, 7], "session_index": [1, 2, 3], "timestamp": days},
    ...     schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    ... )
    >>> temporal_split(log).collect()["split"].to_list()
    ['train', 'val', 'test']
    """
    require(sessionized, {USER_ID: IDENTIFIER, SESSION_INDEX: IDENTIFIER, TIMESTAMP: TIME_DTYPE}, what="sessionized")
    session_start = _first_of_run() if assume_sorted else pl.col(TIMESTAMP).min().over(USER_ID, SESSION_INDEX)
    if boundaries is None:
        _, train_end, val_end, _ = _boundaries(train, val, align, by)
        bounded = sessionized.with_columns(train_end, val_end)
    else:
        bounded = sessionized.join(boundaries.select(TRAIN_END, VAL_END), how="cross", maintain_order="left")
    return (
        bounded.with_columns(session_start.alias(_STARTS))
        .with_columns(split_of(pl.col(_STARTS)))
        .drop(_STARTS, TRAIN_END, VAL_END)
    )


def split_of(moment: pl.Expr, /) -> pl.Expr:
    """Return the split, Enum(train, val, test), that holds a moment, given columns ``train_end`` and ``val_end``."""
    return (
        pl.when(moment < pl.col(TRAIN_END))
        .then(pl.lit("train", dtype=SPLIT_DTYPE))
        .when(moment < pl.col(VAL_END))
        .then(pl.lit("val", dtype=SPLIT_DTYPE))
        .when(moment.is_not_null())
        .then(pl.lit("test", dtype=SPLIT_DTYPE))
        .alias(SPLIT)
    )


def outside_split(*, embargo: str | timedelta = _NO_TIME) -> pl.Expr:
    """Return ``purged``: T or the end of the label lies outside the row's split, or T in the embargo at its start.

    The label of train must end by train_end, of validation by val_end, of test by the last event of the log. T of
    validation must not lie in [train_end, train_end + embargo), of test not in [val_end, val_end + embargo). Reads
    ``split``, ``prediction_time``, ``label_end`` and the four boundaries.
    """
    moment = pl.col(PREDICTION_TIME)
    wait = parse_duration(embargo)
    opens = pl.when(pl.col(SPLIT) == "train").then(START).when(pl.col(SPLIT) == "val").then(pl.col(TRAIN_END) + wait)
    closes = pl.when(pl.col(SPLIT) == "train").then(TRAIN_END).when(pl.col(SPLIT) == "val").then(VAL_END)
    inside = is_within(
        moment, pl.col(LABEL_END), opens=opens.otherwise(pl.col(VAL_END) + wait), closes=closes.otherwise(END)
    )
    return (~inside).fill_null(value=True).alias(PURGED)


def is_within(moment: _Values, label_end: _Values, /, *, opens: _Values | float, closes: _Values | float) -> _Values:
    """Tell whether a row lies in the time [opens, closes] of a split, T and its whole label: what does not is purged.

    Of expressions, or of arrays of times as numbers. The embargo, where there is one, moves `opens`.

    Examples
    --------
    >>> import numpy as np
    >>> is_within(np.array([0, 1, 8]), np.array([3, 4, 11]), opens=1, closes=10).tolist()
    [False, True, False]
    """
    return (moment >= opens) & (label_end <= closes)


_STARTS = "__starts"


def _first_of_run() -> pl.Expr:
    """Return the time of the first event of the session, where events of a session follow each other in time."""
    return pl.when(session_starts()).then(TIMESTAMP).forward_fill()


def _boundaries(
    train: float, val: float, align: str | timedelta, by: SplitBy
) -> tuple[pl.Expr, pl.Expr, pl.Expr, pl.Expr]:
    if not (train > 0 and val > 0 and train + val < 1):
        raise ValueError(f"train and val must be above 0 and together below 1, found {train:g} and {val:g}")
    start, end = pl.col(TIMESTAMP).min(), pl.col(TIMESTAMP).max()
    span = (end - start).dt.total_microseconds()
    unit = None if align == "none" else parse_duration(align)
    if unit is not None and unit <= _NO_TIME:
        raise ValueError(f"align must be longer than zero, or 'none', found {align!r}")

    def boundary(share: float) -> pl.Expr:
        at_share = pl.col(TIMESTAMP).to_physical().quantile(share, interpolation="higher")
        exact = {
            "time": start + pl.duration(microseconds=(span * share).cast(pl.Int64), time_unit="us"),
            "events": at_share.cast(pl.Int64).cast(TIME_DTYPE),
        }[by]
        return exact if unit is None else exact.dt.truncate(unit)

    return (
        start.alias(START),
        boundary(train).alias(TRAIN_END),
        boundary(train + val).alias(VAL_END),
        end.alias(END),
    )
