"""Small logs written to files, and what was read of them beside what the oracle says."""

from __future__ import annotations

from datetime import UTC, datetime
from struct import pack, unpack
from typing import TYPE_CHECKING

import polars as pl

from purchase_pred import schema
from purchase_pred.ingest import REASON_DTYPE
from purchase_pred.settings.ingest import IngestSettings

if TYPE_CHECKING:
    from pathlib import Path

    from log_oracle import Reading

    from purchase_pred.ingest import CanonicalLog


DEFAULTS = IngestSettings()


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


def moments(log: CanonicalLog) -> list[tuple]:
    assert_dtypes(log)
    return rows_of(log.events.select("event_id", "user_id", "timestamp", "event_type", "item_id", "price"))


def reasons(log: CanonicalLog) -> list[tuple]:
    return rows_of(log.rejected.select("event_id", "reason"))


def rows_of(frame: pl.LazyFrame) -> list[tuple]:
    return frame.collect().rows()


def assert_reads_as(log: CanonicalLog, expected: Reading) -> None:
    """Demand the same events, rejected rows, catalog and users, in order, with their dtypes."""
    assert_dtypes(log)
    events = log.events.select(*schema.EVENTS).with_columns(pl.col(schema.DURATION).cast(pl.Float64))
    assert rows_of(events) == [_in_single_precision(event) for event in expected.events]
    kept = log.events.select(*expected.kept).collect()
    assert {name: kept[name].to_list() for name in kept.columns} == expected.kept
    assert [type(value) for name in kept.columns for value in kept[name]] == [
        type(value) for values in expected.kept.values() for value in values
    ]
    assert rows_of(log.rejected.select("event_id", "reason")) == expected.rejected
    assert log.rows == len(expected.events) + len(expected.rejected)
    catalog = {row[0]: list(row[1:]) for row in rows_of(log.catalog)}
    assert catalog == {
        item: [shelf, price, 0.0, price, created] for item, (shelf, price, created) in expected.catalog.items()
    }
    assert list(catalog) == sorted(catalog)
    assert dict(rows_of(log.users)) == expected.users
    assert rows_of(log.users) == sorted(rows_of(log.users))


def assert_dtypes(log: CanonicalLog) -> None:
    schema.require(log.events, schema.EVENTS, what="events")
    schema.require(log.catalog, schema.CATALOG, what="catalog")
    schema.require(log.users, schema.USERS, what="users")
    assert log.events.collect_schema().names()[: len(schema.EVENTS)] == list(schema.EVENTS)
    assert log.rejected.collect_schema()["reason"] == REASON_DTYPE
    assert isinstance(log.catalog.collect_schema()["category"], pl.Enum)
    for frame in (log.events, log.rejected, log.catalog, log.users):
        assert frame.collect().schema == frame.collect_schema()


def _in_single_precision(event: tuple) -> tuple:
    duration = None if event[5] is None else unpack("f", pack("f", event[5]))[0]
    return (*event[:5], duration, event[6])
