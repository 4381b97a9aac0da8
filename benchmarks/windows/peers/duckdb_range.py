"""DuckDB window functions: RANGE frames over the union of events and anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb
import numpy as np

from benchmarks.windows.peers import COLUMNS, COUNTED, DAYS, Order

if TYPE_CHECKING:
    from pathlib import Path

TITLE: Final = "DuckDB RANGE frames"
DISTRIBUTIONS: Final = ("duckdb",)

_COUNTS: Final = ", ".join(
    f"count(*) FILTER (event_type = '{kind}') OVER last_{days}d AS {kind}_count_{days}d"
    for kind in COUNTED
    for days in DAYS
)
_FRAMES: Final = ", ".join(
    f"last_{days}d AS (PARTITION BY user_id ORDER BY timestamp"
    f" RANGE BETWEEN INTERVAL {days} DAY PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING)"
    for days in DAYS
)
QUERY: Final = f"""
    SELECT * EXCLUDE (user_id, timestamp, event_type)
    FROM (
        SELECT *, {_COUNTS}
        FROM (
            SELECT user_id, timestamp, event_type, NULL AS anchor FROM events
            UNION ALL
            SELECT user_id, prediction_time, NULL, rowid FROM anchors
        )
        WINDOW {_FRAMES}
    )
    WHERE anchor IS NOT NULL
    ORDER BY anchor
"""  # noqa: S608  (put together from constants)


def load(events: Path, anchors: Path, _order: Order) -> duckdb.DuckDBPyConnection:
    """Read both files into DuckDB's own tables, event types as an ENUM and times as TIMESTAMP."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for table, path, time in (("events", events, "timestamp"), ("anchors", anchors, "prediction_time")):
        connection.execute(
            f"CREATE TABLE {table} AS SELECT * REPLACE ({time}::TIMESTAMP AS {time}) FROM read_parquet(?)",  # noqa: S608
            [str(path)],
        )
    kinds = ", ".join(
        f"'{kind}'" for (kind,) in connection.execute("SELECT DISTINCT event_type FROM events").fetchall()
    )
    connection.execute(f"ALTER TABLE events ALTER event_type TYPE ENUM({kinds})")
    return connection


def compute(connection: duckdb.DuckDBPyConnection) -> dict[str, np.ndarray]:
    """Run the one query and fetch its columns."""
    return connection.execute(QUERY).fetchnumpy()


def counts(result: dict[str, np.ndarray]) -> np.ndarray:
    """Return the twelve columns."""
    return np.column_stack([result[name] for name in COLUMNS])
