"""Results for other programs, in the format that the file's name asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import polars.selectors as cs

from purchase_pred.errors import ConfigError
from purchase_pred.pipeline.engine.publish import written_whole
from purchase_pred.schema import USER_ID

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
_AS_READ: Final[Mapping[str, Callable[[pl.DataFrame, Path], None]]] = {
    **_WRITERS,
    ".csv": lambda frame, path: frame.write_csv(path),
}
"""As above; what was read from a list is inert already."""
_READERS: Final[Mapping[str, Callable[[Path], pl.DataFrame]]] = {
    ".parquet": pl.read_parquet,
    ".csv": lambda path: pl.read_csv(path, infer_schema=False),
    ".ndjson": lambda path: pl.read_ndjson(path, infer_schema_length=None),
    ".jsonl": lambda path: pl.read_ndjson(path, infer_schema_length=None),
}

LISTS_FOLDER: Final = "lists"
"""Where, within a workspace, lists lie of which it is known: those of nights, unless they were sent elsewhere."""


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


def without_user(path: Path, user: str, /) -> tuple[pl.DataFrame, int]:
    """Return what an exported list holds without a person, as text or with its dtypes, and how many rows were theirs.

    A list without users is returned as it is.
    """
    frame = _READERS[path.suffix](path)
    if USER_ID not in frame.columns:
        return frame, 0
    kept = frame.filter(~pl.col(USER_ID).cast(pl.String).is_in([user, f"'{user}"]).fill_null(value=False))
    return kept, frame.height - kept.height


def replace_list(frame: pl.DataFrame, path: Path, /) -> None:
    """Write what `without_user` returned in the place of the list; the file appears whole."""
    with written_whole(path) as partial:
        _AS_READ[path.suffix](frame, partial)


def exported_lists(folder: Path, /) -> list[Path]:
    """Return the lists in a folder."""
    return sorted(path for path in folder.glob("*") if path.suffix in _WRITERS and not path.name.startswith("."))


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
