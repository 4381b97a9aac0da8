"""Single changes of a log that can be applied one after another, so that the one that matters can be found."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.schema import (
    EVENT_ID,
    EVENT_TYPE,
    EVENT_TYPES,
    ITEM_ID,
    SESSION_INDEX,
    TIMESTAMP,
    USER_ID,
)

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np

ROW: Final = "__row"
"""Position of an event in the log, or of an anchor among the anchors, as they were given."""
SINCE: Final = "__since"
"""The first moment whose events a prediction may not see: T less the availability lag."""
ADDS: Final = "__adds"
_ORDER: Final = "__order"
_OFFSET: Final = "__offset"
_KIND: Final = "__kind"
_OWN_ITEM: Final = "__own_item"
_OWN_SESSION: Final = "__own_session"
_LAST_SESSION: Final = "__last_session"
_PATTERN: Final = "__pattern_"

_MICROSECOND: Final = 1
_HOUR: Final = 3_600_000_000
_DELAYS: Final = (0, _MICROSECOND, _HOUR, 72 * _HOUR)
_KEPT: Final = (ROW, EVENT_ID, USER_ID, TIMESTAMP, SESSION_INDEX, EVENT_TYPE)


@dataclass(frozen=True)
class Edits:
    """Changes of a log, each of which takes an event out, puts one in, or both.

    `rows` has the columns of the log; ``__row`` is the event taken out (null: none), ``__adds`` tells whether the row
    itself is put in. A change that only takes out carries the event as it was.
    """

    log: pl.DataFrame
    rows: pl.DataFrame

    def applied(self, first: int | None = None) -> pl.DataFrame:
        """Return the log after the first so many edits, or after all of them, without ``__row``."""
        edits = self.rows if first is None else self.rows.head(first)
        kept = self.log.join(edits.select(ROW).drop_nulls(), on=ROW, how="anti", maintain_order="left")
        return pl.concat([kept.drop(ROW), edits.filter(ADDS).drop(ROW, ADDS)])

    def nearest_first(self, user: object, moment: datetime | None) -> Edits:
        """Return the same edits, those of the user first, then by their distance from a moment."""
        keys = [~pl.col(USER_ID).eq_missing(pl.lit(user, dtype=self.rows.schema[USER_ID]))]
        if moment is not None:
            keys.append((pl.col(TIMESTAMP) - pl.lit(moment, dtype=self.rows.schema[TIMESTAMP])).abs())
        return Edits(self.log, self.rows.sort(keys, nulls_last=True, maintain_order=True))

    def event(self, position: int) -> dict[str, object]:
        """Return the event that an edit is about: as it was in the log, or, if it was not there, as it was put in."""
        edit = self.rows.row(position, named=True)
        if edit[ROW] is None:
            return {name: value for name, value in edit.items() if name not in {ROW, ADDS}}
        return self.log.filter(pl.col(ROW) == edit[ROW]).drop(ROW).row(0, named=True)


def no_edits(log: pl.DataFrame, /) -> Edits:
    """Return edits that leave the log as it is."""
    return deletions(log, log.clear())


def deletions(log: pl.DataFrame, events: pl.DataFrame, /) -> Edits:
    """Return edits that take these events out."""
    return Edits(log, events.select(log.columns).with_columns(pl.lit(value=False).alias(ADDS)))


def with_twins(log: pl.DataFrame, /, *, rng: np.random.Generator) -> pl.DataFrame:
    """Return a log in which every event is tied with another of its user and session that has other values."""
    number = (pl.int_range(pl.len(), dtype=pl.Int128) + _first_free_id(log)).cast(log.schema[EVENT_ID])
    twins = _altered(log, log, rng).with_columns(number.alias(EVENT_ID))
    return pl.concat([log, twins]).drop(ROW).with_row_index(ROW)


def changes(log: pl.DataFrame, events: pl.DataFrame, /, *, rng: np.random.Generator) -> Edits:
    """Return edits that give these events other values in every column but their keys, and delay some of them."""
    delays = pl.Series(rng.choice(_DELAYS, len(events)), dtype=pl.Int64).cast(pl.Duration("us"))
    later = (pl.col(TIMESTAMP) + delays).cast(log.schema[TIMESTAMP])
    return Edits(log, _altered(log, events, rng).with_columns(later, pl.lit(value=True).alias(ADDS)))


def _altered(log: pl.DataFrame, events: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return events with other values in every column but their keys.

    Event types become the next type, floats grow, the values of all other columns are shuffled among the events.
    """
    values = events.select(log.columns)
    altered = []
    for name, dtype in values.schema.items():
        if name not in _KEPT:
            dealt = pl.col(name).shuffle(seed=int(rng.integers(2**32)))
            altered.append((dealt * 1.37 + 11.13).fill_null(11.13).cast(dtype) if dtype.is_float() else dealt)
    if EVENT_TYPE in values.columns:
        kinds = _kinds(log)
        following = dict(zip(kinds, islice(cycle(kinds), 1, None), strict=False))
        kind = pl.col(EVENT_TYPE).cast(pl.String).replace_strict(following, default=None, return_dtype=pl.String)
        altered.append(kind.cast(log.schema[EVENT_TYPE]))
    return values.with_columns(altered)


