"""`yoochoose`: the RecSys Challenge 2015 logs, clicks in one file and buys in another, both without a header."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.ingest.columns import event_names, source_columns
from purchase_pred.ingest.source import SourceLog, number_rows, scan_files, source, stack
from purchase_pred.schema import CATEGORY, EVENT_TYPE, ITEM_ID, PRICE, PURCHASE, TIMESTAMP, USER_ID, VIEW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purchase_pred.ingest.files import LogFile
    from purchase_pred.settings.ingest import IngestSettings

_COLUMNS: Final[Mapping[str, str]] = {
    TIMESTAMP: "timestamp",
    USER_ID: "session_id",
    EVENT_TYPE: "file",
    ITEM_ID: "item_id",
    PRICE: "price",
    CATEGORY: "category",
}
_EVENTS: Final[Mapping[str, str]] = {"clicks": VIEW, "buys": PURCHASE}
_LAYOUTS: Final[Mapping[int, tuple[str, tuple[str, ...]]]] = {
    4: ("clicks", ("session_id", "timestamp", "item_id", "category")),
    5: ("buys", ("session_id", "timestamp", "item_id", "price", "quantity")),
}
_SHELVES: Final = tuple(map(str, range(1, 13)))


def read(files: Sequence[LogFile], settings: IngestSettings, /) -> SourceLog:
    """Read Yoochoose logs.

    Parameters
    ----------
    files
        ``yoochoose-clicks.dat`` (session, time, item, category) and ``yoochoose-buys.dat`` (session, time, item,
        price, quantity), told apart by the number of fields of most of the first lines, with which a name that says
        "clicks" or "buys" must agree. A click among buys is an unknown event, a buy among clicks has an extra field.
    settings
        Names that go before the format's own: ``session_id``, ``timestamp``, ``item_id``, ``category``, ``price``,
        and ``file`` ("clicks" or "buys").

    Notes
    -----
    The source knows no users, so the session is the user: nothing can be learnt across sessions. The category field
    holds the context of a click: 1 to 12 are categories; "0" (missing), "S" (special offer) and longer numbers
    (brands) are none, so an item's category is the first of 1 to 12 under which it was clicked. Prices stand with
    buys only; a price of 0 is a price not shown. A buy of several pieces is one purchase.

    Raises
    ------
    InputError
        Most of the first lines have neither four nor five fields, or another number than the file's name says.
    """
    laid_out = [_lay_out(file) for file in files]
    kinds = groupby(laid_out, key=lambda file: file.names)
    parts = [
        scan_files(list(group)).with_columns(_event_of(names).alias(_COLUMNS[EVENT_TYPE])) for names, group in kinds
    ]
    described = [replace(file, names=(*file.names, _COLUMNS[EVENT_TYPE])) for file in laid_out]
    columns = source_columns(described, _COLUMNS, settings, optional=(PRICE, CATEGORY))
    if CATEGORY in columns and CATEGORY not in settings.columns:
        columns[CATEGORY] = pl.when(source("category").str.strip_chars().is_in(_SHELVES)).then(source("category"))
    return SourceLog(
        rows=number_rows(stack(parts)),
        columns=columns,
        events=event_names(_EVENTS, settings),
        files=tuple(file.path for file in files),
    )


def _event_of(names: tuple[str, ...]) -> pl.Expr:
    """Return what the lines of a file are; a line of buys without a quantity is none."""
    event = pl.lit(_LAYOUTS[len(names)][0])
    return pl.when(pl.col(names[-1]).is_not_null()).then(event) if len(names) == max(_LAYOUTS) else event


def _lay_out(file: LogFile) -> LogFile:
    width, lines = Counter(file.widths or [len(file.names)]).most_common(1)[0]
    if file.kind != "csv" or width not in _LAYOUTS or 2 * lines <= len(file.widths):
        raise InputError(
            f"{file.path}: clicks (session, time, item, category) or buys (session, time, item, price, quantity) "
            f"without a header are required, found {file.kind} with {width} fields in {lines:,} of the first "
            f"{max(len(file.widths), lines):,} lines"
        )
    event, names = _LAYOUTS[width]
    said = {kind for kind in _EVENTS if kind in file.path.name.lower()}
    if said and event not in said:
        raise InputError(
            f"{file.path}: the name says {', '.join(sorted(said))}, and {lines:,} of the first {len(file.widths):,} "
            f"lines have {width} fields, as {event} have; rename the file or bring in the right one"
        )
    return replace(file, names=names, header=False)
