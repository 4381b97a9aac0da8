"""Conditions on events: each event is looked at by itself, so that no condition can see a later one."""

from __future__ import annotations

import polars as pl


def beyond_one_event(condition: pl.Expr, /) -> pl.Expr | None:
    """Return the first part of a condition that looks at several rows, such as a mean or a shift; None: no part does.

    A Python function inside it (`map_elements`) cannot be inspected, and is taken to look at one row.

    Examples
    --------
    >>> print(beyond_one_event(pl.col("price") > pl.col("price").mean()))
    col("price").mean()
    >>> beyond_one_event(pl.col("item_id").is_in([1, 2]) & (pl.col("price") > 3)) is None
    True
    """
    if condition.meta.is_literal():
        return None
    if not _row_by_row(condition):
        return condition
    parts = (beyond_one_event(part) for part in condition.meta.pop())
    return next((part for part in parts if part is not None), None)


def _row_by_row(node: pl.Expr) -> bool:
    try:
        return node.meta.is_row_separable()
    except pl.exceptions.ColumnNotFoundError:
        # Where Polars needs the columns' types to tell, it is a Python function or a comparison with a list.
        return True
