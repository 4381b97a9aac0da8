"""The stage `split`: three files from one pass over the log, or from one pass each where the memory is small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.execution.memory import events_at_once, memory_limit
from purchase_pred.pipeline.engine.manifest import is_output_of
from purchase_pred.pipeline.engine.parquet import ROWS_PER_GROUP, row_count, scan
from purchase_pred.pipeline.engine.stage import Made
from purchase_pred.pipeline.engine.workspace import SESSIONIZED_FILE
from purchase_pred.schema import SESSIONIZED, SPLIT
from purchase_pred.splits import configured_boundaries, temporal_split

if TYPE_CHECKING:
    from purchase_pred.pipeline.engine.stage import Work

HELD_BYTES: Final = 60
"""What an event of the log takes while three files are written in one pass, which holds what one of them cannot yet
take: 35 bytes, and room. A pass for each holds next to nothing and takes half as long again."""


def split_events(work: Work, /) -> list[Made]:
    """Cut the sessions by the time they start."""
    path = work.read(SESSIONIZED_FILE)
    sessionized = scan(path, SESSIONIZED)
    # Asked for within the plan, they would make it hold the log until the last event is known.
    boundaries = configured_boundaries(sessionized, work.settings.split).collect()
    events = temporal_split(sessionized, boundaries=boundaries.lazy(), assume_sorted=is_output_of("sessionize", path))
    partials = {unit: work.workspace.partial(unit) for unit in work.units}
    sinks = [
        events.filter(pl.col(SPLIT) == split_of(unit))
        .drop(SPLIT)
        .sink_parquet(partial, row_group_size=ROWS_PER_GROUP, lazy=True)
        for unit, partial in partials.items()
    ]
    fits = row_count(path) <= events_at_once(memory_limit(work.settings.execution), bytes_per_event=HELD_BYTES)
    for at_once in [sinks] if fits else [[sink] for sink in sinks]:
        pl.collect_all(at_once)
    return [Made(unit, partial, unit, rows=row_count(partial)) for unit, partial in partials.items()]


def split_of(unit: str, /) -> str:
    """Return the split whose file a unit is.

    Examples
    --------
    >>> split_of("data/features/val_features.parquet")
    'val'
    """
    return unit.rpartition("/")[2].partition("_")[0]
