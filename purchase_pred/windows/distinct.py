"""Exact distinct counts from running totals, in time order, with nothing sorted per window.

An event opens its value in the window [T - w, T) when no event of the same value lies within w before it, and closes it
when none lies within w after it. The distinct values at T are those opened before T less those closed before T - w: of
each chain of events no further apart than w, the first has been counted in and, once the last is older than w, out.
An entity opens as often as it closes, so what came before the entity cancels.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from purchase_pred.windows.keys import BASE, KEY, ROW

_VALUE: Final = "__value"
_BEFORE: Final = "__gap_before"
_AFTER: Final = "__gap_after"


def with_gaps(rows: pl.LazyFrame, column: str, /) -> pl.LazyFrame:
    """Return `rows` (sorted by `KEY`) with the microseconds to the neighbouring events of the same entity and value."""
    value = pl.col(column)
    if rows.collect_schema()[column] == pl.String:
        value = value.cast(pl.Categorical).to_physical()
    chained = rows.select(KEY, BASE, value.alias(_VALUE)).with_row_index(ROW).sort(_VALUE, maintain_order=True)
    follows = pl.col(_VALUE).eq(pl.col(_VALUE).shift(1)) & pl.col(BASE).eq(pl.col(BASE).shift(1))
    gaps = chained.with_columns(pl.when(follows).then(pl.col(KEY) - pl.col(KEY).shift(1)).alias(_BEFORE))
    return gaps.with_columns(pl.col(_BEFORE).shift(-1).alias(_AFTER)).sort(ROW)


def opened(window: int | None) -> pl.Expr:
    """Count, up to each row, the rows that open their value in a window of so many microseconds."""
    return _further_than(_BEFORE, window).cum_sum()


def closed(window: int | None) -> pl.Expr:
    """Count, up to each row, the rows that close their value; over all history nothing closes but the entity."""
    return opened(None) if window is None else _further_than(_AFTER, window).cum_sum()


def _further_than(gap: str, window: int | None) -> pl.Expr:
    alone = pl.col(gap).is_null()
    return alone if window is None else alone | (pl.col(gap) > pl.lit(window, dtype=pl.Int128))
