"""The installed command, and settings that make a small shop."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SMALL = (
    *("--set", "dataset.num_users=400", "--set", "dataset.num_days=60", "--set", "target.horizon=3d"),
    *("--set", "train.models=[logistic, lightgbm]", "--set", "train.lightgbm.max_rounds=20"),
    *("--set", "train.threshold.resamples=0", "--set", "train.threads=1"),
)


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str


def purchase_pred(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> Outcome:
    """Run the installed command."""
    command = Path(sys.executable).with_name("purchase-pred")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PURCHASE_PRED_")}
    done = subprocess.run(
        [command, *arguments],
        cwd=cwd,
        env={**clean, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def absent(name: str, folder: Path) -> dict[str, str]:
    """Return the environment in which a package cannot be imported, installed or not."""
    (folder / f"{name}.py").write_text(f"raise ImportError('{name} is not there')")
    return {"PYTHONPATH": str(folder)}
