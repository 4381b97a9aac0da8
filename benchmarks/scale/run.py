"""Measure what each stage takes as the log grows: time, peak memory and disk, each stage in a process of its own.

    python -m benchmarks.scale.run --events 1 5 10 --memory-limit 4GB
    python -m benchmarks.scale.run --events 5 --stages generate sessionize split features train evaluate score
    python -m benchmarks.scale.run --page

`--events` are millions. The shop is the default one over half a year, with as many users as it takes. Figures that are
there stay; those of the same size and limit are replaced. `--page` measures nothing and writes `docs/scale.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.quiet import busy_cores
from benchmarks.results import machine
from benchmarks.scale.page import RESULTS, write_page
from purchase_pred.sizes import parse_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DAYS: Final = 180
USERS_PER_MILLION: Final = 4_630
STAGES: Final = ("generate", "sessionize", "split", "features")
LATER: Final = ("train", "evaluate", "score")
"""What may be asked for behind the stages; a log of ten million events takes minutes for it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every size, print a table of each, and write the JSON and the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=float, nargs="+", default=[1.0], metavar="MILLIONS")
    parser.add_argument("--memory-limit", default="4GB", help="execution.memory_limit; default 4GB")
    parser.add_argument("--stages", nargs="+", choices=(*STAGES, *LATER), default=STAGES)
    parser.add_argument("--folder", type=Path, help="where the workspaces are made, one after the other")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="PATH")
    parser.add_argument("--page", action="store_true", help="only write docs/scale.md from the results")
    options = parser.parse_args(arguments)
    if not options.page:
        for millions in options.events:
            for measured in measure(millions, options.memory_limit, options.stages, options.folder):
                _keep(measured, options.json)
            _print(measured)
    if options.json == RESULTS:
        write_page(RESULTS)


def measure(millions: float, limit: str, stages: Sequence[str], folder: Path | None = None) -> Iterator[dict[str, Any]]:
    """Yield after each stage what the stages so far took on a log of about so many million events."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        workspace = Path(name)
        took = {}
        for stage in stages:
            busy = busy_cores()
            took[stage] = run_stage(stage, workspace, millions, limit) | {"busy_before": busy}
            events = json.loads((workspace / "data/raw/clickstream_events.manifest.json").read_text())["rows"]
            yield {"events": events, "memory_limit": limit, "stages": dict(took)}


def run_stage(
    stage: str,
    workspace: Path,
    millions: float,
    limit: str,
    /,
    *,
    program: Sequence[str] = ("-m", "purchase_pred"),
    options: Sequence[str] = (),
) -> dict[str, Any]:
    """Run a stage and return its seconds, the peak of its resident memory, its disk and its rows.

    `program` is what Python is to run, `options` stand behind those that make the shop of so many million events.
    """
    settings = {
        "dataset.num_users": max(1, round(millions * USERS_PER_MILLION)),
        "dataset.num_days": DAYS,
        "execution.memory_limit": limit,
    }
    assigned = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    command = [sys.executable, *program, stage, "--workspace", str(workspace), "--quiet", *assigned, *options]
    print(f"{millions:g} million events: {stage}", file=sys.stderr)
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{stage} failed")
    manifests = [json.loads(path.read_text()) for path in workspace.glob("data/*/*.manifest.json")]
    made = [manifest for manifest in manifests if manifest["stage"] == stage]
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_bytes": usage.ru_maxrss * 1024,
        "disk_bytes": sum(manifest["bytes"] for manifest in made),
        "rows": sum(manifest["rows"] or 0 for manifest in made),
    }


def _keep(measured: dict[str, Any], path: Path) -> None:
    """Put figures in the place of those of the same size and limit."""
    document = json.loads(path.read_text()) if path.is_file() else {"sizes": []}
    key = (measured["events"], measured["memory_limit"])
    others = [size for size in document["sizes"] if (size["events"], size["memory_limit"]) != key]
    sizes = sorted([*others, measured], key=lambda size: (size["memory_limit"], size["events"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine(), "days": DAYS, "sizes": sizes}, indent=2) + "\n")


def _print(measured: dict[str, Any]) -> None:
    table = Table(title=f"{measured['events']:,} events, limit {measured['memory_limit']}", title_justify="left")
    for column in ("stage", "seconds", "cpu s", "peak MB", "disk MB", "rows"):
        table.add_column(column, justify="left" if column == "stage" else "right", no_wrap=True)
    for stage, took in measured["stages"].items():
        table.add_row(
            stage,
            f"{took['seconds']:.1f}",
            f"{took['cpu_seconds']:.1f}",
            f"{took['peak_bytes'] / 1e6:,.0f}",
            f"{took['disk_bytes'] / 1e6:,.0f}",
            f"{took['rows']:,}",
        )
    limit = parse_size(measured["memory_limit"])
    kept = all(took["peak_bytes"] <= limit for took in measured["stages"].values())
    table.caption = f"the limit was {'kept' if kept else 'NOT kept'} by every stage"
    Console().print(table)


if __name__ == "__main__":
    main()
