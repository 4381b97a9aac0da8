"""What a format makes of its files: one lazy frame of source columns, and which of them mean what."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.ingest.files import plain_pattern
from purchase_pred.ingest.times import is_in_calendar
from purchase_pred.schema import EVENT_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from polars._typing import PolarsDataType

    from purchase_pred.ingest.files import FileKind, LogFile

PREFIX: Final = "source:"
"""Marks the columns of the source, so that none is taken for one of ours."""
EXTRA_FIELD: Final = "\nextra_field"
"""Name of the field that a line of delimited text has beyond its header, which no header can hold; null in a sound
line."""
_LINE: Final = "line"


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
    """Where categories stand in files of their own: `item_id` String, `category` String, one row per item; of a product
    list also `base_price` Float64."""
    kept: Mapping[str, pl.Expr] = field(default_factory=dict)
    """Column to keep, by the name that it gets, to its values over `rows`: text, or as Parquet has it; see
    `kept_column`."""
    texts: frozenset[str] = frozenset()
    """Which of them are text, whatever their values look like."""
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = field(default=())
    kinds: tuple[FileKind, ...] = ()
    """The kinds of the files, each once."""


def source(name: str, /) -> pl.Expr:
    """Return the expression of a source column."""
    return pl.col(PREFIX + name)


def as_text(column: pl.Expr, dtype: pl.DataType, name: str, /) -> pl.Expr:
    """Return a source column of any dtype as text that shows it: JSON for lists and objects, base64 for bytes."""
    if dtype.is_nested():
        return pl.struct(column.alias(name)).struct.json_encode()
    if dtype == pl.Binary:
        return column.bin.encode("base64")
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):  # beyond the calendar, the number that stands there
        sound = is_in_calendar(column, dtype)
        return pl.when(sound).then(column).cast(pl.String).fill_null(pl.when(~sound).then(column.to_physical()))
    return column.cast(pl.String)


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
        return [scan_objects(files, dict.fromkeys(files[0].names, pl.String))]
    return [_scan_delimited(paths, files[0])]


def scan_objects(files: Sequence[LogFile], fields: Mapping[str, PolarsDataType], /) -> pl.LazyFrame:
    """Scan NDJSON files, one after another, for some fields of their objects."""
    if not any(file.marked for file in files):
        return pl.scan_ndjson([plain_pattern(file.path) for file in files], schema=dict(fields))
    lines = pl.scan_csv(  # which steps over a byte order mark
        [str(file.path) for file in files],
        schema={_LINE: pl.String},
        separator="\x1f",
        quote_char=None,
        has_header=False,
        glob=False,
    ).drop_nulls()
    return lines.select(pl.col(_LINE).str.json_decode(pl.Struct(dict(fields)))).unnest(_LINE)


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
