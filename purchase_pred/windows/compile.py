"""From declared aggregates to look-up tables, and to the expressions that compute features from what is looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.arithmetic import divide, run_starts, running_count
from purchase_pred.windows.decay import DECAYED, power, with_decayed_counts
from purchase_pred.windows.distinct import closed, opened, with_gaps
from purchase_pred.windows.exact_sums import fixed_point, to_float
from purchase_pred.windows.keys import AT, BASE, KEY
from purchase_pred.windows.tables import LookUpTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from purchase_pred.windows.aggregates import Aggregate

_HOUR: Final = 3_600_000_000
_EVERY_ROW: Final = pl.col(KEY).is_not_null()


def compile_aggregates(
    aggregates: Sequence[Aggregate], events: pl.LazyFrame, /, *, lag: int
) -> tuple[list[LookUpTable], dict[str, pl.Expr]]:
    """Return the tables to look the anchors up in, and one expression per output column over what was looked up.

    Aggregates of one kind and one `where` share a table; all additive ones share one table, whatever their `where`.
    """
    compiler = _Compiler(events, lag)
    features = {
        name: compiler.feature(aggregate, window) for aggregate in aggregates for name, window in aggregate.columns
    }
    return compiler.tables, features


class _Compiler:
    """Collects the tables while the features are compiled one by one."""

    def __init__(self, events: pl.LazyFrame, lag: int) -> None:
        self._events = events
        self._schema = events.collect_schema()
        self._lag = lag
        self._tables: list[tuple[str, pl.Expr, LookUpTable]] = []

    @property
    def tables(self) -> list[LookUpTable]:
        return [table for _, _, table in self._tables]

    def feature(self, aggregate: Aggregate, window: int | None) -> pl.Expr:
        compilers: dict[str, Callable[[Aggregate, int | None], pl.Expr]] = {
            "count": self._count,
            "total": self._total,
            "mean": self._mean,
            "n_unique": self._n_unique,
            "last": self._last,
            "hours_since_last": self._hours_since_last,
            "hours_since_first": self._hours_since_first,
            "decayed_count": self._decayed_count,
        }
        return compilers[aggregate.kind](aggregate, window)

    def _count(self, aggregate: Aggregate, window: int | None) -> pl.Expr:
        return self._difference(running_count(_seen(aggregate)), window)

    def _total(self, aggregate: Aggregate, window: int | None) -> pl.Expr:
        amount = pl.when(_seen(aggregate)).then(self._amount(aggregate)).fill_null(0)
        return to_float(self._difference(amount.cum_sum(), window))

    def _mean(self, aggregate: Aggregate, window: int | None) -> pl.Expr:
        counted = self._difference(running_count(_seen(aggregate) & self._amount(aggregate).is_not_null()), window)
        return pl.when(counted > 0).then(self._total(aggregate, window) / counted)

    def _n_unique(self, aggregate: Aggregate, window: int | None) -> pl.Expr:
        column = str(aggregate.column)
        present = _seen(aggregate) & pl.col(column).is_not_null()
        kind = f"distinct{' consecutive' if aggregate.consecutive else ''} {column}"
        table = self._table(kind, present, lambda rows: with_gaps(rows, column, consecutive=aggregate.consecutive))
        return table.read(opened(window)).fill_null(0) - table.read(closed(window), window).fill_null(0)

    def _last(self, aggregate: Aggregate, _: int | None) -> pl.Expr:
        table = self._table("latest", _seen(aggregate))
        return pl.when(_same_entity(table.read(pl.col(KEY)))).then(table.read(pl.col(str(aggregate.column))))

    def _hours_since_last(self, aggregate: Aggregate, _: int | None) -> pl.Expr:
        return self._hours_since(self._table("latest", _seen(aggregate)).read(pl.col(KEY).shift(aggregate.k - 1)))

    def _hours_since_first(self, aggregate: Aggregate, _: int | None) -> pl.Expr:
        return self._hours_since(self._table("first", _seen(aggregate), _first_rows).read(pl.col(KEY)))

    def _decayed_count(self, aggregate: Aggregate, _: int | None) -> pl.Expr:
        half_life = aggregate.half_life
        table = self._table(f"decayed {half_life}", _seen(aggregate), lambda rows: with_decayed_counts(rows, half_life))
        found = table.read(pl.col(KEY))
        decayed = table.read(pl.col(DECAYED)) * power(-divide(self._age(found), half_life))
        return pl.when(_same_entity(found)).then(decayed).otherwise(0.0)

    def _table(
        self, kind: str, where: pl.Expr, rows: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None
    ) -> LookUpTable:
        known = next((table for k, w, table in self._tables if k == kind and w.meta.eq(where)), None)
        if known is None:
            seen = self._events.filter(where) if rows or kind == "latest" else self._events
            known = LookUpTable(f"table{len(self._tables)}", rows(seen) if rows else seen)
            self._tables.append((kind, where, known))
        return known

    def _difference(self, running: pl.Expr, window: int | None) -> pl.Expr:
        table = self._table("additive", _EVERY_ROW)
        return table.read(running).fill_null(0) - table.read(running, window).fill_null(0)

    def _amount(self, aggregate: Aggregate) -> pl.Expr:
        column = str(aggregate.column)
        return fixed_point(pl.col(column), self._schema[column])

    def _age(self, found: pl.Expr) -> pl.Expr:
        return pl.col(AT) - found + self._lag

    def _hours_since(self, found: pl.Expr) -> pl.Expr:
        return pl.when(_same_entity(found)).then(divide(self._age(found), _HOUR))


def _seen(aggregate: Aggregate) -> pl.Expr:
    """Return which events count; a condition that names no column holds for all rows or for none."""
    if aggregate.where is None:
        return _EVERY_ROW
    condition = aggregate.where.fill_null(value=False)
    return condition if aggregate.where.meta.root_names() else _EVERY_ROW & condition


def _same_entity(found: pl.Expr) -> pl.Expr:
    return found >= pl.col(BASE)


def _first_rows(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.filter(run_starts(BASE))
