"""Source rows in canonical columns, each with the reason for which it must be rejected, if any."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.ingest.columns import IGNORE
from purchase_pred.ingest.numbers import read_number
from purchase_pred.ingest.source import EXTRA_FIELD, PREFIX, source
from purchase_pred.ingest.times import read_times
from purchase_pred.schema import (
    CATEGORY,
    DURATION,
    EVENT_TYPE,
    EVENT_TYPE_DTYPE,
    EVENT_TYPES,
    ITEM_ID,
    PRICE,
    TIME_DTYPE,
    TIMESTAMP,
    USER_ID,
)
from purchase_pred.settings.ingest import EVERY_ROW

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

    from purchase_pred.ingest.source import SourceLog
    from purchase_pred.settings.ingest import IngestSettings

REASON: Final = "reason"
REASONS: Final = (
    "ignored_event", "empty_row", "extra_fields", "bad_time", "unknown_event", "missing_user_id", "missing_item_id",
    "out_of_range_time", "duplicate",
)  # fmt: skip
"""Why a row is not among the events. "ignored_event": the user asked for it, so it does not count as rejected."""
REASON_DTYPE: Final = pl.Enum(REASONS)
MISSING_TEXTS: Final = (
    "None", "none", "NONE", "null", "Null", "NULL", "NaN", "nan", "NAN", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaT",
    "undefined", "\\N",
)  # fmt: skip
"""What programs write where there is nothing; as an identifier, a category or a number it counts as missing."""

EVENT_NAME: Final = "event_name"
PRICE_WRITTEN: Final = "price_is_written"
DURATION_WRITTEN: Final = "duration_is_written"
PRICE_UNREAD: Final = "price_is_unread"
DURATION_UNREAD: Final = "duration_is_unread"


def canonical_rows(log: SourceLog, /, *, settings: IngestSettings) -> pl.LazyFrame:
    """Return every source row with our columns beside the source's own, and the reason to reject it.

    Returns
    -------
    LazyFrame
        The columns of `log.rows` and: `timestamp` Datetime("us", "UTC"), `event_name` String (as the source calls
        it), `event_type` Enum, `user_id` and `item_id` (an integer dtype where Parquet has one, else String),
        `price` Float64 (null unless above 0), `duration_seconds` Float32 (null unless at least 0), `category`
        String, `reason` Enum (null: sound; neither duplicates nor times far from all others are looked for here), and
        Booleans on what was taken for granted: `time_is_naive`, `time_is_ambiguous`, `price_is_written`,
        `price_is_unread`, `duration_is_written`, `duration_is_unread`.

    Notes
    -----
    A row has one reason, the first of the list `REASONS` that applies.

    Raises
    ------
    InputError
        A column is of a dtype that cannot be what it is mapped to.
    """
    written = log.rows.select(expression.alias(name) for name, expression in log.columns.items()).collect_schema()
    name = _text(log.columns[EVENT_TYPE], written[EVENT_TYPE], EVENT_TYPE)
    timed = read_times(
        log.rows,
        log.columns[TIMESTAMP],
        written[TIMESTAMP],
        timezone=settings.timezone,
        time_format=settings.time_format,
    )
    rows = timed.with_columns(
        name.alias(EVENT_NAME),
        _identifier(log.columns[USER_ID], written[USER_ID], USER_ID).alias(USER_ID),
        _identifier(log.columns[ITEM_ID], written[ITEM_ID], ITEM_ID).alias(ITEM_ID),
        *_number_columns(log, written, settings),
        _category(log, written).alias(CATEGORY),
    )
    typed = rows.with_columns(_event_type(pl.col(EVENT_NAME), log).alias(EVENT_TYPE))
    return typed.with_columns(_reason(log, settings).alias(REASON))


def within(rows: pl.LazyFrame, period: tuple[date, date] | None, /) -> pl.LazyFrame:
    """Return `canonical_rows`, those otherwise sound rejected whose time lies outside [first day, last day)."""
    if period is None:
        return rows
    outside = pl.when(~_lies_in(*period)).then(pl.lit("out_of_range_time", REASON_DTYPE))
    return rows.with_columns(pl.coalesce(REASON, outside).alias(REASON))


def missing_to_null(text: pl.Expr, /) -> pl.Expr:
    """Return text, null where it says that there is nothing (`MISSING_TEXTS`)."""
    return pl.when(~text.is_in(MISSING_TEXTS)).then(text)


def number_as_text(number: pl.Expr, /) -> pl.Expr:
    """Return floats as text, whole ones without a point: they are integers with gaps, as other tools write them."""
    whole = number.cast(pl.Int64, strict=False)
    text = pl.when(whole == number).then(whole.cast(pl.String)).otherwise(number.cast(pl.String))
    return pl.when(number.is_finite()).then(text)


def _event_type(name: pl.Expr, log: SourceLog) -> pl.Expr:
    """Return the canonical event of a source's name; a chain of comparisons, as `replace_strict` does not stream."""
    known = {source_name: event for source_name, event in log.events.items() if event in EVENT_TYPES}
    if EVERY_ROW in known:
        return pl.lit(known[EVERY_ROW], EVENT_TYPE_DTYPE)
    return pl.coalesce(
        pl.when(name == source_name).then(pl.lit(event, EVENT_TYPE_DTYPE)) for source_name, event in known.items()
    )


