"""`table`: one row per event under any column and event names, the shape of most logs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from purchase_pred.ingest.columns import REQUIRED, canonical_events, event_names, source_columns
from purchase_pred.ingest.source import SourceLog, number_rows, scan_files
from purchase_pred.schema import CATEGORY, DURATION, PRICE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purchase_pred.ingest.files import LogFile
    from purchase_pred.settings.ingest import IngestSettings

_OPTIONAL: Final = (PRICE, DURATION, CATEGORY)


def read(files: Sequence[LogFile], settings: IngestSettings, /) -> SourceLog:
    """Read a table of events.

    Parameters
    ----------
    files
        Hold `timestamp`, `user_id`, `event_type`, `item_id`, and maybe `price`, `duration_seconds`, `category`,
        under these names or those of `settings.columns`.
    settings
        ``events={"purchase": ["order"]}`` gives the log's event names; our own are known. With
        ``events={"purchase": "*"}`` every row is a purchase, and no event column is needed.

    Raises
    ------
    InputError
        A required column, or one that the settings name, is missing.
    """
    sought = [_with_optional(file, settings) for file in files]
    return SourceLog(
        rows=number_rows(scan_files(sought)),
        columns=source_columns(sought, {name: name for name in (*REQUIRED, *_OPTIONAL)}, settings, optional=_OPTIONAL),
        events=event_names(canonical_events({}), settings),
        files=tuple(file.path for file in files),
    )


def _with_optional(file: LogFile, settings: IngestSettings) -> LogFile:
    """Return NDJSON with our optional fields, which may turn up far below the lines that named its columns."""
    if file.kind != "ndjson":
        return file
    known = {*file.names, *settings.columns.values()}
    optional = [name for name in _OPTIONAL if name not in known and name not in settings.columns]
    return replace(file, names=(*file.names, *optional))
