"""A process that has imported the program and makes a copy of itself for each command that it is told to run.

It starts nothing else before, so that a copy is as good as a new process, without the second or two that imports take.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module

IMPORTED = (
    "lightgbm",
    "xgboost",
    "sklearn.isotonic",
    "matplotlib.figure",
    "purchase_pred.pipeline.registry",
    "purchase_pred_cli.app",
)


def run(order: dict) -> int | None:
    """Make a copy of this process for one command; return its exit code here, and in the copy nothing."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    for stream, path in ((0, os.devnull), (1, order["out"]), (2, order["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), stream)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["purchase-pred", *order["arguments"]]
    return None


def serve() -> None:
    """Run commands until standard input ends; in a copy, return to run the one command."""
    for line in sys.stdin:
        code = run(json.loads(line))
        if code is None:
            return
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    serve()
    from purchase_pred_cli import main

    main()
