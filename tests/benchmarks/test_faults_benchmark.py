"""What is left by a line that failed is judged: old or new, one message, and nothing in between."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.faults.full_disk import READS, WRITES, judged
from benchmarks.faults.line import Ended
from benchmarks.nights.outputs import differing_files
from purchase_pred.pipeline.engine.workspace import Workspace

FILES = [f"data/processed/{split}_events.parquet" for split in ("train", "val", "test")]
FULL = Ended(1, "generate done\nerror: x: no space left on the disk; earlier outputs are as they were\n", 0.1)
SOURCE = Path(__file__).parents[2] / "benchmarks/faults/disk.c"


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path, Path]:
    for side in ("old", "new"):
        for name in FILES:
            path = tmp_path / side / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{side} {name}")
    shutil.copytree(tmp_path / "old", tmp_path / "place")
    return tmp_path / "place", tmp_path / "old", tmp_path / "new"


def test_old_outputs_and_new_ones_are_right_and_a_mixture_is_not(places: tuple[Path, Path, Path]) -> None:
    place, _, new = places
    assert judged(FULL, WRITES, *places) == ("ended with one message, old or new", [])
    shutil.copy(new / FILES[0], place / FILES[0])
    assert judged(FULL, WRITES, *places)[1] == ["split: ['new', 'old']"]
    for name in FILES[1:]:
        shutil.copy(new / name, place / name)
    assert judged(FULL, WRITES, *places)[1] == []
    (place / FILES[0]).write_text("half")
    assert judged(FULL, WRITES, *places)[1] == ["split: ['neither', 'new']"]


def test_a_mixture_that_the_next_run_is_told_to_finish_is_counted_apart(places: tuple[Path, Path, Path]) -> None:
    place, _, new = places
    shutil.copy(new / FILES[0], place / FILES[0])
    (place / "data/.split.claim").write_text("{}")
    assert judged(FULL, WRITES, *places) == (
        "ended with one message, old or new, the next run finishes the names",
        [],
    )


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Ended(70, "Traceback (most recent call last):", 0.1), "exit code 70"),
        (Ended(1, "error: no space left on the disk\nerror: and another\n", 0.1), "told"),
        (Ended(1, "error: unexpected RuntimeError\n", 0.1), "told"),
        (Ended(0, "error: no space left on the disk\n", 0.1), "told"),
    ],
)
def test_another_end_than_one_message_is_wrong(places: tuple[Path, Path, Path], outcome: Ended, told: str) -> None:
    assert any(one.startswith(told) for one in judged(outcome, WRITES, *places)[1])
    assert judged(Ended(1, "error: x: Input/output error\n", 0.1), READS, *places)[1] == []


def test_models_are_the_same_whenever_they_were_trained(tmp_path: Path) -> None:
    for side, moment in (("one", "120000"), ("other", "130000")):
        folder = tmp_path / side / f"models/lightgbm_20240801_{moment}"
        folder.mkdir(parents=True)
        for name in ("booster.txt", "calibrator.json"):
            (folder / name).write_text("same")
        (folder / "metrics.json").write_text(f'{{"model": "{folder.name}"}}')
    one, other = Workspace(tmp_path / "one"), Workspace(tmp_path / "other")
    assert list(differing_files(one, other)) == []
    (folder / "booster.txt").write_text("another")
    assert list(differing_files(one, other)) == ["model 0 booster.txt"]


@pytest.mark.skipif(not shutil.which("cc"), reason="no compiler")
def test_the_disk_fails_from_the_call_on_that_was_named(tmp_path: Path) -> None:
    library = tmp_path / "disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    program = (
        "import ctypes, pathlib, sys\n"
        "folder, disk = pathlib.Path(sys.argv[2]), ctypes.CDLL(sys.argv[1])\n"
        "disk.disk_fails(0, ctypes.c_long(4), str(folder).encode())\n"
        "for number in range(3):\n"
        "    try: (folder / str(number)).write_text('text')\n"  # to create and to write: two calls
        "    except OSError as error: print(number, error.errno)\n"
    )
    done = subprocess.run(
        ["python3", "-c", program, library, tmp_path],
        env=os.environ | {"LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1 28\n2 28\n"
    assert (tmp_path / "0").read_text() == "text"
