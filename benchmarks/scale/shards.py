"""Measure what dividing a log into shards of users costs: `features` in one shard and in many, in turn.

    python -m benchmarks.scale.shards --events 5 --shards 64 --runs 3

`--events` are millions, of the shop of `benchmarks.scale.run`. Prints seconds, processor time and peak memory of each
run, and the ratio of the medians. One shard of five million events takes some 10 GB.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.quiet import busy_cores
from benchmarks.scale.run import run_stage
from purchase_pred.pipeline.engine.parquet import row_count
from purchase_pred.pipeline.engine.workspace import SESSIONIZED_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIMIT: Final = "20GB"
_RUN: Final = (
    "import sys; from purchase_pred.pipeline.stages import features; "
    "features.EVENTS_PER_SHARD = int(sys.argv.pop(1)); "
    "from purchase_pred_cli import main; sys.argv[0] = 'purchase-pred'; sys.exit(main())"
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the log once, run both kinds in turn, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=float, default=5.0, metavar="MILLIONS")
    parser.add_argument("--shards", type=int, default=64)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the workspace is made")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        workspace = Path(name)
        for stage in ("generate", "sessionize", "split"):
            run_stage(stage, workspace, options.events, _LIMIT)
        events = row_count(workspace / SESSIONIZED_FILE)
        took: dict[int, list[float]] = {1: [], options.shards: []}
        for _ in range(options.runs):
            for shards, found in took.items():
                found.append(_features(workspace, options.events, shards, -(-events // shards)))
    one, many = (median(found) for found in took.values())
    print(f"{events:,} events: {options.shards} shards take {many / one:.2f} times the seconds of one")


def _features(workspace: Path, millions: float, shards: int, size: int) -> float:
    busy = busy_cores()
    program = ("-c", _RUN, str(size))
    took = run_stage("features", workspace, millions, _LIMIT, program=program, options=("--force",))
    seconds, cpu, peak = took["seconds"], took["cpu_seconds"], took["peak_bytes"] / 1e9
    print(f"{shards:3} shards: {seconds:.1f} s, {cpu:.1f} s of processor, {peak:.1f} GB; {busy} cores busy before")
    return float(seconds)


if __name__ == "__main__":
    main()
