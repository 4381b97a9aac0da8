"""Times as logs write them: ISO 8601, epoch numbers, dates; with and without a time zone."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.schema import TIME_DTYPE, TIMESTAMP

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

TIME_NAIVE: Final = "time_is_naive"
TIME_AMBIGUOUS: Final = "time_is_ambiguous"

_ZONE: Final = r"(Z|z|UTC|GMT|[+-](?:0\d|1[0-4]):?[0-5]\d|[+-](?:0\d|1[0-4]))$"
_LONGEST_ZONE: Final = 6
_WHOLE_YEAR: Final = r"^\d{4}-"
_PLAIN: Final = pl.Datetime("us")
_STAMP: Final = "%Y-%m-%d %H:%M:%S%.f"
_SECONDS_BELOW: Final = 10**11
_MILLISECONDS_BELOW: Final = 10**14
_MICROSECONDS_BELOW: Final = 10**17
_COMPACT: Final = (
    (19_000_101, 21_001_231),
    (190_001_010_000, 210_012_312_359),
    (19_000_101_000_000, 21_001_231_235_959),
)
"""Numbers that are written as YYYYMMDD, YYYYMMDDHHMM and YYYYMMDDHHMMSS."""
_COMPACT_DIGITS: Final = 14
_FIRST_DAY: Final = date(1, 1, 1).toordinal() - date(1970, 1, 1).toordinal()
_LAST_DAY: Final = date.max.toordinal() - date(1970, 1, 1).toordinal()
_PER_DAY: Final = {"ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}

# Columns on the way; each is computed once and used several times.
_TEXT, _OFFSET, _BODY, _NUMBER, _LOCAL, _MOMENT = (f"time:{step}" for step in ("text", "zone", "body", "n", "l", "m"))


def read_times(
    rows: pl.LazyFrame,
    written: pl.Expr,
    dtype: PolarsDataType,
    /,
    *,
    timezone: str | None = None,
    time_format: str | None = None,
) -> pl.LazyFrame:
    """Return rows with `timestamp`, the moment that a written time stands for, null where none can be made out.

    Parameters
    ----------
    rows
        Any frame.
    written
        An expression over it: text, whole or fractional numbers, dates or datetimes.
    dtype
        The dtype of `written`.
    timezone
        The zone of times that name none; None: UTC. A local time that daylight saving skips is null; of the two
        moments of a local time that it repeats, the earlier is taken.
    time_format
        The strptime format of text, and of whole numbers; None: as below.

    Returns
    -------
    LazyFrame
        `rows` and `timestamp` Datetime("us", "UTC"), `time_is_naive` Boolean (readable, and no zone is named),
        `time_is_ambiguous` Boolean (the local time exists twice).

    Raises
    ------
    InputError
        The dtype cannot hold times.

    Notes
    -----
    Text is read as ``YYYY-MM-DD`` (also with ``/``), then optionally ``T`` or a space and ``HH:MM``, ``HH:MM:SS``
    or ``HH:MM:SS.fraction``, after which ``Z``, ``UTC``, ``GMT`` or an offset of at most 14 hours may stand; or else as
    a number. The year has four digits. A number written as ``YYYYMMDD``, ``YYYYMMDDHHMM`` or ``YYYYMMDDHHMMSS`` of the
    years 1900 to 2100 is that local time, or no time if there is none such; others count from 1970-01-01 UTC, by
    magnitude: below 1e11 seconds (up to the year 5138), below 1e14 milliseconds, below 1e17 microseconds, else
    nanoseconds. Zero and negative numbers are no times: logs write them for "unknown". Dates and datetimes outside of
    the years 1 to 9999, as in a damaged file, are no times either.
    """
    found = _local_and_moment(rows, written, dtype, time_format)
    zone = timezone or "UTC"
    local = pl.col(_LOCAL).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    later = pl.col(_LOCAL).dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    moment = local if zone == "UTC" else local.dt.convert_time_zone("UTC")
    return found.with_columns(
        pl.coalesce(pl.col(_MOMENT), moment).alias(TIMESTAMP),
        (pl.col(_MOMENT).is_null() & pl.col(_LOCAL).is_not_null()).alias(TIME_NAIVE),
        ((local != later).fill_null(value=False) if zone != "UTC" else pl.lit(value=False)).alias(TIME_AMBIGUOUS),
    ).drop(_LOCAL, _MOMENT)


def is_in_calendar(written: pl.Expr, dtype: PolarsDataType, /) -> pl.Expr:
    """Return whether a date or datetime lies in the years 1 to 9999; beyond them it can be neither shown nor cast."""
    per_day = _PER_DAY[dtype.time_unit] if isinstance(dtype, pl.Datetime) else 1
    first, last = _FIRST_DAY * per_day, (_LAST_DAY + 1) * per_day - 1
    smallest, largest = -(2**63), 2**63 - 1
    return written.to_physical().cast(pl.Int64).is_between(max(first, smallest), min(last, largest))


def _local_and_moment(
    rows: pl.LazyFrame, written: pl.Expr, dtype: PolarsDataType, time_format: str | None
) -> pl.LazyFrame:
    """Return rows with the time as a local one where no zone is named, and as a moment in UTC where one is."""
    if dtype == pl.String and time_format is None:
        return _read_text(rows, written.str.strip_chars())
    no_local, no_moment = pl.lit(None, _PLAIN), pl.lit(None, TIME_DTYPE)
    if time_format is not None and (dtype == pl.String or dtype.is_integer()):
        zoned = any(directive in time_format for directive in ("%z", "%:z", "%#z"))
        text = written.cast(pl.String).str.strip_chars()
        read = text.str.strptime(TIME_DTYPE if zoned else _PLAIN, time_format, strict=False)
        local, moment = (no_local, read) if zoned else (read, no_moment)
    elif dtype == pl.Date or (isinstance(dtype, pl.Datetime) and dtype.time_zone is None):
        local, moment = _within_calendar(written, dtype).cast(_PLAIN), no_moment
    elif isinstance(dtype, pl.Datetime):
        local, moment = no_local, _within_calendar(written, dtype).dt.convert_time_zone("UTC").cast(TIME_DTYPE)
    elif dtype.is_integer():
        number = written.cast(pl.Int64, strict=False)
        local, moment = _as_written(number), _since_epoch(_counted(number))
    elif dtype.is_float():
        local, moment = _as_written(_whole(written)), _since_epoch(_counted(written.cast(pl.Float64)))
    else:
        raise InputError(
            f"times must be text, numbers, dates or datetimes, found a column of {dtype}; "
            "name another with --map timestamp=NAME"
        )
    return rows.with_columns(local.alias(_LOCAL), moment.alias(_MOMENT))


def _read_text(rows: pl.LazyFrame, text: pl.Expr) -> pl.LazyFrame:
    clock = pl.col(_TEXT).str.contains(":", literal=True)  # a date alone ends like an offset: 2019-10-01
    zone = pl.when(clock).then(pl.col(_TEXT).str.tail(_LONGEST_ZONE).str.extract(_ZONE, 1))
    length = pl.col(_TEXT).str.len_chars() - pl.col(_OFFSET).str.len_chars().fill_null(0)
    body = (
        pl.col(_TEXT).str.head(length).str.strip_chars_end()
        .str.replace("T", " ", literal=True)
        .str.replace_all("/", "-", literal=True)
    )  # fmt: skip
    colons = pl.col(_BODY).str.count_matches(":", literal=True)
    missing = pl.when(colons == 0).then(pl.lit(" 00:00:00")).when(colons == 1).then(pl.lit(":00")).otherwise(pl.lit(""))
    dated = pl.when(pl.col(_BODY).str.contains(_WHOLE_YEAR)).then(pl.col(_BODY) + missing)
    stamp = dated.str.to_datetime(_STAMP, strict=False, time_unit="us")
    fraction = pl.col(_TEXT).cast(pl.Float64, strict=False)
    whole = pl.col(_TEXT).cast(pl.Int64, strict=False).fill_null(_whole(fraction))
    counted = _since_epoch(_counted(pl.col(_NUMBER))).fill_null(
        _since_epoch(pl.when(pl.col(_NUMBER).is_null()).then(fraction))
    )
    named = pl.when(pl.col(_OFFSET).is_not_null()).then(pl.col(_LOCAL) - _ahead(pl.col(_OFFSET)))
    return (
        rows.with_columns(text.alias(_TEXT))
        .with_columns(zone.alias(_OFFSET), whole.alias(_NUMBER))
        .with_columns(body.alias(_BODY))
        .with_columns(stamp.alias(_LOCAL))
        .with_columns(
            pl.when(pl.col(_OFFSET).is_null())
            .then(pl.col(_LOCAL).fill_null(_as_written(pl.col(_NUMBER))))
            .alias(_LOCAL),
            named.dt.replace_time_zone("UTC").alias(_MOMENT),
        )
        .with_columns(pl.col(_MOMENT).fill_null(pl.when(pl.col(_LOCAL).is_null()).then(counted)))
        .drop(_TEXT, _OFFSET, _NUMBER, _BODY)
    )


def _ahead(zone: pl.Expr) -> pl.Expr:
    """Return by how much a named zone is ahead of UTC."""
    digits = zone.str.replace(":", "", literal=True)
    minutes = (
        digits.str.slice(1, 2).cast(pl.Int64, strict=False) * 60
        + digits.str.slice(3, 2).cast(pl.Int64, strict=False).fill_null(0)
    ).fill_null(0)  # Z, UTC, GMT
    return pl.duration(minutes=pl.when(zone.str.starts_with("-")).then(-minutes).otherwise(minutes))


def _within_calendar(written: pl.Expr, dtype: PolarsDataType) -> pl.Expr:
    """Return a date or datetime where it lies in the years 1 to 9999, the only ones that the engine can handle."""
    return pl.when(is_in_calendar(written, dtype)).then(written)


def _is_written(number: pl.Expr) -> pl.Expr:
    return pl.any_horizontal(number.is_between(*bounds) for bounds in _COMPACT)


def _as_written(number: pl.Expr) -> pl.Expr:
    """Return the local time of a whole number whose digits are a date, or a date and a time of day."""
    digits = pl.when(_is_written(number)).then(number.cast(pl.String).str.pad_end(_COMPACT_DIGITS, "0"))
    return digits.str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us")


def _counted(number: pl.Expr) -> pl.Expr:
    return pl.when(~_is_written(number)).then(number)


def _whole(number: pl.Expr) -> pl.Expr:
    """Return the numbers whose digits are a date, as other tools write them who keep integers with gaps as floats."""
    whole = number.cast(pl.Int64, strict=False)
    return pl.when(_is_written(whole) & (whole == number)).then(whole)


def _since_epoch(number: pl.Expr) -> pl.Expr:
    microseconds = (
        pl.when(number < _SECONDS_BELOW)
        .then(number * 1_000_000)
        .when(number < _MILLISECONDS_BELOW)
        .then(number * 1_000)
        .when(number < _MICROSECONDS_BELOW)
        .then(number)
        .otherwise(number // 1_000)
    )
    return pl.when(number > 0).then(microseconds.round()).cast(pl.Int64, strict=False).cast(TIME_DTYPE)
