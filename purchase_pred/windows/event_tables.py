"""Events as anchors look them up: made ready once, and asked by any number of frames of anchors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.errors import SchemaError
from purchase_pred.schema import PREDICTION_TIME, TIME_DTYPE, require
from purchase_pred.windows.extremes import with_extremes
from purchase_pred.windows.keys import ROW, keyed_anchors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from purchase_pred.windows.aggregates import Aggregate
    from purchase_pred.windows.tables import LookUpTable


@dataclass(frozen=True, kw_only=True)
class EventTables:
    """The tables of some aggregates over the events of an entity; made by `event_tables`."""

    by: Mapping[str, pl.DataType]
    """The columns of the entity, and their dtypes."""
    columns: tuple[str, ...]
    """The columns to be made, in order."""
    lag: int
    """Microseconds after its timestamp at which an event becomes known."""
    bases: pl.Expr | pl.LazyFrame
    """How anchors find the code of their entity."""
    tables: tuple[LookUpTable, ...]
    features: Mapping[str, pl.Expr]
    """What to compute from what is looked up."""
    rolling: tuple[Aggregate, ...]
    """The aggregates that are no difference of running totals."""
    rolled: pl.LazyFrame | None
    """The events that they roll over; None: there are no such aggregates."""

    def answered(self, anchors: pl.LazyFrame, /) -> pl.LazyFrame:
        """Return the anchors, in their order, with the columns."""
        self._check(anchors)
        numbered = anchors.with_row_index(ROW).cache()
        asked = numbered.select(ROW, *self.by, PREDICTION_TIME)
        located = keyed_anchors(asked, self.bases, by=[*self.by], lag=self.lag)
        looked_up = pl.concat(
            [located, *(found for table in self.tables for found in table.look_ups(located))], how="horizontal"
        )
        if self.rolled is not None:
            looked_up = with_extremes(looked_up, self.rolled, self.rolling)
        answers = looked_up.with_columns(**self.features).select(ROW, *self.columns).sort(ROW).drop(ROW)
        return pl.concat([numbered.drop(ROW), answers], how="horizontal")

    def computed(self, change: Callable[[pl.LazyFrame], pl.LazyFrame], /) -> EventTables:
        """Return the tables with all that does not depend on anchors as `change` returns it.

        One that collects a frame and hands it back as a LazyFrame leaves to each frame of anchors the look-ups alone.
        It must keep the rows in their order, and should leave them in one piece.
        """
        return replace(
            self,
            bases=self.bases if isinstance(self.bases, pl.Expr) else change(self.bases),
            tables=tuple(table.computed(change) for table in self.tables),
            rolled=None if self.rolled is None else change(self.rolled),
        )

    def _check(self, anchors: pl.LazyFrame) -> None:
        require(anchors, {**self.by, PREDICTION_TIME: TIME_DTYPE}, what="anchors")
        taken = set(anchors.collect_schema().names())
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1 or name in taken})
        if twice:
            raise SchemaError(f"anchors: columns would be made twice: {', '.join(twice)}; rename the aggregates")
