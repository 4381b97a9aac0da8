"""The installed command, and settings that make a small shop."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import PIPE

SMALL = (
    *("--set", "dataset.num_users=400", "--set", "dataset.num_days=60", "--set", "target.horizon=3d"),
    *("--set", "train.models=[logistic, lightgbm]", "--set", "train.lightgbm.max_rounds=20"),
    *("--set", "train.threshold.resamples=0", "--set", "train.threads=1"),
)

SECRET = "hunter2-Zx81-correct-horse"  # noqa: S105  (whose absence is tested)
"""What no command may write anywhere: each finds it in its environment."""
SECRETS = {"AWS_SECRET_ACCESS_KEY": SECRET, "DATABASE_URL": f"postgres://me:{SECRET}@db/shop", "PASSWORD": SECRET}


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str


class WarmCommand:
    """The command without the seconds that imports take: each call is a process of its own, copied from a warm one."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("warm_command.py")
        self.process = subprocess.Popen([sys.executable, script], stdin=PIPE, stdout=PIPE, text=True)
        atexit.register(self.end)

    def run(self, arguments: list[str], *, cwd: Path, environment: dict[str, str]) -> Outcome:
        with tempfile.TemporaryDirectory() as folder:
            said = {"out": str(Path(folder, "out")), "err": str(Path(folder, "err"))}
            order = {"arguments": arguments, "cwd": str(cwd), "environment": environment, **said}
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            code = int(self.process.stdout.readline())
            out, err = (Path(path).read_text(encoding="utf-8") for path in said.values())
            return Outcome(code, out, err)

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


@cache
def warm_command() -> WarmCommand:
    return WarmCommand()


def purchase_pred(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> Outcome:
    """Run the command; where the environment decides what is imported, and how, as a new process."""
    given = [str(argument) for argument in arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PURCHASE_PRED_")}
    every = {**clean, "COLUMNS": "200", **SECRETS, **environment}
    if all(name.startswith("PURCHASE_PRED_") for name in environment):
        return warm_command().run(given, cwd=cwd or Path.cwd(), environment=every)
    command = Path(sys.executable).with_name("purchase-pred")
    done = subprocess.run(
        [command, *given], cwd=cwd, env=every, capture_output=True, text=True, check=False, timeout=300
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def absent(name: str, folder: Path) -> dict[str, str]:
    """Return the environment in which a package cannot be imported, installed or not."""
    (folder / f"{name}.py").write_text(f"raise ImportError('{name} is not there')")
    return {"PYTHONPATH": str(folder)}
