"""What a format makes of its files: one lazy frame of source columns, and which of them mean what."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.ingest.files import plain_pattern
from purchase_pred.schema import EVENT_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from purchase_pred.ingest.files import LogFile

PREFIX: Final = "source:"
"""Marks the columns of the source, so that none is taken for one of ours."""
EXTRA_FIELD: Final = "extra_field"
"""Name of the field that a line of delimited text has beyond its header; null in a sound line."""


@dataclass(frozen=True, eq=False)
class SourceLog:
    """The rows of a log as they stand in the source, and how to read them."""

    rows: pl.LazyFrame
    """`event_id` UInt64, the position of the row in the source, then the source's columns, marked with `PREFIX`;
    all text but for Parquet."""
    columns: Mapping[str, pl.Expr]
    """Canonical column to an expression over `rows`."""
    events: Mapping[str, str]
    """Event name of the source to a canonical one, or to "ignore"."""
    categories: pl.LazyFrame | None = None
    """Where categories stand in files of their own: `item_id` String, `category` String, one row per item."""
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = field(default=())


def source(name: str, /) -> pl.Expr:
    """Return the expression of a source column."""
    return pl.col(PREFIX + name)


def scan_files(files: Sequence[LogFile], /) -> pl.LazyFrame:
    """Scan files of any kind, one after another, into one frame of source columns.

    Parameters
    ----------
    files
        The files, in the order in which their rows count.

    Returns
    -------
    LazyFrame
        The source's columns under their own names. Text is not interpreted: every column of delimited text and of
        NDJSON is String, an empty field null. A column that a file lacks is null there; a column that differs in
        dtype between files is String. Delimited text has `EXTRA_FIELD` besides.

    Raises
    ------
    InputError
        A column name stands twice in a header.
    """
    alike = groupby(files, key=lambda file: (file.kind, file.names, file.separator, file.header))
    return stack([scan for _, group in alike for scan in _scan_alike(list(group))])


def stack(frames: Sequence[pl.LazyFrame], /) -> pl.LazyFrame:
    """Return frames below one another: columns by name, missing ones null, those of several dtypes as String."""
    if len(frames) == 1:
        return frames[0]
    schemas = [frame.collect_schema() for frame in frames]
    dtypes: dict[str, set[pl.DataType]] = {}
    for schema in schemas:
        for name, dtype in schema.items():
            dtypes.setdefault(name, set()).add(dtype)
    mixed = {name for name, found in dtypes.items() if len(found) > 1}
    agreeing = [
        frame.with_columns(pl.col(name).cast(pl.String) for name in schema if name in mixed)
        for frame, schema in zip(frames, schemas, strict=True)
    ]
    return pl.concat(agreeing, how="diagonal")


def number_rows(rows: pl.LazyFrame, /) -> pl.LazyFrame:
    """Return source rows with their position as `event_id` in front, and their columns marked with `PREFIX`."""
    marked = rows.select(pl.all().name.prefix(PREFIX))
    return marked.with_row_index(EVENT_ID).with_columns(pl.col(EVENT_ID).cast(pl.UInt64))


def _scan_alike(files: list[LogFile]) -> list[pl.LazyFrame]:
    paths = [file.path for file in files]
    if files[0].kind == "parquet":
        return [pl.scan_parquet(path, glob=False) for path in paths]
    if files[0].kind == "ndjson":
        text = dict.fromkeys(files[0].names, pl.String)
        return [pl.scan_ndjson([plain_pattern(path) for path in paths], schema=text)]
    return [_scan_delimited(paths, files[0])]


def _scan_delimited(paths: Sequence[Path], layout: LogFile) -> pl.LazyFrame:
    twice = sorted({name for name in layout.names if layout.names.count(name) > 1})
    if twice:
        raise InputError(f"{paths[0]}: column {twice[0]!r} stands twice in the header; rename one of the two")
    return pl.scan_csv(
        [str(path) for path in paths],
        schema=dict.fromkeys([*layout.names, EXTRA_FIELD], pl.String),
        separator=layout.separator,
        has_header=False,
        skip_rows=int(layout.header),
        missing_columns="insert",  # short lines and lines too long for the header are rows to report,
        extra_columns="ignore",  # not reasons to stop
        truncate_ragged_lines=True,
        glob=False,
    )
