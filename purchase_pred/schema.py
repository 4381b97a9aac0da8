"""Column names, dtypes and the lazy schema check: the one place where the shape of every frame is written down."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import SchemaError

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
SPLITS: Final = ("train", "val", "test")

TIME_DTYPE: Final = pl.Datetime("us", "UTC")
EVENT_TYPE_DTYPE: Final = pl.Enum(EVENT_TYPES)
SPLIT_DTYPE: Final = pl.Enum(SPLITS)

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
    """Return `frame` unchanged if it has the required columns, reading nothing but its schema.

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
        Names every missing column and every column of another dtype, and what was found instead.

    Examples
    --------
    >>> import polars as pl
    >>> from purchase_pred.schema import require
    >>> require(pl.LazyFrame({"user_id": [1.5]}), {"user_id": pl.Int64, "item_id": pl.Int64}, what="events")
    Traceback (most recent call last):
    purchase_pred.errors.SchemaError: events: column 'user_id' must be Int64, found Float64; column 'item_id' is missing (columns found: user_id)
    """  # noqa: E501  (the message is one line, and the example shows it whole)
    found = frame.collect_schema()
    faults = []
    for name, dtypes in columns.items():
        allowed = dtypes if isinstance(dtypes, tuple) else (dtypes,)
        if name not in found:
            faults.append(f"column {name!r} is missing (columns found: {', '.join(sorted(found)) or 'none'})")
        elif not any(found[name] == dtype for dtype in allowed):
            faults.append(f"column {name!r} must be {_one_of(allowed)}, found {found[name]}")
    if faults:
        raise SchemaError(f"{what}: " + "; ".join(faults))
    return frame


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
