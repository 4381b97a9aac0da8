"""The stage `generate`: a synthetic shop's users, catalog and log, in bounded memory and to the byte the same."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from polars.io.plugins import register_io_source

from purchase_pred.pipeline.parquet import sink
from purchase_pred.pipeline.stage import Made
from purchase_pred.pipeline.workspace import CATALOG_FILE, EVENTS_FILE, USERS_FILE
from purchase_pred.simulation import simulate_catalog, simulate_clickstream, simulate_users

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

    from purchase_pred.pipeline.stage import Observer, Work


def generate(work: Work, /) -> list[Made]:
    """Make the raw data from `dataset` alone."""
    dataset = work.settings.dataset
    users = simulate_users(dataset)
    catalog = simulate_catalog(dataset)
    chunks = simulate_clickstream(dataset, users, catalog)
    events = work.workspace.partial(EVENTS_FILE)
    return [
        _write(work, USERS_FILE, users),
        _write(work, CATALOG_FILE, catalog),
        Made(EVENTS_FILE, events, EVENTS_FILE, rows=sink_chunks(chunks, events, work.observer)),
    ]


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


def _write(work: Work, name: str, frame: pl.DataFrame) -> Made:
    partial = work.workspace.partial(name)
    return Made(name, partial, name, rows=sink(frame.lazy(), partial))
