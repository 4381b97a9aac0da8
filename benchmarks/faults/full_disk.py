"""A line on a tiny shop whose disk fails at every call: old outputs or new ones, one message, and whole the next time.

    python -m benchmarks.faults.full_disk --calls 200
    python -m benchmarks.faults.full_disk --calls 100 --reads

The workspace holds finished outputs of other settings. From the k-th call on, calls that write (write, create, flush,
rename) end as on a full disk, or calls that read end as on a broken one; so many k are tried, spread over all there
are. A small library that stands before the system's makes them fail, for Python and for what Python calls alike; it is
compiled by `cc`.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.faults.line import TINY, Ended, assigned, ended, warm
from benchmarks.nights.outputs import differing_files
from purchase_pred.pipeline.engine.claim import claims
from purchase_pred.pipeline.engine.fingerprint import fingerprint
from purchase_pred.pipeline.engine.manifest import is_intact, read_manifest
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.registry import STAGES, model_folders

if TYPE_CHECKING:
    from collections.abc import Sequence

WRITES, READS = 0, 1
_SOURCE: Final = Path(__file__).with_name("disk.c")
_LIBRARY: Final = "FAILING_DISK_LIBRARY"
_OLD: Final = assigned(TINY)
_NEW: Final = assigned((*TINY, "dataset.random_seed=7"))
_DATA: Final = {stage.name: stage.units for stage in STAGES if stage.name != "train"}
_TOLD: Final = {WRITES: "no space left on the disk", READS: "error"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Let calls fail, judge what is left, print what came of it, and exit with 1 where it is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--reads", action="store_true", help="a disk that cannot be read, in place of a full one")
    options = parser.parse_args(arguments)
    _with_library([] if arguments is None else arguments)
    warm()
    kind = READS if options.reads else WRITES
    wrong: list[str] = []
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        calls = _prepare(room, kind)
        tried = sorted({1 + number * calls // options.calls for number in range(min(options.calls, calls))})
        for number in tried:
            end, found = _failed_once(room, kind, number)
            ends[end] += 1
            wrong += [f"from call {number} on: {one}" for one in found]
    print(f"{'reading' if options.reads else 'writing'} calls of the line: {calls}, tried: {len(tried)}")
    print("\n".join(f"{end}: {count}" for end, count in sorted(ends.items())))
    print(f"not as it should be: {len(wrong)}")
    if wrong:
        raise SystemExit("\n".join(wrong))


def judged(outcome: Ended, kind: int, place: Path, old: Path, new: Path, /) -> tuple[str, list[str]]:
    """Return how the line ended, and what of it and of the workspace is not as it should be."""
    lines = [line for line in outcome.told.splitlines() if line.startswith("error: ")]
    wrong = []
    if outcome.code not in ({0, 1} if kind == WRITES else {0, 1, 2}):
        wrong.append(f"exit code {outcome.code}: {outcome.told}")
    if "Traceback" in outcome.told or "panicked" in outcome.told:
        wrong.append(f"a traceback: {outcome.told}")
    if len(lines) != bool(outcome.code) or not all(_TOLD[kind] in line for line in lines):
        wrong.append(f"told: {outcome.told}")
    workspace = Workspace(place)
    cut_off = {claim.name.removeprefix(".").removesuffix(".claim") for claim in claims(workspace)}
    for stage, names in _DATA.items():
        sides = {_side(place, old, new, name) for name in names} - {"both"}
        if stage not in cut_off and sides not in ({"old"}, {"new"}, set()):
            wrong.append(f"{stage}: {sorted(sides)}")
    for folder in model_folders(workspace, "lightgbm"):
        manifest = read_manifest(folder)
        if "train" not in cut_off and (manifest is None or not is_intact(folder, manifest)):
            wrong.append(f"{folder.name} is not whole")
    end = "completed all the same" if not outcome.code else "ended with one message, old or new"
    return f"{end}, the next run finishes the names" if cut_off else end, wrong


def _failed_once(room: Path, kind: int, number: int) -> tuple[str, list[str]]:
    place, old, new = room / "place", room / "old", room / "new"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(old, place)
    outcome = ended(_command(place), before=lambda: _disk().disk_fails(kind, number, str(place).encode()))
    end, wrong = judged(outcome, kind, place, old, new)
    after = ended(_command(place))
    if after.code:
        return end, [*wrong, f"the next run ended with {after.code}: {after.told}"]
    workspace = Workspace(place)
    left = [*map(str, workspace.leftovers()), *map(str, claims(workspace))]
    return end, [
        *wrong,
        *(f"after the next run: {one}" for one in (*differing_files(workspace, Workspace(new)), *left)),
    ]


def _prepare(room: Path, kind: int) -> int:
    """Make the workspace as it was before, and as it is after an undisturbed line; return the calls of that."""
    old, new, told = room / "old", room / "new", room / "calls"
    _made(ended(["run", "all", "-w", str(old), *_OLD]))
    shutil.copytree(old, new)
    _made(
        ended(
            _command(new),
            before=lambda: _disk().disk_fails(kind, 0, str(new).encode()),
            after=lambda: told.write_text(str(_disk().disk_calls(kind))) and None,
        )
    )
    return int(told.read_text())


def _made(outcome: Ended) -> None:
    if outcome.code:
        raise SystemExit(f"the shop could not be made: {outcome.told}")


def _command(place: Path) -> list[str]:
    return ["run", "all", "-w", str(place), *_NEW]


def _side(place: Path, old: Path, new: Path, name: str) -> str:
    found, before, after = (
        fingerprint(folder / name) if (folder / name).is_file() else None for folder in (place, old, new)
    )
    return "both" if before == after == found else "old" if found == before else "new" if found == after else "neither"


def _disk() -> ctypes.CDLL:
    library = ctypes.CDLL(os.environ[_LIBRARY])
    library.disk_fails.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_char_p]
    library.disk_calls.restype = ctypes.c_long
    return library


def _with_library(arguments: Sequence[str]) -> None:
    """Begin this program anew with the library before the system's, unless it is there."""
    if _LIBRARY in os.environ:
        return
    library = Path(tempfile.mkdtemp()) / "disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(_SOURCE), "-ldl"], check=True)  # noqa: S607
    environment = os.environ | {_LIBRARY: str(library), "LD_PRELOAD": str(library)}
    given = arguments or sys.argv[1:]
    os.execve(sys.executable, [sys.executable, "-m", "benchmarks.faults.full_disk", *given], environment)  # noqa: S606


if __name__ == "__main__":
    main()
