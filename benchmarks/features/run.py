"""The whole default dictionary, raw Parquet to feature Parquet, beside what no such program can do without.

    python -m benchmarks.features.run
    python -m benchmarks.features.run --events 1000000 --runs 3 --profile

The whole line (sessionize, rows and labels, all feature groups, each step to a file) is set against scanning the log,
sorting it by (user_id, timestamp), writing it, and writing a table of the features' size. Each runs in a fresh
process; the two take turns, and the ratio is the median of the ratios within the rounds. `--profile` adds what each
feature group adds to those before it, for one shard of users in memory, as the whole line makes them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks.logs import catalog, click_log, registrations
from benchmarks.results import machine

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE: Final = Path(__file__).parents[1]
TIMES_BARE: Final = 4
"""The whole line is to take at most so many times what is bare necessity."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=5, help="rounds; default 5")
    parser.add_argument("--profile", action="store_true", help="also say where the time goes")
    parser.add_argument("--profile-runs", type=int, default=7, help="runs of each feature group; default 7")
    parser.add_argument("--json", type=Path, default=HERE / "results" / "features.json", metavar="PATH")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_log(options.events, folder)
        rounds = [(_run("features", folder), _run("bare", folder)) for _ in range(options.runs)]
        profile = _profile(folder, options.profile_runs) if options.profile else {}
    document = as_document(options.events, rounds, profile)
    _print(document)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(document, indent=2) + "\n")


def write_log(events: int, folder: Path) -> None:
    """Write a raw log in the order of its time, as logs come, with its catalog and users."""
    log = click_log(events).drop("event_id").sort("timestamp", maintain_order=True).with_row_index("event_id")
    log.with_columns(pl.col("event_id").cast(pl.UInt64)).write_parquet(folder / "raw.parquet")
    catalog().write_parquet(folder / "catalog.parquet")
    registrations(log).write_parquet(folder / "users.parquet")


def as_document(
    events: int, rounds: Sequence[tuple[dict[str, Any], dict[str, Any]]], profile: dict[str, dict[str, float]]
) -> dict[str, Any]:
    """Return the medians over the rounds: each step, both wholes, their ratio, peak memory."""
    whole, bare = [line for line, _ in rounds], [least for _, least in rounds]
    return {
        "machine": machine(),
        "events": events,
        "rows": whole[0]["rows"],
        "columns": whole[0]["columns"],
        "rounds": len(rounds),
        "steps": _medians(whole, "seconds"),
        "cpu_steps": _medians(whole, "cpu_seconds"),
        "seconds": median(_total(report) for report in whole),
        "peak_bytes": median(report["peak_bytes"] for report in whole),
        "bare_steps": _medians(bare, "seconds"),
        "bare_cpu_steps": _medians(bare, "cpu_seconds"),
        "bare_seconds": median(_total(report) for report in bare),
        "times_bare": median(_total(line) / _total(least) for line, least in rounds),
        "target": TIMES_BARE,
        "profile": profile,
    }


def _run(case: str, folder: Path, *, runs: int = 1) -> dict[str, Any]:
    print(f"running {case}", file=sys.stderr)
    command = [sys.executable, "-m", "benchmarks.features.case", case, str(folder), "--runs", str(runs)]
    finished = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"{case} failed: {finished.stderr}")
    report: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return report


def _profile(folder: Path, runs: int) -> dict[str, dict[str, float]]:
    """Return what each feature group adds to those before it."""
    groups = _run("groups", folder, runs=runs)
    return {
        measure: dict(zip(groups[measure], np.diff([0.0, *groups[measure].values()]).tolist(), strict=True))
        for measure in ("seconds", "cpu_seconds")
    }


def _total(report: dict[str, Any]) -> float:
    return float(sum(report["seconds"].values()))


def _medians(reports: Sequence[dict[str, Any]], measure: str) -> dict[str, float]:
    return {step: median(report[measure][step] for report in reports) for step in reports[0][measure]}


def _print(document: dict[str, Any]) -> None:
    size = f"{document['events']:,} events to {document['rows']:,} rows x {document['columns']} columns"
    table = Table(title=f"{size}, medians of {document['rounds']}", title_justify="left")
    table.add_column("step", no_wrap=True)
    table.add_column("seconds", justify="right")
    table.add_column("cpu s", justify="right")
    sections = (
        (document["steps"], document["cpu_steps"], "whole line", document["seconds"]),
        (document["bare_steps"], document["bare_cpu_steps"], "bare necessity", document["bare_seconds"]),
    )
    for steps, cpu_steps, name, total in sections:
        for step, seconds in steps.items():
            table.add_row(step, f"{seconds:.2f}", f"{cpu_steps[step]:.2f}")
        table.add_row(name, f"{total:.2f}", f"{sum(cpu_steps.values()):.2f}", style="bold", end_section=True)
    table.add_row(f"ratio (target: at most {document['target']})", f"{document['times_bare']:.2f}", style="bold")
    table.add_row("peak memory, GB", f"{document['peak_bytes'] / 1e9:.2f}", end_section=True)
    profile = document["profile"]
    for part, seconds in profile.get("seconds", {}).items():
        table.add_row(part, f"{seconds:+.3f}", f"{profile['cpu_seconds'][part]:+.3f}")
    Console().print(table)


if __name__ == "__main__":
    main()
