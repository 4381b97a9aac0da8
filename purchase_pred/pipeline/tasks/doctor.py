"""The doctor: what this installation is, what it may take of the machine, and whether the whole line works here."""

from __future__ import annotations

import importlib
import os
import platform
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from purchase_pred.execution.memory import PROGRAM_BYTES, machine_memory, memory_limit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings

State = Literal["right", "wrong", "absent"]
"""`absent`: an extra that is not installed, which is no fault."""

_OWN: Final = "purchase-pred"
_LIBRARIES: Final = {
    "polars": "polars",
    "numpy": "numpy",
    "lightgbm": "lightgbm",
    "xgboost": "xgboost",
    "scikit-learn": "sklearn",
}
"""Packages to the modules that they bring."""
_EXTRAS: Final = {
    "tune": ("optuna", "optuna"),
    "mlflow": ("mlflow", "mlflow"),
    "dask": ("distributed", "distributed"),
    "s3": ("boto3", "boto3"),
}
_OLDEST: Final = (3, 11)
_LEAST_FREE: Final = 500_000_000
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9_.-]+).*?>=\s*([0-9.]+)")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    found: str


def examine(workspace: Workspace, settings: Settings, /) -> list[Check]:
    """Return what the installation, the machine and the self-test say; nothing is raised for what is wrong.

    Parameters
    ----------
    workspace
        Where outputs would go; it need not exist.
    settings
        `execution.memory_limit` is read.
    """
    checks = [
        *_versions(),
        _threads(),
        _memory(settings),
        _disk(workspace.root),
        _writable("workspace", _nearest(workspace.root)),
        _temporary(),
        *_extras(),
    ]
    return [*checks, _tested()]


def _versions() -> Iterator[Check]:
    found = platform.python_version()
    needed = ".".join(map(str, _OLDEST))
    if sys.version_info < _OLDEST:
        yield Check("python", "wrong", f"{found}, {needed} or newer is needed")
    else:
        yield Check("python", "right", f"{found} ({platform.system()} {platform.machine()})")
    yield Check(_OWN, "right", version(_OWN))
    for package, module in _LIBRARIES.items():
        yield _library(package, module, _minimum(package))


def _library(package: str, module: str, minimum: str) -> Check:
    """Import a library, since one that is installed may still lack what it is linked to."""
    try:
        importlib.import_module(module)
        found = version(package)
    except Exception as error:  # noqa: BLE001  (whatever it is that keeps a library from loading is the finding)
        reason = " ".join(str(error).split()) or type(error).__name__
        return Check(package, "wrong", f"cannot be loaded ({reason}); `pip install --force-reinstall {package}`")
    if _numbers(found) < _numbers(minimum):
        return Check(package, "wrong", f"{found}, {minimum} or newer is needed; `pip install --upgrade {package}`")
    return Check(package, "right", found)


def _minimum(package: str) -> str:
    """Return the oldest version that this program asks for."""
    asked = (_REQUIREMENT.match(text) for text in requires(_OWN) or () if "extra" not in text)
    return next((match[2] for match in asked if match and match[1].lower() == package), "0")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def _threads() -> Check:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Check("threads", "right", f"{usable} cores, Polars uses {pl.thread_pool_size()} threads")


def _memory(settings: Settings) -> Check:
    limit, machine = memory_limit(settings.execution), machine_memory()
    found = (
        f"{_size(machine)}, of which execution.memory_limit ({settings.execution.memory_limit}) gives {_size(limit)}"
    )
    if limit < PROGRAM_BYTES:
        return Check("memory", "wrong", f"{found}; the program alone takes {_size(PROGRAM_BYTES)}: raise the limit")
    if limit > machine:
        return Check("memory", "wrong", f"{found}, more than there is: lower the limit")
    return Check("memory", "right", found)


def _disk(root: Path) -> Check:
    free = shutil.disk_usage(_nearest(root)).free
    if free < _LEAST_FREE:
        return Check("disk", "wrong", f"{_size(free)} free where {root} lies, {_size(_LEAST_FREE)} are needed at least")
    return Check("disk", "right", f"{_size(free)} free where {root} lies")


def _temporary() -> Check:
    try:
        folder = tempfile.gettempdir()
    except OSError as error:
        return Check("temporary folder", "wrong", f"there is none that can be written to ({error}); set TMPDIR")
    return _writable("temporary folder", Path(folder))


def _writable(name: str, folder: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(b"\0")
            stream.flush()
    except OSError as error:
        return Check(name, "wrong", f"{folder} cannot be written to ({error.strerror})")
    return Check(name, "right", f"{folder} can be written to")


def _nearest(root: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    path = root.absolute()
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _extras() -> Iterator[Check]:
    offered = metadata(_OWN).get_all("Provides-Extra") or ()
    for extra, (package, module) in _EXTRAS.items():
        if extra not in offered:
            continue
        try:
            found = version(package)
        except PackageNotFoundError:
            yield Check(f"extra {extra}", "absent", f"not installed; `pip install 'purchase-pred[{extra}]'` brings it")
            continue
        loaded = _library(package, module, "0")
        yield Check(f"extra {extra}", loaded.state, f"{package} {found}" if loaded.state == "right" else loaded.found)


def _tested() -> Check:
    try:
        from purchase_pred.pipeline.tasks.self_test import self_test  # noqa: PLC0415  (a learner may not load)

        done = self_test()
    except Exception as error:  # noqa: BLE001  (whatever goes wrong in the line is the finding)
        return Check("self-test", "wrong", f"{type(error).__name__}: {' '.join(str(error).split())}")
    found = (
        f"{done.events:,} events, {done.rows:,} rows, {done.values:,} values computed again, in {done.seconds:.1f} s"
    )
    return Check("self-test", "right", found)


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"
