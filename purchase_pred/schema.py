"""Column names, dtypes and the lazy schema check: the one place where the shape of every frame is written down."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import SchemaError
from purchase_pred.likeness import did_you_mean
from purchase_pred.names import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

EVENT_ID: Final = "event_id"
USER_ID: Final = "user_id"
ITEM_ID: Final = "item_id"
TIMESTAMP: Final = "timestamp"
EVENT_TYPE: Final = "event_type"
DURATION: Final = "duration_seconds"
PRICE: Final = "price"
SESSION_INDEX: Final = "session_index"
SPLIT: Final = "split"
PREDICTION_TIME: Final = "prediction_time"
LABEL_END: Final = "label_end"
LABEL: Final = "label"
LABEL_VALUE: Final = "label_value"
LABEL_TIME: Final = "label_time"
CATEGORY: Final = "category"
BASE_PRICE: Final = "base_price"
DISCOUNT_PCT: Final = "discount_pct"
CURRENT_PRICE: Final = "current_price"
CREATED_AT: Final = "created_at"
REGISTRATION_DATE: Final = "registration_date"
PERSONA: Final = "persona"

VIEW: Final = "view"
SCROLL: Final = "scroll"
ADD_TO_CART: Final = "add_to_cart"
REMOVE_FROM_CART: Final = "remove_from_cart"
PURCHASE: Final = "purchase"
EVENT_TYPES: Final = (VIEW, SCROLL, ADD_TO_CART, REMOVE_FROM_CART, PURCHASE)
EVENT_ORDER: Final = (USER_ID, TIMESTAMP, EVENT_ID)
"""The order of events: of one user by time, events of one time as the source has them."""

TIME_DTYPE: Final = pl.Datetime("us", "UTC")
EVENT_TYPE_DTYPE: Final = pl.Enum(EVENT_TYPES)
SPLIT_DTYPE: Final = pl.Enum(SPLITS)

_MOST_NAMED: Final = 30

Requirement = type[pl.DataType] | pl.DataType | tuple[type[pl.DataType] | pl.DataType, ...]

IDENTIFIER: Final = (
    pl.String, pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64,
)  # fmt: skip
"""Dtypes that `user_id` and `item_id` may have; the one that came in is the one that goes out."""

NAMED_KIND: Final = (pl.Enum, pl.String, pl.Categorical)
"""Dtypes that names of kinds (event types, categories) may have in library calls."""

EVENTS: Final[Mapping[str, Requirement]] = {
    EVENT_ID: pl.UInt64,
    USER_ID: IDENTIFIER,
    TIMESTAMP: TIME_DTYPE,
    EVENT_TYPE: EVENT_TYPE_DTYPE,
    ITEM_ID: IDENTIFIER,
    DURATION: pl.Float32,
    PRICE: pl.Float64,
}
SESSIONIZED: Final[Mapping[str, Requirement]] = {**EVENTS, SESSION_INDEX: pl.UInt32}
CATALOG: Final[Mapping[str, Requirement]] = {
    ITEM_ID: IDENTIFIER,
    CATEGORY: NAMED_KIND,
    BASE_PRICE: pl.Float64,
    DISCOUNT_PCT: pl.Float64,
    CURRENT_PRICE: pl.Float64,
    CREATED_AT: TIME_DTYPE,
}
USERS: Final[Mapping[str, Requirement]] = {USER_ID: IDENTIFIER, REGISTRATION_DATE: pl.Date}


def require(frame: pl.LazyFrame, columns: Mapping[str, Requirement], /, *, what: str) -> pl.LazyFrame:
    """Return `frame` unchanged if it is lazy and has the required columns, reading nothing but its schema.

    Values are not looked at: a null is of the right dtype everywhere.

    Parameters
    ----------
    frame
        The frame to check; columns beyond those required are allowed.
    columns
        Column name to a dtype, or to a tuple of dtypes of which one must match. A dtype class such as
        ``pl.Enum`` matches whatever its parameters are.
    what
        What the frame is, for the message: ``"events"``.

    Raises
    ------
    SchemaError
        Names every missing column, with the one that may be meant, and every column of another dtype, what was found
        instead and how to convert it; or the frame is no LazyFrame.

    Examples
    --------
    >>> import polars as pl
    >>> from purchase_pred.schema import require
    >>> require(pl.LazyFrame({"user_id": [1.5]}), {"user_id": pl.Int64, "item_id": pl.Int64}, what="events")
    Traceback (most recent call last):
    purchase_pred.errors.SchemaError: events: column 'user_id' must be Int64, found Float64: convert it by pl.col("user_id").cast(pl.Int64); column 'item_id' is missing (columns found: user_id)
    """  # noqa: E501  (the message is one line, and the example shows it whole)
    found = require_lazy(frame, what=what).collect_schema()
    faults = []
    for name, dtypes in columns.items():
        allowed = dtypes if isinstance(dtypes, tuple) else (dtypes,)
        if name not in found:
            meant = did_you_mean(name, found, least=0.75)
            faults.append(f"column {name!r} is missing{meant} (columns found: {_listed(found)})")
        elif not any(found[name] == dtype for dtype in allowed):
            cure = _conversion(found[name], allowed)
            by = cure and f': convert it by pl.col("{name}"){cure}'
            faults.append(f"column {name!r} must be {_one_of(allowed)}, found {found[name]}{by}")
    if faults:
        raise SchemaError(f"{what}: " + "; ".join(faults))
    return frame


def require_lazy(frame: pl.LazyFrame, /, *, what: str) -> pl.LazyFrame:
    """Return `frame` unchanged if it is a LazyFrame, or raise a SchemaError that says how to make one of it.

    Examples
    --------
    >>> import polars as pl
    >>> require_lazy(pl.DataFrame(), what="events")
    Traceback (most recent call last):
    purchase_pred.errors.SchemaError: events must be a LazyFrame, found a DataFrame; pass it with .lazy()
    """
    given: object = frame
    if isinstance(given, pl.LazyFrame):
        return given
    cure = "pass it with .lazy()" if isinstance(given, pl.DataFrame) else "pl.LazyFrame and pl.scan_parquet make one"
    raise SchemaError(f"{what} must be a LazyFrame, found a {type(given).__name__}; {cure}")


def require_eager(frame: pl.DataFrame, /, *, what: str) -> pl.DataFrame:
    """Return `frame` unchanged if it is a DataFrame, or raise a SchemaError that says how to make one of it.

    Examples
    --------
    >>> import polars as pl
    >>> require_eager(pl.LazyFrame(), what="train")
    Traceback (most recent call last):
    purchase_pred.errors.SchemaError: train must be a DataFrame, found a LazyFrame; pass it with .collect()
    """
    given: object = frame
    if isinstance(given, pl.DataFrame):
        return given
    cure = "pass it with .collect()" if isinstance(given, pl.LazyFrame) else "pl.DataFrame and pl.read_parquet make one"
    raise SchemaError(f"{what} must be a DataFrame, found a {type(given).__name__}; {cure}")


def instant(moment: datetime, /, *, what: str) -> pl.Expr:
    """Return an aware moment, of whatever zone, as a literal of `TIME_DTYPE`; `what` it is, for the message.

    Raises
    ------
    ValueError
        The moment has no time zone.

    Examples
    --------
    >>> from datetime import datetime, timedelta, timezone
    >>> noon_in_berlin = datetime(2024, 8, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    >>> pl.select(instant(noon_in_berlin, what="end")).item().isoformat()
    '2024-08-01T10:00:00+00:00'
    """
    if moment.tzinfo is None:
        raise ValueError(f"{what} must be an aware datetime, such as datetime(2024, 8, 1, tzinfo=UTC), found {moment}")
    return pl.lit(moment.astimezone(UTC), dtype=TIME_DTYPE)


def _one_of(dtypes: Iterable[type[pl.DataType] | pl.DataType]) -> str:
    return " or ".join(str(dtype) for dtype in dtypes)


def _listed(found: Iterable[str]) -> str:
    """Name the columns of a user; those that only a plan knows begin with two underscores."""
    names = sorted(name for name in found if not name.startswith("__"))
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED]) or 'none'}{more}"


def _conversion(found: pl.DataType, allowed: tuple[type[pl.DataType] | pl.DataType, ...]) -> str:
    """Return the Polars method that makes an allowed dtype of what was found; empty where there is no plain one."""
    if TIME_DTYPE in allowed:
        return _to_time(found)
    if pl.Date in allowed:
        return ".dt.date()" if found == pl.Datetime else ".str.to_date()" if found == pl.String else ""
    if len(allowed) == 1 and isinstance(allowed[0], pl.Enum):
        return ".cast(pl.Enum(pp.EVENT_TYPES))" if allowed[0] == EVENT_TYPE_DTYPE and found in NAMED_KIND else ""
    if found.is_nested() or found.is_temporal() or found == pl.Boolean:
        return ""
    wanted = allowed[0] if len(allowed) == 1 else pl.Int64 if found.is_float() else pl.String
    return f".cast(pl.{wanted})" if wanted == pl.String or wanted.is_numeric() else ""


def _to_time(found: pl.DataType) -> str:
    if isinstance(found, pl.Datetime):
        unit = "" if found.time_unit == "us" else '.dt.cast_time_unit("us")'
        zones = {None: '.dt.replace_time_zone("UTC")', "UTC": ""}
        return zones.get(found.time_zone, '.dt.convert_time_zone("UTC")') + unit
    if found == pl.String:
        return '.str.to_datetime(time_unit="us", time_zone="UTC")'
    if found == pl.Date:
        return '.cast(pl.Datetime("us", "UTC"))'
    if found.is_integer():  # seconds since 1970; of milliseconds the factor is 1_000
        return '.mul(1_000_000).cast(pl.Datetime("us", "UTC"))'
    return ""
