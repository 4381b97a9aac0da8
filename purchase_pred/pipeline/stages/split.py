"""The stage `split`: three files from one pass over the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.pipeline.engine.manifest import is_output_of
from purchase_pred.pipeline.engine.parquet import ROWS_PER_GROUP, row_count, scan
from purchase_pred.pipeline.engine.stage import Made
from purchase_pred.pipeline.engine.workspace import SESSIONIZED_FILE
from purchase_pred.schema import SESSIONIZED, SPLIT
from purchase_pred.splits import configured_boundaries, temporal_split

if TYPE_CHECKING:
    from purchase_pred.pipeline.engine.stage import Work


def split_events(work: Work, /) -> list[Made]:
    """Cut the sessions by the time they start."""
    path = work.read(SESSIONIZED_FILE)
    sessionized = scan(path, SESSIONIZED)
    # Asked for within the plan, they would make it hold the log until the last event is known.
    boundaries = configured_boundaries(sessionized, work.settings.split).collect()
    events = temporal_split(sessionized, boundaries=boundaries.lazy(), assume_sorted=is_output_of("sessionize", path))
    partials = {unit: work.workspace.partial(unit) for unit in work.units}
    pl.collect_all(
        [
            events.filter(pl.col(SPLIT) == split_of(unit))
            .drop(SPLIT)
            .sink_parquet(partial, row_group_size=ROWS_PER_GROUP, lazy=True)
            for unit, partial in partials.items()
        ]
    )
    return [Made(unit, partial, unit, rows=row_count(partial)) for unit, partial in partials.items()]


def split_of(unit: str, /) -> str:
    """Return the split whose file a unit is.

    Examples
    --------
    >>> split_of("data/features/val_features.parquet")
    'val'
    """
    return unit.rpartition("/")[2].partition("_")[0]
