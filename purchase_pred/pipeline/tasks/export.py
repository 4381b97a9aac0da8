"""Results for other programs, in the format that the file's name asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import polars.selectors as cs

from purchase_pred.errors import ConfigError
from purchase_pred.pipeline.engine.publish import written_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_FORMULA: Final = r"^[=+\-@\t\r]"
"""How a cell begins that a spreadsheet would compute."""

_WRITERS: Final[Mapping[str, Callable[[pl.DataFrame, Path], None]]] = {
    ".parquet": lambda frame, path: frame.write_parquet(path),
    ".csv": lambda frame, path: inert(frame).write_csv(path),
    ".ndjson": lambda frame, path: frame.write_ndjson(path),
    ".jsonl": lambda frame, path: frame.write_ndjson(path),
}


def check_export(path: Path, /) -> None:
    """Raise unless the file's name asks for a format that can be written.

    Raises
    ------
    ConfigError
        Another ending.
    """
    if path.suffix not in _WRITERS:
        raise ConfigError(f"{path}: the name must end in {', '.join(_WRITERS)}, found {path.suffix or 'no ending'!r}")


def export(frame: pl.DataFrame, path: Path, /) -> None:
    """Write a frame as Parquet, CSV (for spreadsheets, see `inert`) or NDJSON; the file appears whole."""
    check_export(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        _WRITERS[path.suffix](frame, partial)


def inert(frame: pl.DataFrame, /) -> pl.DataFrame:
    """Return a frame in which no text is a formula to a spreadsheet: an apostrophe goes before those that would be.

    Such are texts that begin with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return, as OWASP lists them under CSV
    injection. Numbers, and negative ones among them, stay as they are.

    Examples
    --------
    >>> inert(pl.DataFrame({"item_id": ["=1+1", "shoe"], "score": [-0.5, 1.0]})).rows()
    [("'=1+1", -0.5), ('shoe', 1.0)]
    """
    text = cs.by_dtype(pl.String, pl.Categorical, pl.Enum).cast(pl.String)
    return frame.with_columns(pl.when(text.str.contains(_FORMULA)).then(pl.format("'{}", text)).otherwise(text))