def _identifier(written: pl.Expr, dtype: PolarsDataType, what: str) -> pl.Expr:
    if dtype.is_integer() and dtype not in (pl.Int128, pl.UInt128):
        return written
    if dtype.is_float():
        return number_as_text(written)
    return missing_to_null(_text(written, dtype, what))


def _text(written: pl.Expr, dtype: PolarsDataType, what: str) -> pl.Expr:
    if dtype.is_nested() or dtype.is_temporal() or dtype in (pl.Binary, pl.Object):
        raise InputError(
            f"column {what!r} must be text or a number, found {dtype}; name another with --map {what}=NAME"
        )
    text = written.cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)


def _number_columns(log: SourceLog, written: pl.Schema, settings: IngestSettings) -> list[pl.Expr]:
    columns = []
    for column, is_written, unread in (
        (PRICE, PRICE_WRITTEN, PRICE_UNREAD),
        (DURATION, DURATION_WRITTEN, DURATION_UNREAD),
    ):
        shown = log.columns.get(column, pl.lit(None, pl.String))
        dtype = written.get(column, pl.String())
        text = missing_to_null(_text(shown, dtype, column))
        number = read_number(text, decimal=settings.decimal if dtype == pl.String else ".")
        sound = number.is_finite() & (number >= 0)
        meant = sound & (number > 0) if column == PRICE else sound  # a price of 0 is a price not shown
        kept = pl.when(meant).then(number).cast(pl.Float64 if column == PRICE else pl.Float32)
        columns += [
            kept.alias(column),
            text.is_not_null().alias(is_written),
            (text.is_not_null() & ~sound.fill_null(value=False)).alias(unread),
        ]
    return columns


def _category(log: SourceLog, written: pl.Schema) -> pl.Expr:
    if CATEGORY not in log.columns:
        return pl.lit(None, pl.String)
    return missing_to_null(_text(log.columns[CATEGORY], written[CATEGORY], CATEGORY))


def _lies_in(first: date, last: date) -> pl.Expr:
    opens, closes = (pl.lit(datetime.combine(day, time(), UTC), TIME_DTYPE) for day in (first, last))
    return pl.col(TIMESTAMP).is_between(opens, closes, closed="left")


def _reason(log: SourceLog, settings: IngestSettings) -> pl.Expr:
    ignored = [source_name for source_name, event in log.events.items() if event == IGNORE]
    extra = PREFIX + EXTRA_FIELD in log.rows.collect_schema()
    read = [log.columns[column] for column in (TIMESTAMP, USER_ID, ITEM_ID)]
    left_out = pl.col(EVENT_NAME).is_in(ignored) if ignored else pl.lit(value=False)
    if EVERY_ROW in ignored:
        left_out |= pl.col(EVENT_NAME).is_not_null() & pl.col(EVENT_TYPE).is_null()
    faults = {
        "ignored_event": left_out,
        "empty_row": pl.all_horizontal(column.is_null() for column in read if column.meta.root_names()),
        "extra_fields": source(EXTRA_FIELD).is_not_null() if extra else pl.lit(value=False),
        "bad_time": pl.col(TIMESTAMP).is_null(),
        "unknown_event": pl.col(EVENT_TYPE).is_null(),
        "missing_user_id": pl.col(USER_ID).is_null(),
        "missing_item_id": pl.col(ITEM_ID).is_null(),
        "out_of_range_time": ~_lies_in(settings.earliest, settings.latest),
    }
    return pl.coalesce(pl.when(fault).then(pl.lit(reason, REASON_DTYPE)) for reason, fault in faults.items())
