"""The stage `generate`: users, catalog, log and truth of a synthetic shop, in bounded memory, to the byte the same."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

from purchase_pred.pipeline.engine.parquet import scan, sink
from purchase_pred.pipeline.engine.stage import Made
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, EVENTS_FILE, TRUTH_FILE, USERS_FILE
from purchase_pred.schema import CATALOG, EVENTS, USERS
from purchase_pred.simulation import realism_report, simulate_catalog, simulate_users, simulate_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from purchase_pred.pipeline.engine.stage import Observer, Work
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


def sink_chunks(chunks: Iterator[pl.DataFrame], path: Path, observer: Observer, /) -> int:
    """Write frames one after another into one Parquet file, never holding more than a few of them."""
    first = next(chunks)

    def source(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        del with_columns, predicate, n_rows, batch_size  # a bare sink asks for every row and column
        rows = 0
        for chunk in chain([first], chunks):
            rows += chunk.height
            observer.rows_done(rows)
            yield chunk

    return sink(register_io_source(source, schema=first.schema), path)


def _write_world(work: Work, world: Iterator[WorldChunk]) -> list[Made]:
    """Write events as they come, and the truth of each chunk to a file of its own until all of them are there."""
    parts: list[Path] = []

    def events() -> Iterator[pl.DataFrame]:
        for number, chunk in enumerate(world):
            parts.append(work.workspace.partial(f"{TRUTH_FILE}.{number}"))
            chunk.truth.write_parquet(parts[-1])
            yield chunk.events

    partial = work.workspace.partial(EVENTS_FILE)
    rows = sink_chunks(events(), partial, work.observer)
    truth = _write(work, TRUTH_FILE, pl.scan_parquet(parts))
    for part in parts:
        part.unlink()
    return [Made(EVENTS_FILE, partial, EVENTS_FILE, rows=rows), truth]


def _write(work: Work, name: str, frame: pl.LazyFrame) -> Made:
    partial = work.workspace.partial(name)
    return Made(name, partial, name, rows=sink(frame, partial))
