"""The feature function under test: its features of the unaltered log, and the rows that change in altered ones."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import SchemaError
from purchase_pred.leakage.edits import ROW, no_edits

if TYPE_CHECKING:
    from purchase_pred.leakage.trials import Trial, World

FeatureFunction = Callable[[pl.LazyFrame, pl.LazyFrame], pl.LazyFrame]

ROWS: Final = "(rows)"
"""Stands for a column in a report when an alteration makes the function lose, add or reorder rows."""


@dataclass(frozen=True)
class Outcome:
    """What a trial found."""

    trial: Trial
    columns: tuple[str, ...]
    """The columns that were compared."""
    moved: dict[str, pl.Series]
    """For each column that moved, the rows of the unaltered anchors."""
    before: pl.DataFrame
    """The features of all anchors that may not move."""


class Subject:
    """A feature function, and its features of the unaltered anchors and log."""

    def __init__(self, function: FeatureFunction, world: World) -> None:
        self._function = function
        self.world = world
        self._keys = [name for name in world.anchors.columns if name != ROW]
        made = self._call(world.anchors, no_edits(world.log).applied(), "the log as it is")
        fault = _fault(made, world.anchors)
        self.columns = [name for name in made.columns if name not in self._keys]
        if fault or not self.columns:
            raise SchemaError(
                "feature_function: must return one row per anchor, in their order, with columns added; "
                f"found {fault or 'no column that the anchors do not have'}"
            )
        self.features = made.select(self.columns)

    def run(self, trial: Trial, first: int | None = None) -> pl.DataFrame | None:
        """Return the features of a trial's anchors after its first so many edits; None when rows are lost or moved."""
        made = self._call(trial.anchors, trial.edits.applied(first), f"{trial.tampering} ({trial.scope})")
        return None if _fault(made, trial.anchors) else made

    def judge(self, trial: Trial, *, leaving_out: Collection[str] = ()) -> Outcome:
        """Run a trial and compare its rows with those of the unaltered world."""
        columns = tuple(name for name in self.columns if name not in leaving_out)
        before = self._baseline(trial)
        made = self.run(trial)
        rows = trial.anchors[ROW]
        compared = trial.compared.gather(rows)
        if made is None:
            return Outcome(trial, columns, {ROWS: rows.filter(compared)}, before)
        moved = {}
        for name in columns:
            differs = difference(before[name].gather(rows), made.get_column(name, default=None)) & compared
            if differs.any():
                moved[name] = rows.filter(differs)
        return Outcome(trial, columns, moved, before)

    def _baseline(self, trial: Trial) -> pl.DataFrame:
        if trial.compared_with is None:
            return self.features
        made = self._call(self.world.anchors, no_edits(trial.compared_with).applied(), f"before {trial.tampering}")
        return self.features if _fault(made, self.world.anchors) else made.select(self.columns)

    def _call(self, anchors: pl.DataFrame, log: pl.DataFrame, doing: str) -> pl.DataFrame:
        try:
            return self._function(anchors.drop(ROW).lazy(), log.lazy()).lazy().collect()
        except Exception as error:
            error.add_note(f"raised by the feature function while it was checked for leaks: {doing}")
            raise


def difference(before: pl.Series, after: pl.Series | None, /) -> pl.Series:
    """Return where two columns differ in any bit: nulls are equal, NaNs are equal, 0.0 and -0.0 are not."""
    if after is None or after.dtype != before.dtype:
        return pl.repeat(value=True, n=len(before), eager=True)
    pair = pl.DataFrame({"before": before.rename("before"), "after": after.rename("after")})
    differs = pl.col("before").ne_missing(pl.col("after"))
    if before.dtype.is_float():
        differs |= (pl.col("before") == 0) & (pl.col("after") == 0) & (1 / pl.col("before") != 1 / pl.col("after"))
    return pair.select(differs.fill_null(value=False)).to_series()


def _fault(made: pl.DataFrame, anchors: pl.DataFrame) -> str:
    """Describe how the rows differ from those of the anchors; empty when they do not."""
    if len(made) != len(anchors):
        return f"{len(made):,} rows for {len(anchors):,} anchors"
    for name in (name for name in anchors.columns if name in made.columns):
        differs = difference(anchors[name], made[name])
        if differs.any():
            return f"another {name!r} than the anchors' in {int(differs.sum()):,} of {len(made):,} rows"
    return ""
