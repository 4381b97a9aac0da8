"""Schedulers and workers of Dask as processes of their own, on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL = ("--host", "127.0.0.1", "--no-dashboard")


@contextmanager
def process(*arguments: str, folder: Path, log: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of Dask until the end of the block; what it says goes to a file."""
    command = [Path(sys.executable).with_name("dask"), *arguments]
    with (folder / log).open("wb") as said:
        started = subprocess.Popen(command, stdout=said, stderr=said, cwd=folder, env={**os.environ, **environment})
        try:
            yield started
        finally:
            started.kill()
            started.wait(10)


@contextmanager
def scheduler(folder: Path, **environment: str) -> Iterator[str]:
    """Run a scheduler, and give its address."""
    with process("scheduler", "--port", "0", *LOCAL, folder=folder, log="scheduler.log", **environment):
        yield waited_for("Scheduler at:", folder / "scheduler.log").split()[-1]


@contextmanager
def worker(
    address: str, folder: Path, *, name: str = "worker", **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker of one thread, which has joined when the block begins."""
    options = ("--nthreads", "1", "--no-nanny", "--local-directory", str(folder / name), *LOCAL)
    with process("worker", address, *options, folder=folder, log=f"{name}.log", **environment) as started:
        waited_for("Registered to:", folder / f"{name}.log")
        yield started


def waited_for(words: str, log: Path) -> str:
    """Return the line of a log that holds those words, as soon as it is there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = [line for line in log.read_text().splitlines() if words in line]
        if found:
            return found[0]
        time.sleep(0.05)
    raise TimeoutError(f"no {words!r} in:\n{log.read_text()}")
