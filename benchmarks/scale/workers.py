"""Measure what each task of `features` takes on Dask, with one worker and with two.

    python -m benchmarks.scale.workers --events 2

`--events` are millions, of the shop of `benchmarks.scale.run`. Writes `results/workers.json` and `docs/scale.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass, field
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil
from distributed import Client, LocalCluster

from benchmarks.quiet import busy_cores
from benchmarks.results import machine
from benchmarks.scale.capacity import Costs
from benchmarks.scale.page import RESULTS, WORKERS_RESULTS, write_page
from benchmarks.scale.run import run_stage
from purchase_pred.pipeline.engine.manifest import read_manifest
from purchase_pred.pipeline.engine.runner import Request, run_stages
from purchase_pred.pipeline.engine.workspace import EVENTS_FILE, Workspace
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIMIT: Final = "4GB"
_SMALL: Final = 0.05
"""Millions of events of a log of which next to nothing grows with the events."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the JSON and the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=float, default=2.0, metavar="MILLIONS")
    parser.add_argument("--folder", type=Path, help="where the workspace is made")
    parser.add_argument("--json", type=Path, default=WORKERS_RESULTS, metavar="PATH")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        fixed = _run(_log(Path(name) / "small", _SMALL), 1).client
        measured = measure(_log(Path(name) / "log", options.events), fixed=round(fixed, 2))
    options.json.write_text(json.dumps({"machine": machine(), **measured}, indent=2) + "\n")
    if options.json == WORKERS_RESULTS:
        write_page(RESULTS)


def measure(workspace: Workspace, /, *, fixed: float) -> dict[str, Any]:
    """Return the costs of the tasks with one worker, and how long the stage took with one and with two."""
    runs, heard = [], []
    for workers in (1, 2):
        busy = busy_cores()
        watch = _run(workspace, workers)
        heard.append(watch)
        runs.append({"workers": workers, "seconds": round(watch.ended - watch.began, 2), "busy_before": busy})
    manifest = read_manifest(workspace.path(EVENTS_FILE))
    return {"costs": asdict(heard[0].costs(events=(manifest and manifest.rows) or 0, fixed=fixed)), "runs": runs}


def _log(folder: Path, millions: float) -> Workspace:
    for stage in ("generate", "sessionize"):
        run_stage(stage, folder, millions, _LIMIT)
    return Workspace(folder)


@dataclass
class _Watch:
    """An observer that notes what processor time the workers have taken whenever a shard is done."""

    workers: Sequence[psutil.Process]
    began: float = 0.0
    ended: float = 0.0
    client: float = 0.0
    times: list[float] = field(default_factory=list)

    def stage_starts(self, *_: object) -> None:
        self.began, self.client = time.time(), time.process_time()
        self._note()

    def rows_done(self, *_: object) -> None:
        """Nothing is noted of rows."""

    def shards_done(self, *_: object, **__: object) -> None:
        self._note()

    def stage_ends(self, *_: object) -> None:
        self.ended, self.client = time.time(), time.process_time() - self.client

    def warns(self, *_: object) -> None:
        """Nothing is noted of warnings."""

    def _note(self) -> None:
        took = [worker.cpu_times() for worker in self.workers]
        self.times.append(sum(one.user + one.system for one in took))

    def costs(self, *, events: int, fixed: float) -> Costs:
        """Return the costs of tasks that were done one after the other; prediction points come first, then features."""
        points, *features = (round(after - before, 2) for before, after in pairwise(self.times))
        shards = len(features)
        return Costs(events, round(self.client, 2), fixed, [round(points / shards, 3)] * shards, features)


def _run(workspace: Workspace, workers: int) -> _Watch:
    """Make the features with so many workers of one thread each, which know the program already."""
    os.environ["POLARS_MAX_THREADS"] = "1"
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.run(import_module, STAGE_BY_NAME["features"].function.partition(":")[0])
        watch = _Watch([psutil.Process(pid) for pid in client.run(os.getpid).values()])
        assigned = (
            "execution.backend=dask",
            f"execution.dask.scheduler={cluster.scheduler_address}",
            f"execution.memory_limit={_LIMIT}",
        )
        settings = resolve_settings(assignments=assigned).settings
        stage = Request(STAGE_BY_NAME["features"])
        run_stages([stage], workspace=workspace, settings=settings, observer=watch, force=True)
    return watch


if __name__ == "__main__":
    main()
