"""The time that `train_models` takes, beside that of the bare booster on the same matrix."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks.quality.program import BOOSTERS
from benchmarks.quality.worlds import world

if TYPE_CHECKING:
    from benchmarks.quality import Plan
    from purchase_pred.pipeline.engine.workspace import Workspace

_ROOT: Final = Path(__file__).parents[2]


def training_times(plan: Plan, /) -> dict[str, Any]:
    """Return for each booster the medians of the seconds of both, and of the ratio within the rounds."""
    program = world(plan, seed=plan.seeds[0])
    return {kind: _times(kind, program.workspace, plan) for kind in BOOSTERS}


def _times(kind: str, workspace: Workspace, plan: Plan) -> dict[str, Any]:
    rounds = []
    for number in range(plan.runs):
        print(f"  training {kind}, round {number + 1} of {plan.runs}", file=sys.stderr, flush=True)
        ours = _run("ours", kind, workspace, plan)
        rounds.append((ours, _run("bare", kind, workspace, plan, "--rounds", str(ours["rounds"]))))
    return {
        "runs": plan.runs,
        "rounds": rounds[0][0]["rounds"],
        "rows": rounds[0][0]["rows"],
        "columns": rounds[0][0]["columns"],
        "seconds": median(ours["seconds"] for ours, _ in rounds),
        "bare_seconds": median(bare["seconds"] for _, bare in rounds),
        "times_bare": median(ours["seconds"] / bare["seconds"] for ours, bare in rounds),
        "cpu_times_bare": median(ours["cpu_seconds"] / bare["cpu_seconds"] for ours, bare in rounds),
    }


def _run(case: str, kind: str, workspace: Workspace, plan: Plan, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.quality.case", case, kind, str(workspace.root.resolve()), *more]
    for assignment in (*plan.assignments, f"train.random_seed={plan.seeds[0]}"):
        command += ["--set", assignment]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{case} {kind} failed: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
