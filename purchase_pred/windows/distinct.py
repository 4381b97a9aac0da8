"""Exact distinct counts from running totals, in time order, with nothing sorted per window.

An event opens its value in the window [T - w, T) when no event of the same value lies within w before it, and closes it
when none lies within w after it. The distinct values at T are those opened before T less those closed before T - w: of
each chain of events no further apart than w, the first has been counted in and, once the last is older than w, out.
An entity opens as often as it closes, so what came before the entity cancels.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from purchase_pred.arithmetic import running_count
from purchase_pred.windows.keys import KEY, ROW

_VALUE: Final = "__value"
_BEFORE: Final = "__gap_before"
_AFTER: Final = "__gap_after"
_LONGEST: Final = 2**63 - 1


def with_gaps(rows: pl.LazyFrame, column: str, /, *, consecutive: bool) -> pl.LazyFrame:
    """Return `KEY` of `rows`, sorted by it, with the microseconds to the neighbouring events of equal entity and value.

    `consecutive` says that equal values of an entity follow one another; if they may not, they are brought together.
    """
    value = pl.col(column)
    if rows.collect_schema()[column] == pl.String:
        value = value.cast(pl.Categorical).to_physical()
    named = rows.select(KEY, value.alias(_VALUE))
    if consecutive:
        return _gaps(named).select(KEY, _BEFORE, _AFTER)
    chained = named.with_row_index(ROW).sort(_VALUE, maintain_order=True)
    return _gaps(chained).select(ROW, KEY, _BEFORE, _AFTER).sort(ROW).drop(ROW)


def _gaps(chained: pl.LazyFrame) -> pl.LazyFrame:
    """Add the gaps; keys of two entities lie further apart than 64 bits hold, as no log spans 2^63 microseconds."""
    gap = (pl.col(KEY) - pl.col(KEY).shift(1)).cast(pl.Int64, strict=False)
    follows = pl.col(_VALUE) == pl.col(_VALUE).shift(1)
    return chained.with_columns(pl.when(follows).then(gap).alias(_BEFORE)).with_columns(
        pl.col(_BEFORE).shift(-1).alias(_AFTER)
    )


def opened(window: int | None) -> pl.Expr:
    """Count, up to each row, the rows that open their value in a window of so many microseconds."""
    return running_count(_further_than(_BEFORE, window))


def closed(window: int | None) -> pl.Expr:
    """Count, up to each row, the rows that close their value; over all history nothing closes but the entity."""
    return opened(None) if window is None else running_count(_further_than(_AFTER, window))


def _further_than(gap: str, window: int | None) -> pl.Expr:
    alone = pl.col(gap).is_null()
    return alone if window is None else alone | (pl.col(gap) > min(window, _LONGEST))
