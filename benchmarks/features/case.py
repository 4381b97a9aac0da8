"""Run one case of the features benchmark once, in this process of its own, and print one line of JSON.

Cases: ``features``, the whole line from raw Parquet to feature Parquet, in its steps; ``bare``, what no such program
can do without: sort the log by (user_id, timestamp) and write it, and write a table of the features' size; and
``groups``, the feature groups as one after the other is added.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import polars as pl

import purchase_pred as pp
from benchmarks.memory import Peak
from purchase_pred.execution.launcher import side_by_side
from purchase_pred.execution.memory import EVENTS_PER_SHARD
from purchase_pred.features import build, item_days
from purchase_pred.features.dictionary import feature_groups
from purchase_pred.settings.features import FeatureSettings
from purchase_pred.shards import UserShards, shard_starts

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS_PER_GROUP: Final = 200_000
AT_ONCE: Final = 2
"""Shards in the making while another is being written."""
HORIZON: Final = "7d"

Step = tuple[str, "Callable[[], None]"]


def main() -> None:
    """Run the steps of a case in turn and print the seconds of each, peak memory, and the features' shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("folder", type=Path, help="where raw.parquet, catalog.parquet and users.parquet are")
    parser.add_argument("--runs", type=int, default=1, help="how often each step runs; the quickest counts")
    options = parser.parse_args()
    steps = CASES[options.case](options.folder)
    with Peak() as peak:
        timed = {name: _timed(step, options.runs) for name, step in steps}
    written = pl.scan_parquet(options.folder / "features.parquet")
    print(
        json.dumps(
            {
                "seconds": {name: seconds for name, (seconds, _) in timed.items()},
                "cpu_seconds": {name: cpu_seconds for name, (_, cpu_seconds) in timed.items()},
                "peak_bytes": peak.bytes,
                "rows": written.select(pl.len()).collect().item(),
                "columns": len(written.collect_schema()),
            }
        )
    )


def whole_line(folder: Path) -> list[Step]:
    """Make the features as the pipeline does: sessions, then rows with their labels, then features, each to a file."""
    sessionized, rows = pl.scan_parquet(folder / "sessionized.parquet"), pl.scan_parquet(folder / "rows.parquet")

    def label() -> None:
        anchors = pp.session_close_anchors(sessionized)
        _sink(pp.label_purchases(anchors, sessionized, horizon=HORIZON), folder / "rows.parquet")

    return [
        ("sessionize", lambda: _sink(pp.sessionize(_raw(folder)), folder / "sessionized.parquet")),
        ("rows and labels", label),
        ("features", lambda: _write_features(folder, rows, sessionized)),
    ]


def bare(folder: Path) -> list[Step]:
    """Sort and write the log, and write the features that are already there, held in memory."""
    features = pl.read_parquet(folder / "features.parquet")
    ordered = _raw(folder).sort("user_id", "timestamp", "event_id")
    return [
        ("sort and write the log", lambda: _sink(ordered, folder / "bare_log.parquet")),
        ("write the features", lambda: _sink(features.lazy(), folder / "bare_features.parquet")),
    ]


def groups(folder: Path) -> list[Step]:
    """Compute, for the first shard of users, the first feature group, the first two, and so on, in memory.

    What a group adds to the seconds of those before it is what it costs; a group may need what stands before it.
    """
    sessionized = pl.scan_parquet(folder / "sessionized.parquet")
    first_users = UserShards.of(shard_starts(sessionized, size=EVENTS_PER_SHARD).collect()).condition(0)
    events = sessionized.filter(first_users).collect().lazy()
    rows = pl.scan_parquet(folder / "rows.parquet").filter(first_users).collect().lazy()
    days = item_days(sessionized).collect().lazy()
    all_groups = feature_groups(FeatureSettings())

    def first(number: int) -> Callable[[], None]:
        def compute() -> None:
            with patch.object(build, "feature_groups", lambda _: all_groups[:number]):
                pp.build_features(
                    rows,
                    events,
                    catalog=pl.scan_parquet(folder / "catalog.parquet"),
                    users=pl.scan_parquet(folder / "users.parquet"),
                    days=days,
                    assume_sorted=True,
                ).collect(engine="in-memory")

        return compute

    names = [f"{group.name}, by {' and '.join(group.by) or 'prediction_time'}" for group in all_groups]
    return [(f"+ {name}", first(number)) for number, name in enumerate(names, start=1)]


CASES: Final = {"features": whole_line, "bare": bare, "groups": groups}


def _raw(folder: Path) -> pl.LazyFrame:
    return pl.scan_parquet(folder / "raw.parquet")


def _write_features(folder: Path, rows: pl.LazyFrame, sessionized: pl.LazyFrame) -> None:
    """Write the features of one shard of users after the other, as the pipeline does, and leave them as one table."""
    shards = UserShards.of(shard_starts(sessionized, size=EVENTS_PER_SHARD).collect())
    catalog, users = pl.scan_parquet(folder / "catalog.parquet"), pl.scan_parquet(folder / "users.parquet")
    days = item_days(sessionized).collect().lazy()

    def shard(number: int) -> pl.DataFrame:
        own = shards.condition(number)
        made = pp.build_features(
            rows.filter(own), sessionized.filter(own), catalog=catalog, users=users, days=days, assume_sorted=True
        )
        return made.collect(engine="in-memory")

    parts = side_by_side(((1, partial(shard, number)) for number in range(len(shards))), room=AT_ONCE)
    shutil.rmtree(folder / "features.parquet", ignore_errors=True)
    (folder / "features.parquet").mkdir()
    for number, part in enumerate(parts):
        part.write_parquet(folder / "features.parquet" / f"{number:04}.parquet", row_group_size=ROWS_PER_GROUP)


def _sink(frame: pl.LazyFrame, path: Path) -> None:
    frame.sink_parquet(path, row_group_size=ROWS_PER_GROUP)


def _timed(step: Callable[[], None], times: int) -> tuple[float, float]:
    """Return the seconds on the clock and those of all cores together, the least of so many runs."""
    return min(_once(step) for _ in range(times))


def _once(step: Callable[[], None]) -> tuple[float, float]:
    start, start_cpu = time.perf_counter(), time.process_time()
    step()
    return time.perf_counter() - start, time.process_time() - start_cpu


if __name__ == "__main__":
    main()
