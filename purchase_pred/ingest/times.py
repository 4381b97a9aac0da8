"""Times as logs write them, as expressions: ISO 8601, epoch numbers, dates; with and without a time zone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.schema import TIME_DTYPE

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

_ZONE: Final = r"\d:\d\d[:.\d]*\s*(Z|z|UTC|GMT|[+-]\d\d:?\d\d|[+-]\d\d)$"
_PLAIN: Final = pl.Datetime("us")
_SECONDS_BELOW: Final = 10**11
_MILLISECONDS_BELOW: Final = 10**14
_MICROSECONDS_BELOW: Final = 10**17
_DATES: Final = (19_000_101, 21_001_231)


def parse_time(
    written: pl.Expr,
    dtype: PolarsDataType,
    /,
    *,
    timezone: str | None,
    time_format: str | None = None,
    ambiguous: Literal["earliest", "latest"] = "earliest",
) -> pl.Expr:
    """Return times as Datetime("us", "UTC"), null where nothing can be made of what is written.

    Parameters
    ----------
    written
        Text, whole or fractional numbers, dates or datetimes.
    dtype
        The dtype of `written`.
    timezone
        The zone of times that name none; None: UTC. A local time that daylight saving skips is null.
    time_format
        The strptime format of text; None: as below.
    ambiguous
        Which of the two moments a local time stands for that daylight saving repeats.

    Notes
    -----
    Text is read as ``YYYY-MM-DD`` (also with ``/``), then optionally ``T`` or a space and ``HH:MM``, ``HH:MM:SS``
    or ``HH:MM:SS.fraction``, then optionally ``Z``, ``UTC``, ``GMT`` or an offset; or else as a number.
    A number is a date when it has the form ``YYYYMMDD`` of the years 1900 to 2100; otherwise it counts from
    1970-01-01 UTC, by magnitude: below 1e11 seconds (up to the year 5138), below 1e14 milliseconds, below 1e17
    microseconds, else nanoseconds. Zero and negative numbers are no times: logs write them for "unknown".
    """
    plain, zoned = _plain_and_zoned(written, dtype, time_format)
    local = plain.dt.replace_time_zone(timezone or "UTC", ambiguous=ambiguous, non_existent="null")
    return pl.coalesce(zoned, local.dt.convert_time_zone("UTC")).cast(TIME_DTYPE)


def is_naive(written: pl.Expr, dtype: PolarsDataType, /, *, time_format: str | None = None) -> pl.Expr:
    """Return whether a time is readable and names no time zone; what `timezone` is applied to."""
    plain, zoned = _plain_and_zoned(written, dtype, time_format)
    return zoned.is_null() & plain.is_not_null()


def _plain_and_zoned(written: pl.Expr, dtype: PolarsDataType, time_format: str | None) -> tuple[pl.Expr, pl.Expr]:
    """Return (Datetime without zone, null where one is named; Datetime in UTC, null where none is)."""
    no_zone, no_plain = pl.lit(None, TIME_DTYPE), pl.lit(None, _PLAIN)
    if dtype == pl.String and time_format is not None:
        return _by_format(written, time_format)
    if dtype == pl.String:
        return _from_text(written.str.strip_chars())
    if dtype == pl.Date or (isinstance(dtype, pl.Datetime) and dtype.time_zone is None):
        return written.cast(_PLAIN), no_zone
    if isinstance(dtype, pl.Datetime):
        return no_plain, written.dt.convert_time_zone("UTC").cast(TIME_DTYPE)
    if dtype.is_integer():
        return _from_number(written.cast(pl.Int64, strict=False), written.cast(pl.String))
    if dtype.is_float():
        return no_plain, _since_epoch(written.cast(pl.Float64))
    raise InputError(f"column of times: text, numbers, dates or datetimes are required, found {dtype}")


def _by_format(text: pl.Expr, time_format: str) -> tuple[pl.Expr, pl.Expr]:
    no_zone, no_plain = pl.lit(None, TIME_DTYPE), pl.lit(None, _PLAIN)
    parsed = text.str.strip_chars().str.strptime(_PLAIN, time_format, strict=False)
    if "%z" in time_format or "%#z" in time_format or "%:z" in time_format:
        return no_plain, text.str.strip_chars().str.strptime(TIME_DTYPE, time_format, strict=False)
    return parsed, no_zone


def _from_text(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    zone = text.str.extract(_ZONE, 1)
    body = (
        text.str.head(text.str.len_chars() - zone.str.len_chars().fill_null(0))
        .str.strip_chars_end()
        .str.replace("T", " ", literal=True)
        .str.replace_all("/", "-", literal=True)
    )
    stamp = pl.coalesce(
        body.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us"),
        body.str.to_datetime("%Y-%m-%d %H:%M", strict=False, time_unit="us"),
        body.str.to_date("%Y-%m-%d", strict=False).cast(_PLAIN),
    )
    date, counted = _from_number(text.cast(pl.Int64, strict=False), text)
    fractional = _since_epoch(text.cast(pl.Float64, strict=False))
    zoned = (stamp - _offset(zone)).dt.replace_time_zone("UTC")
    return (
        pl.coalesce(pl.when(zone.is_null()).then(stamp), date),
        pl.coalesce(zoned, pl.when(date.is_null()).then(pl.coalesce(counted, fractional))),
    )


def _offset(zone: pl.Expr) -> pl.Expr:
    """Return what a zone is ahead of UTC; null where no zone is named."""
    digits = zone.str.replace(":", "", literal=True)
    hours = digits.str.slice(1, 2).cast(pl.Int64, strict=False)
    minutes = digits.str.slice(3, 2).cast(pl.Int64, strict=False).fill_null(0)
    ahead = pl.duration(minutes=hours * 60 + minutes)
    named = pl.when(zone.is_not_null()).then(pl.duration(minutes=0))
    return pl.when(zone.str.starts_with("+")).then(ahead).when(zone.str.starts_with("-")).then(-ahead).otherwise(named)


def _from_number(number: pl.Expr, text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    date = pl.when(number.is_between(*_DATES)).then(text.str.to_date("%Y%m%d", strict=False).cast(_PLAIN))
    return date, pl.when(date.is_null()).then(_since_epoch(number))


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
