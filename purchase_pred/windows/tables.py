"""Look-up tables: events in key order with running columns, read by strict as-of look-ups at T and at T - w."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.windows.keys import AT, KEY, window_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AT_T: Final = 0
"""The moment of a look-up at T itself; beside it stand window lengths and None (the entity's start)."""
_LOOK_UP: Final = "__look_up"

Moment = int | None


@dataclass
class LookUpTable:
    """Rows sorted by `KEY`, the columns to read from them, and the moments at which each is read."""

    label: str
    rows: pl.LazyFrame
    columns: dict[str, pl.Expr] = field(default_factory=dict)
    moments: dict[Moment, set[str]] = field(default_factory=dict)

    def read(self, column: pl.Expr, moment: Moment = AT_T) -> pl.Expr:
        """Request `column` of the last row before a moment; equal requests share one look-up."""
        name = next((known for known, other in self.columns.items() if other.meta.eq(column)), None)
        if name is None:
            name = f"__{self.label}_{len(self.columns)}"
            self.columns[name] = column
        self.moments.setdefault(moment, set()).add(name)
        return pl.col(_read_name(name, moment))

    def computed(self, change: Callable[[pl.LazyFrame], pl.LazyFrame], /) -> LookUpTable:
        """Return the table with its columns computed, as `change` returns them: whoever reads it again adds nothing."""
        rows = change(self.rows.select(KEY, **self.columns))
        return LookUpTable(self.label, rows, {name: pl.col(name) for name in self.columns}, self.moments)

    def look_ups(self, anchors: pl.LazyFrame, /) -> Iterator[pl.LazyFrame]:
        """Yield, per moment, the requested columns in the order of the anchors; null where no row lies before it.

        The look-ups do not build on each other, so that they can run side by side.
        """
        table = self.rows.select(pl.col(KEY).alias(_LOOK_UP), **self.columns)
        for moment, names in self.moments.items():
            asked = [pl.col(name).alias(_read_name(name, moment)) for name in sorted(names)]
            at = pl.col(AT) if moment == AT_T else window_start(moment)
            yield (
                anchors.select(at.alias(_LOOK_UP))
                .set_sorted(_LOOK_UP)
                .join_asof(table.select(_LOOK_UP, *asked).set_sorted(_LOOK_UP), on=_LOOK_UP, allow_exact_matches=False)
                .drop(_LOOK_UP)
            )


def _read_name(name: str, moment: Moment) -> str:
    return f"{name}@{'start' if moment is None else moment}"
