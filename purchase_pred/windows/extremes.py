"""Smallest and largest value in a window: not additive, so a rolling pass over events and anchors together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.windows.keys import AT, BASE, KEY, ROW, entity_time, known_base

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purchase_pred.windows.aggregates import Aggregate

_TIME: Final = "__time"
_ENTITY: Final = "__entity"
_ALL_HISTORY: Final = 10**17
"""A window in microseconds, some 3,000 years, that is longer than any log."""


def with_extremes(anchors: pl.LazyFrame, events: pl.LazyFrame, aggregates: Sequence[Aggregate], /) -> pl.LazyFrame:
    """Return the keyed anchors with one column per minimum or maximum and window; the order is that of `AT`.

    The rolling windows are closed on the left, [T - w, T), so events tied with T are not seen.
    """
    schema = events.collect_schema()
    values = {f"__value{i}": _value(aggregate, schema) for i, aggregate in enumerate(aggregates)}
    rolled = {
        name: _rolled(aggregate, f"__value{i}", window)
        for i, aggregate in enumerate(aggregates)
        for name, window in aggregate.columns
    }
    both = pl.concat(
        [
            events.select(entity_time(KEY).alias(_TIME), pl.col(BASE).alias(_ENTITY), pl.col(KEY), **values),
            anchors.select(
                ROW,
                pl.when(pl.col(AT) > pl.col(BASE)).then(entity_time(AT)).otherwise(0).alias(_TIME),
                known_base().alias(_ENTITY),
                pl.col(AT).alias(KEY),
            ),
        ],
        how="diagonal",
    )
    answers = both.sort(KEY).with_columns(**rolled).filter(pl.col(ROW).is_not_null()).select(ROW, *rolled)
    return anchors.join(answers, on=ROW, how="left")


def _value(aggregate: Aggregate, schema: pl.Schema) -> pl.Expr:
    """Return the values that count, null for the others; what is not a number (NaN) does not count."""
    column = str(aggregate.column)
    value = pl.col(column).fill_nan(None) if schema[column].is_float() else pl.col(column)
    return value if aggregate.where is None else pl.when(aggregate.where).then(value)


def _rolled(aggregate: Aggregate, value: str, window: int | None) -> pl.Expr:
    column = pl.col(value)
    roll = column.rolling_min_by if aggregate.kind == "minimum" else column.rolling_max_by
    length = min(_ALL_HISTORY, _ALL_HISTORY if window is None else window)
    return roll(_TIME, f"{length}i", closed="left").over(_ENTITY)
