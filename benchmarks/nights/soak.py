"""Nights with kills at random moments beside the same nights undisturbed: nothing lost, nothing doubled, nothing grown.

    python -m benchmarks.nights.soak --nights 200

What is delivered has late and doubled events, rows that are no events, and nights on which nothing comes. After each
kill the same command runs again, and may be killed again. The result goes into docs/nightly.md with `--page`.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from benchmarks.nights.outputs import differing_files
from benchmarks.nights.page import write_block
from benchmarks.nights.quiet import night
from benchmarks.nights.world import KEY, Delivery, Faults, deliveries, make_shop
from purchase_pred.pipeline.engine.fingerprint import size
from purchase_pred.pipeline.engine.workspace import EVENTS_FILE, REJECTED_FILE, Workspace
from purchase_pred.pipeline.models_in_use import read_history
from purchase_pred.pipeline.tasks.scoring.score_list import AskedRules

if TYPE_CHECKING:
    from collections.abc import Sequence

SETTINGS: Final = (
    *("target.horizon=2d", "features.windows=[1d, 7d]", "ingest.max_rejected=0.5", "nightly.retrain_every=5d"),
    *("train.models=[lightgbm]", "train.lightgbm.max_rounds=20", "train.threads=1", "train.threshold.resamples=50"),
    *("nightly.keep_models=2", "nightly.monitor=false"),
)
FAULTS: Final = Faults(late=0.03, doubled=0.02, dirt=0.01, silent_every=17)
FIRST_DAYS: Final = 25
LIST: Final = AskedRules(top=20)
SHARE_KILLED: Final = 0.4
_POLL: Final = 0.02
_DONE: Final = {0, 3}


@dataclass
class Soak:
    """What happened."""

    nights: int = 0
    kills: int = 0
    peaks: list[int] = field(default_factory=list)
    """Bytes of resident memory at the most, of each night that was not killed."""
    peaks_of_one: list[int] = field(default_factory=list)
    """The same of this process, which does all undisturbed nights, after each of them."""
    disks: list[int] = field(default_factory=list)
    """Bytes of the workspace after each night."""
    delivered: list[Delivery] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the nights, print what came of them, and exit with 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=200)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="begin no further night after so long")
    parser.add_argument("--folder", type=Path, help="where everything is made; kept")
    parser.add_argument("--page", action="store_true", help="write the result into docs/nightly.md")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        place = options.folder or Path(folder)
        done = soak(place, nights=options.nights, users=options.users, seed=options.seed, minutes=options.minutes)
        facts = findings(done, place)
    lines = [f"{name}: {value}" for name, value in facts.items()]
    print("\n".join(lines))
    if options.page:
        write_block("soak", ["```", f"$ python -m benchmarks.nights.soak --nights {done.nights}", *lines, "```"])
    if wrong(facts):
        raise SystemExit(f"not as it should be: {', '.join(wrong(facts))}")


def soak(folder: Path, *, nights: int, users: int, seed: int, minutes: float | None = None) -> Soak:
    """Run each night undisturbed in one workspace, and with kills in another."""
    rng = random.Random(seed)  # noqa: S311  (moments of kills, not a secret)
    events = make_shop(folder / "shop", users=users, days=FIRST_DAYS + nights - 1, seed=seed)
    until = None if minutes is None else time.monotonic() + 60 * minutes
    done, usual = Soak(), 5.0
    for delivery in deliveries(events, folder / "files", first_days=FIRST_DAYS, faults=FAULTS, seed=seed):
        if until is not None and time.monotonic() > until:
            break
        night(Workspace(folder / "undisturbed"), delivery.file, SETTINGS, LIST)
        done.peaks_of_one.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
        while rng.random() < SHARE_KILLED:
            peak, _ = _run(delivery.file, folder / "killed", kill_after=rng.uniform(0.0, usual))
            done.kills += peak is None
        peak, usual = _run(delivery.file, folder / "killed")
        done.peaks.append(peak or 0)
        done.disks.append(_disk(folder / "killed"))
        done.delivered.append(delivery)
        done.nights += 1
    return done


def findings(done: Soak, folder: Path) -> dict[str, Any]:
    """Return what is left of the nights, beside what was delivered and what undisturbed nights left."""
    killed, undisturbed = Workspace(folder / "killed"), Workspace(folder / "undisturbed")
    sent = pl.concat([delivery.events for delivery in done.delivered]).select(KEY)
    expected, found = sent.unique(), _events(killed, sent)
    rejected = pl.read_parquet(killed.path(REJECTED_FILE))["reason"]
    doubled = sent.height - expected.height
    differing = list(differing_files(killed, undisturbed))
    return {
        "nights": done.nights,
        "kills": done.kills,
        "events delivered, each counted once": expected.height,
        "of them late": sum(delivery.late for delivery in done.delivered),
        "events in the log": found.height,
        "lost": expected.join(found, on=KEY, how="anti", nulls_equal=True).height,
        "never delivered": found.join(expected, on=KEY, how="anti", nulls_equal=True).height,
        "doubled in the log": found.height - found.unique().height,
        "delivered twice": doubled,
        "rejected as duplicates": int((rejected == "duplicate").sum()),
        "delivered that is no event": sum(delivery.dirt for delivery in done.delivered),
        "rejected for other reasons": int((rejected != "duplicate").sum()),
        "models put in use": len(read_history(killed)),
        "temporary files left": len(killed.leftovers()),
        "differing from undisturbed nights": ", ".join(differing) or "nothing",
        "peak memory of a night, MB, middle of the first and of the last quarter": _quarters(done.peaks),
        "peak memory of one process for all undisturbed nights, MB, likewise": _quarters(done.peaks_of_one),
        "workspace, MB, after the first and the last night": f"{done.disks[0] / 1e6:.1f}, {done.disks[-1] / 1e6:.1f}",
        "undisturbed workspace, MB": f"{_disk(undisturbed.root) / 1e6:.1f}",
    }


def wrong(facts: dict[str, Any]) -> list[str]:
    """Return the findings that are not as they should be."""
    none = ("lost", "never delivered", "doubled in the log", "temporary files left")
    return [
        *(name for name in none if facts[name]),
        *(["rejected as duplicates"] if facts["rejected as duplicates"] != facts["delivered twice"] else []),
        *(["rejected"] if facts["rejected for other reasons"] != facts["delivered that is no event"] else []),
        *(["outputs"] if facts["differing from undisturbed nights"] != "nothing" else []),
    ]


def _run(file: Path, workspace: Path, *, kill_after: float | None = None) -> tuple[int | None, float]:
    """Run a night as a scheduler does; return its peak memory, None where it was killed, and its seconds."""
    assigned = [word for text in SETTINGS for word in ("--set", text)]
    command = [sys.executable, "-m", "purchase_pred", "nightly", "table", str(file), "-w", str(workspace), *assigned]
    started = time.monotonic()
    process = subprocess.Popen(
        [*command, "--quiet", "--top", str(LIST.top)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    peak = 0
    while process.poll() is None:
        seconds = time.monotonic() - started
        peak = max(peak, _resident_at_most(process.pid))
        if kill_after is not None and seconds > kill_after:
            process.send_signal(signal.SIGKILL)
            kill_after = None
        time.sleep(_POLL)
    seconds = time.monotonic() - started
    if process.returncode == -signal.SIGKILL:
        return None, seconds
    if process.returncode not in _DONE:
        told = process.stderr.read() if process.stderr else ""
        raise SystemExit(f"a night ended with {process.returncode}: {told}")
    return peak, seconds


def _resident_at_most(pid: int) -> int:
    """Return the peak of a process's resident memory so far; what `wait4` tells may be that of who started it."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:  # it has ended
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _events(workspace: Workspace, sent: pl.DataFrame) -> pl.DataFrame:
    """Return the events of the log as the shop has them."""
    dtypes = sent.schema
    return pl.read_parquet(workspace.path(EVENTS_FILE)).select(pl.col(name).cast(dtypes[name]) for name in KEY)


def _quarters(values: Sequence[int]) -> str:
    quarter = max(1, len(values) // 4)
    return ", ".join(f"{sorted(part)[len(part) // 2] / 1e6:.0f}" for part in (values[:quarter], values[-quarter:]))


def _disk(folder: Path) -> int:
    return size(folder)


if __name__ == "__main__":
    main()
