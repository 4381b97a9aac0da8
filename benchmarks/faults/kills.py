"""Lines on a tiny shop that are killed (SIGKILL) at random moments; each next run must end as an undisturbed one.

    python -m benchmarks.faults.kills --kills 50

Three lines take turns: `run all`; `ingest --append` of a day and `run all --skip-data-gen`; `nightly` with another day.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.faults.line import TINY, Ended, assigned, ended, warm
from benchmarks.nights.outputs import differing_files
from benchmarks.nights.world import deliveries, make_shop
from purchase_pred.pipeline.engine.claim import claims
from purchase_pred.pipeline.engine.workspace import LEDGER_FILE, REJECTED_FILE, Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIRST_DAYS: Final = 28
_DAYS: Final = 30
_SETTINGS: Final = assigned((*TINY, "nightly.monitor=false"))
_DONE: Final = {0, 3}


@dataclass(frozen=True)
class Line:
    """Commands, the workspace that they begin with, and the one that they undisturbed end with."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    begin: Path
    undisturbed: Path
    seconds: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Kill, run again and compare, print what came of it, and exit with 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    warm()
    rng = random.Random(options.seed)  # noqa: S311  (moments of kills, not a secret)
    wrong: list[str] = []
    killed: dict[str, int] = {}
    half_published = 0
    with tempfile.TemporaryDirectory() as name:
        lines = _lines(Path(name))
        while sum(killed.values()) < options.kills:
            line = lines[sum(killed.values()) % len(lines)]
            place = Path(name) / "killed"
            at, claimed, found = killed_once(line, place, after=rng.uniform(0.0, line.seconds))
            if at is None:
                continue
            killed[line.name] = killed.get(line.name, 0) + 1
            half_published += claimed
            wrong += [f"{line.name}, killed after {at:.2f} s: {one}" for one in found]
    told = ", ".join(f"{count} of {name}" for name, count in killed.items())
    print(f"killed: {sum(killed.values())} ({told})\nof them while outputs took their names: {half_published}")
    print(f"differing from undisturbed runs: {len(wrong)}")
    if wrong:
        raise SystemExit("\n".join(wrong))


def killed_once(line: Line, place: Path, /, *, after: float) -> tuple[float | None, int, list[str]]:
    """Kill a line after so many seconds and run it again; return when, and what is not as undisturbed."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(line.begin, place)
    left = list(line.commands)
    spent, at = 0.0, None
    while left and at is None:
        outcome = _run(left[0], place, kill_after=after - spent)
        spent += outcome.seconds
        if outcome.code < 0:
            at = spent
        else:
            left.pop(0)
    if at is None:
        return None, 0, []
    workspace = Workspace(place)
    claimed = bool(claims(workspace))
    for command in left:
        outcome = _run(command, place)
        if outcome.code not in _DONE or "Traceback" in outcome.told:
            return at, claimed, [f"{command[0]} then ended with {outcome.code}: {outcome.told}"]
    counted = {REJECTED_FILE, LEDGER_FILE}  # an append that had ended when it was killed rejects its rows as known
    differing = [one for one in differing_files(workspace, Workspace(line.undisturbed)) if one not in counted]
    return at, claimed, [*differing, *map(str, workspace.leftovers()), *map(str, claims(workspace))]


def _lines(room: Path) -> list[Line]:
    """Make the workspaces that the lines begin with and end with."""
    files = _delivered(room)
    (room / "empty").mkdir()
    brought, skip = ("ingest", "table"), ("run", "all", "--skip-data-gen")
    first = _line("from a log", (*brought, str(files[0])), skip, begin=room / "empty")
    append = _line("ingest --append, run all", (*brought, str(files[1]), "--append"), skip, begin=first.undisturbed)
    night = _line("nightly", ("nightly", "table", str(files[2]), "--top", "20"), begin=append.undisturbed)
    return [_line("run all", ("run", "all"), begin=room / "empty"), append, night]


def _line(name: str, *commands: tuple[str, ...], begin: Path) -> Line:
    undisturbed = begin.with_name(name.replace(" ", "_"))
    shutil.copytree(begin, undisturbed)
    seconds = 0.0
    for command in commands:
        outcome = _run(command, undisturbed)
        if outcome.code not in _DONE:
            raise SystemExit(f"{name}: {command[0]} ended with {outcome.code}: {outcome.told}")
        seconds += outcome.seconds
    return Line(name, commands, begin, undisturbed, seconds)


def _run(command: tuple[str, ...], workspace: Path, *, kill_after: float | None = None) -> Ended:
    return ended([*command, "-w", str(workspace), *_SETTINGS], kill_after=kill_after)


def _delivered(room: Path) -> list[Path]:
    """Write the files of the first days and of each day after, in a copy of this process, which starts no thread."""
    process = os.fork()
    if not process:
        code = 1
        try:
            events = make_shop(room / "shop", users=200, days=_DAYS, seed=1)
            for number, delivery in enumerate(deliveries(events, room / "files", first_days=_FIRST_DAYS)):
                delivery.file.rename(room / f"{number}.csv")
            code = 0
        finally:
            os._exit(code)
    if os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]):
        raise SystemExit("the shop could not be made")
    return [room / f"{number}.csv" for number in range(_DAYS - _FIRST_DAYS + 1)]


if __name__ == "__main__":
    main()
