"""`cdnow`: the CDNOW purchase histories, one line of text per order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.ingest.columns import event_names, source_columns
from purchase_pred.ingest.source import SourceLog, number_rows, scan_files, source
from purchase_pred.schema import EVENT_TYPE, ITEM_ID, PRICE, PURCHASE, TIMESTAMP, USER_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purchase_pred.ingest.files import LogFile
    from purchase_pred.settings.ingest import IngestSettings

_NAMES: Final = ("customer_id", "date", "number_of_cds", "dollar_value")
_COLUMNS: Final[Mapping[str, str]] = {USER_ID: "customer_id", TIMESTAMP: "date", PRICE: "dollar_value"}
_ITEM: Final = "cdnow"
_LENGTHS: Final = (4, 5)
_LINE: Final = "line"
_FIELDS: Final = "fields"
_NO_SEPARATOR: Final = "\x1f"


def read(files: Sequence[LogFile], settings: IngestSettings, /) -> SourceLog:
    """Read CDNOW orders: customer, date, number of CDs, dollars, between spaces; with or without a header.

    Parameters
    ----------
    files
        ``CDNOW_master.txt``, or ``CDNOW_sample.txt`` with a second customer number that is not used.
    settings
        The zone of the dates.

    Notes
    -----
    Every row is a purchase. The source names no items, so there is one, "cdnow", that stands for the shop: predict
    with ``target.level: user``. The price is the dollars of the order, not of a CD: the one item is the order, and
    what a customer spends is what there is to learn from; orders of 0 dollars have no price. Customer numbers become
    whole numbers ("00001" is 1).

    Two orders of one customer on one day with equal quantity and dollars are duplicates. With neither times nor order
    numbers a true repeat cannot be told from a repeated record; of the 2,068 further orders on a day some 12 would
    agree in both by chance, and 255 do, so nearly all are repeated records. ``ingest.duplicates: keep`` keeps them.

    Raises
    ------
    InputError
        A file is not text, or its first line does not have four or five fields.
    """
    for file in files:
        if file.kind != "csv" or len(_first_line(file).split()) not in _LENGTHS:
            raise InputError(
                f"{file.path}: lines 'customer date quantity dollars' between spaces are required, found {file.kind} "
                f"beginning {_first_line(file)[:60]!r}; for other layouts use the format 'table'"
            )
    lines = scan_files([replace(file, names=(_LINE,), separator=_NO_SEPARATOR, header=False) for file in files])
    flat = [replace(file, names=_NAMES) for file in files]
    number = source("customer_id").str.replace(r"^0+(\d)", "$1")
    return SourceLog(
        rows=number_rows(_fields(lines.select(_LINE), headers={_first_line(file) for file in files})),
        columns=source_columns(flat, _COLUMNS, settings, fixed={ITEM_ID: _ITEM, EVENT_TYPE: PURCHASE})
        | {USER_ID: number},
        events=event_names({PURCHASE: PURCHASE}, settings),
        files=tuple(file.path for file in files),
    )


def _first_line(file: LogFile) -> str:
    return file.separator.join(file.names)


def _fields(lines: pl.LazyFrame, *, headers: set[str]) -> pl.LazyFrame:
    """Return the fields of each line; all but the customer only of lines with as many fields as an order has."""
    worded = [header for header in headers if not header.split()[0].isdigit()]
    split = lines.filter(~pl.col(_LINE).str.strip_chars().is_in(worded) | pl.col(_LINE).is_null()).with_columns(
        pl.col(_LINE).str.extract_all(r"\S+").alias(_FIELDS)
    )
    right = pl.col(_FIELDS).list.len().is_in(_LENGTHS)
    from_the_end = {
        name: pl.col(_FIELDS).list.get(place, null_on_oob=True) for place, name in enumerate(_NAMES[1:], start=-3)
    }
    return split.select(
        pl.col(_FIELDS).list.get(0, null_on_oob=True).alias(_NAMES[0]),
        *(pl.when(right).then(field).alias(name) for name, field in from_the_end.items()),
        _LINE,
    )
