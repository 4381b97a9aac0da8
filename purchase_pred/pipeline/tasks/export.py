"""Results for other programs, in the format that the file's name asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from purchase_pred.errors import ConfigError
from purchase_pred.pipeline.engine.publish import written_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import polars as pl

_WRITERS: Final[Mapping[str, Callable[[pl.DataFrame, Path], None]]] = {
    ".parquet": lambda frame, path: frame.write_parquet(path),
    ".csv": lambda frame, path: frame.write_csv(path),
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
    """Write a frame as Parquet, CSV or NDJSON; the file appears whole."""
    check_export(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        _WRITERS[path.suffix](frame, partial)
