"""From the references' tuples to Polars frames and back; times pass as whole microseconds, so nothing is rounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from purchase_pred.schema import EVENT_TYPE_DTYPE, TIME_DTYPE
from reference.events import DAY, Anchor, CatalogItem, Event, Identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TIMES = ("timestamp", "prediction_time", "label_end", "created_at")


class Ids(NamedTuple):
    """Dtypes of the identifiers; any identifier is allowed that the dtype can hold."""

    user: pl.DataType = pl.String()
    item: pl.DataType = pl.String()


def event_frame(events: Sequence[Event], *, ids: Ids, sessionized: bool = False) -> pl.LazyFrame:
    """Return events with the dtypes of the schema, with `session_index` only when `sessionized`."""
    schema = {
        "event_id": pl.UInt64,
        "user_id": ids.user,
        "timestamp": pl.Int64,
        "event_type": EVENT_TYPE_DTYPE,
        "item_id": ids.item,
        "duration_seconds": pl.Float32,
        "price": pl.Float64,
        "session_index": pl.UInt32,
    }
    frame = _frame(events, schema)
    return frame if sessionized else frame.drop("session_index")


def anchor_frame(anchors: Sequence[Anchor], *, ids: Ids, columns: Sequence[str] = Anchor._fields) -> pl.LazyFrame:
    """Return anchors with the named columns."""
    schema = {"user_id": ids.user, "session_index": pl.UInt32, "item_id": ids.item, "prediction_time": pl.Int64}
    return _frame(anchors, schema).select(columns)


def catalog_frame(catalog: Iterable[CatalogItem], *, ids: Ids, categories: pl.DataType) -> pl.LazyFrame:
    """Return a catalog whose `discount_pct` is the one its two prices imply, 0 where they imply none."""
    schema = {
        "item_id": ids.item,
        "category": categories,
        "base_price": pl.Float64,
        "current_price": pl.Float64,
        "created_at": pl.Int64,
    }
    discount = (100 * (1 - pl.col("current_price") / pl.col("base_price"))).clip(0, 100).fill_nan(0)
    return _frame(list(catalog), schema).with_columns(discount_pct=discount)


def user_frame(registered: Mapping[Identifier, int], *, ids: Ids) -> pl.LazyFrame:
    """Return users and the date of the midnight at which each registered."""
    days = [(user, midnight // DAY) for user, midnight in registered.items()]
    schema = {"user_id": ids.user, "registration_date": pl.Int32}
    return _frame(days, schema).with_columns(pl.col("registration_date").cast(pl.Date))


def events_of(frame: pl.LazyFrame) -> list[Event]:
    """Return the rows of an event frame, in order; columns that it lacks are None."""
    return [Event(**dict.fromkeys(Event._fields) | row) for row in rows_of(frame.select(_present(frame, Event)))]


def anchors_of(frame: pl.LazyFrame) -> list[Anchor]:
    """Return the rows of an anchor frame, in order; columns that it lacks are None."""
    return [Anchor(**dict.fromkeys(Anchor._fields) | row) for row in rows_of(frame.select(_present(frame, Anchor)))]


def rows_of(frame: pl.LazyFrame) -> list[dict]:
    """Return the rows as dictionaries, with times as whole microseconds."""
    times = [name for name, dtype in frame.collect_schema().items() if isinstance(dtype, pl.Datetime)]
    return frame.with_columns(pl.col(times).to_physical()).collect().to_dicts()


def _present(frame: pl.LazyFrame, row: type[NamedTuple]) -> list[str]:
    return [name for name in row._fields if name in frame.collect_schema()]


def _frame(rows: Sequence[tuple], schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    columns = zip(*rows, strict=True) if rows else [[] for _ in schema]
    series = [
        pl.Series(name, values, dtype=dtype, strict=True)
        for (name, dtype), values in zip(schema.items(), columns, strict=True)
    ]
    times = [name for name in schema if name in TIMES]
    return pl.LazyFrame(series).with_columns(pl.col(times).cast(TIME_DTYPE))
