"""Which column of the source is which of ours: the format's own names, the user's before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.ingest.source import source
from purchase_pred.ingest.suggestions import likely_column
from purchase_pred.schema import EVENT_TYPE, EVENT_TYPES, ITEM_ID, TIMESTAMP, USER_ID
from purchase_pred.settings.ingest import EVERY_ROW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purchase_pred.ingest.files import LogFile
    from purchase_pred.settings.ingest import IngestSettings

REQUIRED: Final = (TIMESTAMP, USER_ID, EVENT_TYPE, ITEM_ID)
IGNORE: Final = "ignore"
"""What an event is called that the user wants left out; its rows do not count as rejected."""


def event_names(own: Mapping[str, str], settings: IngestSettings, /) -> dict[str, str]:
    """Return event name of the source to canonical event, the user's names added to the format's own.

    Raises
    ------
    InputError
        One name is given two meanings, or "*" is given beside other names.
    """
    meanings: dict[str, str] = {}
    for canonical, names in settings.events.items():
        for name in names:
            if meanings.setdefault(name, canonical) != canonical:
                raise InputError(f"event {name!r} is mapped to both {meanings[name]!r} and {canonical!r}; keep one")
    if EVERY_ROW in meanings and len(meanings) > 1:
        raise InputError(f"events: '*' makes every row one event; other names beside it have no use: {meanings}")
    return {**own, **meanings}


def source_columns(
    files: Sequence[LogFile],
    own: Mapping[str, str],
    settings: IngestSettings,
    /,
    *,
    optional: Sequence[str] = (),
    fixed: Mapping[str, str] | None = None,
) -> dict[str, pl.Expr]:
    """Return canonical column to an expression over the source, after checking that every file has the column.

    Parameters
    ----------
    files
        The files of the log, their columns read.
    own
        Canonical column to the format's name of it.
    settings
        Holds the user's own names, which go before the format's.
    optional
        Canonical columns that may be absent, as long as the user did not name them.
    fixed
        Canonical column to a value that stands in every row, for what the source does not write.

    Raises
    ------
    InputError
        A required column, or one that the user named, is in none of the places looked; names the file, the
        columns found and the nearest.
    """
    values = dict(fixed or {})
    if EVERY_ROW in event_names({}, settings):
        values[EVENT_TYPE] = EVERY_ROW
    names = {**own, **settings.columns}
    found: dict[str, pl.Expr] = {}
    for canonical, name in names.items():
        if canonical in values and canonical not in settings.columns:
            continue
        lacking = [file for file in files if name not in file.names]
        may_lack = canonical in optional and canonical not in settings.columns
        if lacking and not may_lack:
            raise InputError(_missing(lacking[0], name, canonical))
        if len(lacking) < len(files):
            found[canonical] = source(name)
    return found | {canonical: pl.lit(value) for canonical, value in values.items() if canonical not in found}


def canonical_events(names: Mapping[str, str], /) -> dict[str, str]:
    """Return canonical event names mapped to themselves, then the given ones: what a plain table may hold."""
    return dict(zip(EVENT_TYPES, EVENT_TYPES, strict=True)) | dict(names)


def _missing(file: LogFile, name: str, canonical: str) -> str:
    nearest = likely_column(name, canonical, file.names)
    what = f"column {name!r}" if name == canonical else f"column {name!r} ({canonical})"
    hint = f"; nearest: {nearest!r}" if nearest else ""
    example = nearest or "NAME"
    return (
        f"{file.path}: {what} is missing; columns found: {', '.join(map(repr, file.names)) or 'none'}{hint}; "
        f"name the right one with --map {canonical}={example} (ingest.columns.{canonical})"
    )
