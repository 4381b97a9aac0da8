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
    from collections.abc import Collection, Mapping, Sequence

    from purchase_pred.ingest.files import LogFile
    from purchase_pred.settings.ingest import IngestSettings

REQUIRED: Final = (TIMESTAMP, USER_ID, EVENT_TYPE, ITEM_ID)
_OBJECT_OR_LIST: Final = r"^(?:\{(?:\".*)?\}|\[.*\])$"
IGNORE: Final = "ignore"
"""What an event is called that the user wants left out; its rows do not count as rejected."""


def event_names(own: Mapping[str, str], settings: IngestSettings, /) -> dict[str, str]:
    """Return event name of the source to canonical event, the user's names added to the format's own.

    Raises
    ------
    InputError
        One name is given two meanings, or "*" is given beside other names and does not stand for "ignore".
    """
    meanings: dict[str, str] = {}
    for canonical, names in settings.events.items():
        for name in names:
            if meanings.setdefault(name, canonical) != canonical:
                raise InputError(f"event {name!r} is mapped to both {meanings[name]!r} and {canonical!r}; keep one")
    if meanings.get(EVERY_ROW, IGNORE) != IGNORE and len(meanings) > 1:
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
        columns found and the nearest. Or it holds objects or lists.

    Notes
    -----
    "Date+Time", where there is no such column, is the text of two or more columns with a blank between; only of
    `timestamp`. A column of which the user says that it is "" is not looked for.
    """
    values: dict[str, str] = dict(fixed or {})
    if event_names({}, settings).get(EVERY_ROW, IGNORE) != IGNORE:
        values[EVENT_TYPE] = EVERY_ROW
    names = dict(own) | {str(canonical): name for canonical, name in settings.columns.items()}
    sought = {
        canonical: name
        for canonical, name in names.items()
        if name and canonical not in set(values) - set(settings.columns)
    }
    required = {
        canonical: name
        for canonical, name in sought.items()
        if canonical in settings.columns or canonical not in optional
    }
    for file in files:
        lacking = {
            canonical: part
            for canonical, name in required.items()
            for part in _parts(canonical, name, file.names)
            if part not in file.names
        }
        if lacking:
            raise InputError(_missing(file, lacking))
        _check_flat(file, sought)
    present = {name for file in files for name in file.names}
    written = {canonical: _parts(canonical, name, present) for canonical, name in sought.items()}
    found = {canonical: _read(parts) for canonical, parts in written.items() if present.issuperset(parts)}
    if any(file.kind == "ndjson" for file in files):
        found |= {column: _flat(found[column]) for column in (USER_ID, ITEM_ID) if column in found}
    return found | {canonical: pl.lit(value) for canonical, value in values.items() if canonical not in found}


def canonical_events(names: Mapping[str, str], /) -> dict[str, str]:
    """Return canonical event names mapped to themselves, then the given ones: what a plain table may hold."""
    return dict(zip(EVENT_TYPES, EVENT_TYPES, strict=True)) | dict(names)


def _parts(canonical: str, name: str, present: Collection[str]) -> tuple[str, ...]:
    """Return the columns that a name stands for: one, or those of a date and a time."""
    if name in present or canonical != TIMESTAMP or "+" not in name:
        return (name,)
    return tuple(part.strip() for part in name.split("+"))


def _read(parts: tuple[str, ...]) -> pl.Expr:
    if len(parts) == 1:
        return source(parts[0])
    return pl.concat_str([source(part).cast(pl.String).str.strip_chars() for part in parts], separator=" ")


def _check_flat(file: LogFile, sought: Mapping[str, str]) -> None:
    for canonical, name in sought.items():
        if name in file.nested:
            raise InputError(
                f"{file.path}: column {name!r} holds objects or lists, and {canonical} must be text or a number; write "
                f"what is meant into a column of its own, or name another with --map {canonical}=NAME"
            )


def _flat(column: pl.Expr) -> pl.Expr:
    """Return identifiers of NDJSON, null where an object or a list turns up below the lines that were looked at."""
    return pl.when(~column.str.contains(_OBJECT_OR_LIST)).then(column)


def _missing(file: LogFile, lacking: Mapping[str, str]) -> str:
    nearest = {canonical: likely_column(name, canonical, file.names) for canonical, name in lacking.items()}
    described = []
    for canonical, name in lacking.items():
        hints = [canonical] if name != canonical else []
        hints += [f"nearest: {nearest[canonical]!r}"] if nearest[canonical] else []
        described.append(f"{name!r}" + (f" ({', '.join(hints)})" if hints else ""))
    options = " ".join(f"--map {canonical}={nearest[canonical] or 'NAME'}" for canonical in lacking)
    return (
        f"{file.path}: missing {'columns' if len(lacking) > 1 else 'column'} {', '.join(described)}; "
        f"columns found: {', '.join(map(repr, file.names)) or 'none'}; name the right ones with {options}"
    )
