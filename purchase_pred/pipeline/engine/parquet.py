"""Parquet in and out: scans that name what is wrong with a file, and sinks into temporary names."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

import polars as pl
from polars.exceptions import PolarsError

from purchase_pred import schema
from purchase_pred.errors import InputError, SchemaError
from purchase_pred.pipeline.engine.parquet_join import join_parquet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from purchase_pred.schema import Requirement

ROWS_PER_GROUP: Final = 200_000


def scan(path: Path, columns: Mapping[str, Requirement], /) -> pl.LazyFrame:
    """Return a Parquet file of the workspace as a LazyFrame with the required columns.

    Raises
    ------
    InputError
        The file is missing or no Parquet.
    SchemaError
        A column is missing or of another dtype.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; `purchase-pred status` tells which stages are missing")
    frame = pl.scan_parquet(path)
    try:
        return schema.require(frame, columns, what=str(path))
    except SchemaError:
        raise
    except (PolarsError, OSError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: must be a Parquet file, and cannot be read as one ({reason})") from error


def scan_if_there(path: Path, columns: Mapping[str, Requirement], /) -> pl.LazyFrame | None:
    """Return a Parquet file as `scan` does, or None if there is no such file."""
    return scan(path, columns) if path.is_file() else None


def sink(frame: pl.LazyFrame, path: Path, /, *, told: Mapping[str, str] | None = None) -> int:
    """Write a LazyFrame in row groups of 200,000, with what else the file tells, and return the number of rows."""
    frame.sink_parquet(path, row_group_size=ROWS_PER_GROUP, metadata=dict(told) if told else None)
    return row_count(path)


def continue_file(path: Path, added: Path, joined: Path, /) -> int:
    """Write the rows of a file and of one of the same schema behind them to a third, and return their number.

    If nothing is added, the third is the first, byte for byte.
    """
    if row_count(added):
        return join_parquet([path, added], joined)
    shutil.copyfile(path, joined)
    return row_count(path)


def row_count(path: Path, /) -> int:
    """Return the rows of a Parquet file, reading only its footer."""
    return int(pl.scan_parquet(path).select(pl.len()).collect().item())
