"""The stages `sessionize` and `split`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.pipeline.engine.parquet import row_count, scan, sink
from purchase_pred.pipeline.engine.stage import Made
from purchase_pred.pipeline.engine.workspace import EVENTS_FILE, SESSIONIZED_FILE
from purchase_pred.schema import EVENTS, SESSIONIZED, SPLIT
from purchase_pred.sessions import sessionize
from purchase_pred.splits import temporal_split

if TYPE_CHECKING:
    from purchase_pred.pipeline.engine.stage import Work


def sessionize_events(work: Work, /) -> list[Made]:
    """Give the sessions of each user their numbers."""
    path = work.read(EVENTS_FILE)
    events = scan(path, EVENTS)
    if not row_count(path):
        raise InputError(f"{path}: the log must hold events, and holds none")
    partial = work.workspace.partial(SESSIONIZED_FILE)
    return [
        Made(
            SESSIONIZED_FILE,
            partial,
            SESSIONIZED_FILE,
            rows=sink(sessionize(events, gap=work.settings.session.gap), partial),
        )
    ]


def split_events(work: Work, /) -> list[Made]:
    """Cut the sessions by the time they start."""
    sessionized = scan(work.read(SESSIONIZED_FILE), SESSIONIZED)
    shares = work.settings.split
    events = temporal_split(sessionized, train=shares.train, val=shares.val, align=shares.align)
    partials = {unit: work.workspace.partial(unit) for unit in work.units}
    pl.collect_all(
        [
            events.filter(pl.col(SPLIT) == split_of(unit)).drop(SPLIT).sink_parquet(partial, lazy=True)
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
