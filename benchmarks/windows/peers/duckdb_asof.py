"""DuckDB ASOF joins: running totals, looked up strictly before T and before the start of each window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.windows.peers import COUNTED, DAYS, duckdb_range

if TYPE_CHECKING:
    import duckdb
    import numpy as np

TITLE: Final = "DuckDB ASOF joins"
DISTRIBUTIONS: Final = duckdb_range.DISTRIBUTIONS

_TOTALS: Final = ", ".join(f"count(*) FILTER (event_type = '{kind}') OVER up_to AS {kind}" for kind in COUNTED)
_COUNTS: Final = ", ".join(
    f"coalesce(upper.{kind}, 0) - coalesce(lower_{days}d.{kind}, 0) AS {kind}_count_{days}d"
    for kind in COUNTED
    for days in DAYS
)
_LOOK_UPS: Final = " ".join(
    f"ASOF LEFT JOIN totals AS lower_{days}d ON anchors.user_id = lower_{days}d.user_id"
    f" AND anchors.prediction_time - INTERVAL {days} DAY > lower_{days}d.timestamp"
    for days in DAYS
)
QUERY: Final = f"""
    WITH totals AS MATERIALIZED (
        SELECT user_id, timestamp, {_TOTALS} FROM events
        WINDOW up_to AS (PARTITION BY user_id ORDER BY timestamp RANGE UNBOUNDED PRECEDING)
    )
    SELECT {_COUNTS}
    FROM anchors
    ASOF LEFT JOIN totals AS upper ON anchors.user_id = upper.user_id AND anchors.prediction_time > upper.timestamp
    {_LOOK_UPS}
    ORDER BY anchors.rowid
"""  # noqa: S608  (put together from constants)

load = duckdb_range.load
counts = duckdb_range.counts


def compute(connection: duckdb.DuckDBPyConnection) -> dict[str, np.ndarray]:
    """Run the one query and fetch its columns."""
    return connection.execute(QUERY).fetchnumpy()
