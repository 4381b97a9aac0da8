"""Columns beyond our own that the user asks for: kept under their own names, in the dtype that their values have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from purchase_pred.errors import ConfigError, InputError
from purchase_pred.features.sources import CONTEXT
from purchase_pred.ingest.numbers import read_number
from purchase_pred.ingest.rows import missing_to_null, number_as_text
from purchase_pred.likeness import did_you_mean
from purchase_pred.schema import (
    CATALOG,
    LABEL,
    LABEL_END,
    LABEL_TIME,
    LABEL_VALUE,
    PERSONA,
    PREDICTION_TIME,
    SESSIONIZED,
    SPLIT,
    USERS,
)
from purchase_pred.splits import PURGED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from purchase_pred.ingest.files import LogFile
    from purchase_pred.ingest.source import SourceLog

RESERVED: Final = frozenset(
    {
        *SESSIONIZED,
        *CATALOG,
        *USERS,
        *CONTEXT,
        PERSONA,
        SPLIT,
        PREDICTION_TIME,
        LABEL,
        LABEL_END,
        LABEL_TIME,
        LABEL_VALUE,
        PURGED,
    }
)
"""Names that mean something to the stages, so that no kept column may have them."""

_FACTS: Final = ("written", "truth", "whole", "number")
_TRUTHS: Final = ("true", "false")
_LEADING_ZERO: Final = r"^[+-]?0\d"
_TEXT: Final = (pl.String, pl.Categorical, pl.Null)


def check_kept_names(names: Iterable[str], /) -> None:
    """Raise if a column to keep has a name that means something else here.

    Raises
    ------
    ConfigError
        Names the column, and how to have it all the same.
    """
    for name in names:
        if name in RESERVED:
            raise ConfigError(
                f"ingest.keep: {name!r} is a name of our own, which no other column may have; name what it holds with "
                f"--map OURS={name} if it is that, or keep it under another name with --keep NAME={name}"
            )
        if name.startswith(("_", "^")) or "*" in name or not name.strip():
            raise ConfigError(
                f"ingest.keep: a column to keep must not begin with '_' or '^' nor hold '*', found {name!r}; keep it "
                f"under another name with --keep NAME={name}"
            )


def missing_column(name: str, places: Mapping[str, Collection[str]], /) -> InputError:
    """Return the error that says that a column to keep is nowhere, with the columns of each place and the nearest."""
    found = "; ".join(f"{place} has {', '.join(map(repr, columns)) or 'none'}" for place, columns in places.items())
    near = did_you_mean(name, [column for columns in places.values() for column in columns])
    return InputError(f"there is no column {name!r} to keep (--keep, ingest.keep){near}: {found}")


def kept_column(column: pl.Expr, dtype: pl.DataType, name: str, /, *, as_text: bool) -> pl.Expr:
    """Return a column of the source as it is kept: text less what says nothing, anything else as Parquet has it.

    Under `as_text` numbers and the like are text too, whole ones without a point.

    Raises
    ------
    InputError
        The column holds lists, objects, bytes or lengths of time.
    """
    if dtype in _TEXT:
        text = missing_to_null(column.cast(pl.String).str.strip_chars())
        return pl.when(text != "").then(text)
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Duration, pl.Time):
        raise InputError(
            f"column {name!r} cannot be kept, it is {dtype}; text, numbers, Booleans, Enums, dates and times can: "
            "write what is meant into a column of its own"
        )
    if not as_text:
        return column
    return number_as_text(column) if dtype.is_float() else column.cast(pl.String)


def check_flat(files: Sequence[LogFile], names: Iterable[str], /) -> None:
    """Raise if a column to keep holds objects or lists of NDJSON."""
    for name in names:
        nested: Sequence[Path] = [file.path for file in files if name in file.nested]
        if nested:
            raise InputError(
                f"{nested[0]}: column {name!r} cannot be kept, it holds objects or lists; write what is meant into a "
                "column of its own"
            )


def kept_schema(log: SourceLog, /) -> pl.Schema:
    """Return the dtypes of the columns to keep as they stand in the source."""
    return log.rows.select(values.alias(name) for name, values in log.kept.items()).collect_schema()


def undecided(log: SourceLog, /) -> list[str]:
    """Return the columns to keep that are text in the source, and may be numbers or Booleans by all their values."""
    return [name for name, dtype in kept_schema(log).items() if dtype == pl.String and name not in log.texts]


def value_facts(name: str, values: pl.Expr, /, *, sound: pl.Expr, decimal: Literal[".", ","]) -> list[pl.Expr]:
    """Return Booleans of each row, by which `kept_dtype` decides: what is written, and what else it could be."""
    whole = values.cast(pl.Int64, strict=False).cast(pl.String) == values
    number = read_number(values, decimal=decimal).is_finite() & ~values.str.contains(_LEADING_ZERO)
    could_be = {
        "truth": values.str.to_lowercase().is_in(_TRUTHS),
        "whole": whole,
        "number": number,
    }
    return [
        (values.is_not_null() & sound).alias(_fact(name, "written")),
        *(
            ((holds.fill_null(value=False) | values.is_null()) | ~sound).alias(_fact(name, fact))
            for fact, holds in could_be.items()
        ),
    ]


def kept_dtype(name: str, facts: pl.DataFrame, /) -> pl.DataType:
    """Return the dtype of a text column: Boolean, Int64 or Float64 where every value written is one, else String."""
    written, truth, whole, number = (facts[_fact(name, fact)] for fact in _FACTS)
    choices = ((truth, pl.Boolean()), (whole, pl.Int64()), (number, pl.Float64()))
    fits = (dtype for column, dtype in choices if written.any() and column.all())
    return next(fits, pl.String())


def typed_values(values: pl.Expr, found: pl.DataType, dtype: pl.DataType, /, *, decimal: Literal[".", ","]) -> pl.Expr:
    """Return values of the dtype found as the dtype that `kept_dtype` chose for them; text is read."""
    if found == dtype:
        return values
    if dtype == pl.Boolean:
        return values.str.to_lowercase() == "true"
    return read_number(values, decimal=decimal) if dtype == pl.Float64 else values.cast(dtype)


def _fact(name: str, fact: str) -> str:
    return f"kept:{fact}:{name}"