def injections(log: pl.DataFrame, targets: pl.DataFrame, /, *, lag: int, rng: np.random.Generator) -> Edits:
    """Return edits that put in events of every kind at the first moments that the targets' anchors may not see.

    Their times are T - lag, just before T if there is a lag, T, an hour and two days later. Each is put in twice: on
    the anchor's item with floats above all in the log, and on another item with floats below. All other values are
    taken from events of the log. Those up to T belong to the anchor's session, the later ones to the user's next.

    Parameters
    ----------
    log
        The events with ``__row``.
    targets
        Anchors with ``__since``.
    lag
        The availability lag in microseconds.
    rng
        Chooses the events whose other values are taken.
    """
    if log.is_empty() or targets.is_empty():
        return no_edits(log)
    offsets = sorted({0, lag - _MICROSECOND, lag, lag + _HOUR, lag + 48 * _HOUR} - {-_MICROSECOND})
    sessions = _sessions(log, targets)
    asked = (
        sessions.join(pl.DataFrame({_OFFSET: pl.Series(offsets, dtype=pl.Duration("us"))}), how="cross")
        .join(pl.DataFrame({_OWN_ITEM: [True, False]}), how="cross")
        .join(pl.DataFrame({_KIND: pl.Series(_kinds(log) or [None], dtype=_kind_dtype(log))}), how="cross")
    )
    patterns = log[rng.integers(len(log), size=len(asked)).tolist()]
    made = pl.concat([asked, patterns.select(pl.all().name.prefix(_PATTERN))], how="horizontal")
    values = {name: _injected(name, log, made.columns, lag) for name in log.columns}
    return Edits(
        log,
        made.with_row_index(_ORDER)
        .select(
            pl.lit(None, dtype=log.schema[ROW]).alias(ROW),
            (pl.col(_ORDER).cast(pl.Int128) + _first_free_id(log)).cast(log.schema[EVENT_ID]).alias(EVENT_ID),
            *(value.alias(name) for name, value in values.items() if name not in {ROW, EVENT_ID}),
            pl.lit(value=True).alias(ADDS),
        )
        .select(*log.columns, ADDS),
    )


def _injected(name: str, log: pl.DataFrame, present: list[str], lag: int) -> pl.Expr:
    """Return the values of one column of the injected events; what is not chosen comes from an event of the log."""
    dtype, pattern = log.schema[name], pl.col(f"{_PATTERN}{name}")
    value = pattern
    if name == TIMESTAMP:
        value = pl.col(SINCE) + pl.col(_OFFSET)
    elif name == USER_ID:
        value = pl.col(USER_ID)
    elif name == ITEM_ID and ITEM_ID in present:
        value = pl.when(_OWN_ITEM).then(pl.col(ITEM_ID).cast(dtype)).otherwise(pattern)
    elif name == EVENT_TYPE:
        value = pl.col(_KIND)
    elif name == SESSION_INDEX:
        later = pl.col(_OFFSET) > pl.duration(microseconds=lag)
        value = pl.when(later).then(pl.col(_LAST_SESSION).fill_null(0) + 1).otherwise(pl.col(_OWN_SESSION))
    elif dtype.is_float():
        highest, lowest = _extremes(log[name])
        value = pl.when(_OWN_ITEM).then(highest * 1.5 + 7.77).otherwise(lowest * 0.5)
    return value.cast(dtype)


def _first_free_id(log: pl.DataFrame) -> int:
    return 0 if log.is_empty() else int(log[EVENT_ID].to_numpy().max()) + 1


def _extremes(column: pl.Series) -> tuple[float, float]:
    """Return the largest and the smallest number of a column, 0 where it has none."""
    numbers = column.drop_nulls().drop_nans().cast(pl.Float64).to_numpy()
    return (float(numbers.max()), float(numbers.min())) if len(numbers) else (0.0, 0.0)


def _sessions(log: pl.DataFrame, targets: pl.DataFrame) -> pl.DataFrame:
    """Add to targets the session that an event at T would belong to, and the user's last in the log."""
    if SESSION_INDEX not in log.columns:
        return targets
    numbers = log.group_by(USER_ID).agg(pl.col(SESSION_INDEX).max().cast(pl.Int64).alias(_LAST_SESSION))
    last = pl.col(_LAST_SESSION).fill_null(1)
    own = pl.col(SESSION_INDEX).cast(pl.Int64) if SESSION_INDEX in targets.columns else pl.lit(None, dtype=pl.Int64)
    return targets.join(numbers, on=USER_ID, how="left", maintain_order="left").with_columns(
        pl.coalesce(own, last).alias(_OWN_SESSION)
    )


def _kind_dtype(log: pl.DataFrame) -> pl.DataType:
    return log.schema.get(EVENT_TYPE, pl.String())


def _kinds(log: pl.DataFrame) -> list[str]:
    """Return the possible event types: the categories of the Enum, or those in the log and the five of the schema."""
    dtype = _kind_dtype(log)
    if isinstance(dtype, pl.Enum):
        return dtype.categories.to_list()
    found = log[EVENT_TYPE].drop_nulls().cast(pl.String).unique().sort().to_list() if EVENT_TYPE in log.columns else []
    return [*found, *(kind for kind in EVENT_TYPES if kind not in found)] if EVENT_TYPE in log.columns else []
