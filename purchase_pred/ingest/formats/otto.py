"""`otto`: the OTTO recommender data set, one JSON object per user with all of their events inside."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.ingest.columns import event_names, source_columns
from purchase_pred.ingest.source import SourceLog, number_rows, scan_objects
from purchase_pred.schema import ADD_TO_CART, EVENT_TYPE, ITEM_ID, PURCHASE, TIMESTAMP, USER_ID, VIEW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purchase_pred.ingest.files import LogFile
    from purchase_pred.settings.ingest import IngestSettings

_COLUMNS: Final[Mapping[str, str]] = {USER_ID: "session", ITEM_ID: "aid", TIMESTAMP: "ts", EVENT_TYPE: "type"}
_EVENTS: Final[Mapping[str, str]] = {"clicks": VIEW, "carts": ADD_TO_CART, "orders": PURCHASE}
_INSIDE: Final = ("aid", "ts", "type")
_LINE: Final = ("session", "events")


def read(files: Sequence[LogFile], settings: IngestSettings, /) -> SourceLog:
    """Read OTTO logs.

    Parameters
    ----------
    files
        Lines ``{"session": 1, "events": [{"aid": 2, "ts": 1659304800025, "type": "clicks"}, ...]}``.
    settings
        Event names that go before the format's own.

    Notes
    -----
    What OTTO calls a session is a user over four weeks, so it becomes the user, and sessions are cut as in any log.
    `event_id` counts the events, not the lines; a user without events has none. There are no prices and no
    categories.

    Raises
    ------
    InputError
        A file is not NDJSON, or its lines have no ``session`` or no ``events``.
    """
    for file in files:
        if file.kind != "ndjson" or not set(_LINE) <= set(file.names):
            raise InputError(
                f"{file.path}: lines {{'session': ..., 'events': [...]}} are required, found {file.kind} with "
                f"columns {', '.join(map(repr, file.names))}; for one row per event use the format 'table'"
            )
    inside = pl.List(pl.Struct(dict.fromkeys(_INSIDE, pl.String)))
    users = scan_objects(files, {"session": pl.String, "events": inside})
    events = users.explode("events", empty_as_null=False, keep_nulls=False).unnest("events")
    flat = [replace(file, names=("session", *_INSIDE), nested=file.nested & {"session"}) for file in files]
    return SourceLog(
        rows=number_rows(events),
        columns=source_columns(flat, _COLUMNS, settings),
        events=event_names(_EVENTS, settings),
        files=tuple(file.path for file in files),
    )
