"""The stage `generate`: users, catalog, log and truth of a synthetic shop, in bounded memory, to the byte the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purchase_pred.pipeline.engine.parquet import ROWS_PER_GROUP, scan, sink
from purchase_pred.pipeline.engine.parquet_join import join_parquet
from purchase_pred.pipeline.engine.stage import Made
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, EVENTS_FILE, TRUTH_FILE, USERS_FILE
from purchase_pred.schema import CATALOG, EVENTS, USERS
from purchase_pred.simulation import realism_report, simulate_catalog, simulate_users, simulate_world

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import polars as pl

    from purchase_pred.pipeline.engine.stage import Work
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.simulation import WorldChunk


def generate(work: Work, /) -> list[Made]:
    """Make the raw data from `dataset` alone."""
    dataset = work.settings.dataset
    users = simulate_users(dataset)
    catalog = simulate_catalog(dataset)
    return [
        _write(work, USERS_FILE, users.lazy()),
        _write(work, CATALOG_FILE, catalog.lazy()),
        *_write_world(work, simulate_world(dataset, users, catalog)),
    ]


def measure_realism(workspace: Workspace, /) -> pl.DataFrame:
    """Return the figures of the raw data beside the bands of a believable shop, as `realism_report` has them.

    Raises
    ------
    InputError
        A raw file is missing or no Parquet.
    """
    files = {EVENTS_FILE: EVENTS, CATALOG_FILE: CATALOG, USERS_FILE: USERS}
    return realism_report(*(scan(workspace.path(name), columns) for name, columns in files.items()))


def _write_world(work: Work, world: Iterator[WorldChunk]) -> list[Made]:
    """Write what each chunk holds to files of its own, which are joined as they are once all of them are there.

    A plan that asks for the chunks would write them at once; but where a signal falls into what Polars calls, its
    thread panics aloud.
    """
    parts: dict[str, list[Path]] = {EVENTS_FILE: [], TRUTH_FILE: []}
    rows = 0
    for number, chunk in enumerate(world):
        for name, frame in ((EVENTS_FILE, chunk.events), (TRUTH_FILE, chunk.truth)):
            parts[name].append(work.workspace.partial(f"{name}.{number}"))
            frame.write_parquet(parts[name][-1], row_group_size=ROWS_PER_GROUP)
        rows += chunk.events.height
        work.observer.rows_done(rows)
    return [_joined(work, name, parts[name]) for name in parts]


def _joined(work: Work, name: str, parts: Sequence[Path]) -> Made:
    partial = work.workspace.partial(name)
    rows = join_parquet(parts, partial)
    for part in parts:
        part.unlink()
    return Made(name, partial, name, rows=rows)


def _write(work: Work, name: str, frame: pl.LazyFrame) -> Made:
    partial = work.workspace.partial(name)
    return Made(name, partial, name, rows=sink(frame, partial))
