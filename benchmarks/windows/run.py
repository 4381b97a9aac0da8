r"""Twelve window counts by every peer: time and memory, each case in a fresh process, values compared first.

    python -m benchmarks.windows.run
    python -m benchmarks.windows.run --sizes 100000 --peers ours single_pass duckdb_range --runs 3

The peers that install beside the library come with ``pip install -e '.[bench]'``. Temporian 0.9 and Featuretools 1.31
need older numpy and pandas, so they get an environment of their own, which `--python` names:

    python3.11 -m venv peers-env
    peers-env/bin/pip install temporian==0.9.0 featuretools==1.31.0 'numpy<2' 'pandas<3' 'pyarrow<21' 'setuptools<81'
    python -m benchmarks.windows.run --python temporian_moving=peers-env/bin/python \
        featuretools_dfs=peers-env/bin/python

The peers take turns within each round, and every ratio is the median of the ratios within the rounds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

import numpy as np

from benchmarks.logs import click_log, session_closes, sorted_log
from benchmarks.results import Case, as_document, print_tables
from benchmarks.windows.peers import Order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE: Final = Path(__file__).parents[1]
OURS: Final = "ours"
PEERS: Final = (
    OURS,
    "single_pass",
    "polars_rolling",
    "polars_rolling_groups",
    "duckdb_range",
    "duckdb_asof",
    "pandas_rolling",
    "temporian_moving",
    "featuretools_dfs",
)
SIZES: Final = (100_000, 1_000_000, 10_000_000)
ORDERS: Final[tuple[Order, ...]] = get_args(Order)

_WARM_UP_EVENTS: Final = 500


class Runner(NamedTuple):
    """How cases are run: by which interpreters, on which warm-up log, and for how long at most."""

    pythons: Mapping[str, str]
    warm_up: Path
    limit: float

    def run(self, case: Case, log: Path, counts: Path | None) -> None:
        """Run a case once in a fresh process and note in it what came out."""
        command = [
            self.pythons.get(case.peer, sys.executable),
            *(
                "-m",
                "benchmarks.windows.case",
                case.peer,
                case.order,
                "--log",
                str(log),
                "--warm-up",
                str(self.warm_up),
            ),
            *(("--counts", str(counts)) if counts else ()),
        ]
        try:
            finished = subprocess.run(
                command, cwd=HERE.parent, capture_output=True, text=True, timeout=self.limit, check=True
            )
        except subprocess.TimeoutExpired:
            case.skipped = f"took over {self.limit:g} s"
        except subprocess.CalledProcessError as failed:
            case.fault = (failed.stderr.strip().splitlines() or [f"exit code {failed.returncode}"])[-1]
        except OSError as failed:
            case.fault = f"cannot be started: {failed}"
        else:
            case.note(json.loads(finished.stdout.splitlines()[-1]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the JSON; 1 if a peer failed or its counts differ from ours."""
    options = _options(arguments)
    cases: list[Case] = []
    kept = json.loads(options.json.read_text())["cases"] if options.keep else []
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(dict(options.python), write_log(_WARM_UP_EVENTS, Path(folder)), options.limit)
        for size in options.sizes:
            cases += measure(size, options.peers, runner, runs=options.runs, log=write_log(size, Path(folder)))
            document = as_document(cases, kept)
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(document, indent=2) + "\n")
    print_tables(document)
    return int(any(case.fault for case in cases))


def write_log(events: int, folder: Path) -> Path:
    """Write a log of so many events, sorted and shuffled, and its anchors into a folder of their own."""
    log = folder / str(events)
    log.mkdir()
    shuffled = click_log(events).select("user_id", "timestamp", "event_id", "event_type")
    ordered = sorted_log(shuffled)
    shuffled.write_parquet(log / "shuffled.parquet")
    ordered.write_parquet(log / "sorted.parquet")
    session_closes(ordered).write_parquet(log / "anchors.parquet")
    return log


def measure(size: int, peers: Sequence[str], runner: Runner, *, runs: int, log: Path) -> list[Case]:
    """Run every peer on a log in both orders, `runs` rounds, comparing all counts with those of the first peer."""
    cases = [Case(peer, order, size) for order in ORDERS for peer in peers]
    reference: np.ndarray | None = None
    for round_ in range(runs):
        for case in cases:
            if not case.stands:
                continue
            print(f"{size:,} events, round {round_ + 1}: {case.order}, {case.peer}", file=sys.stderr)
            counts = log / "counts.npy" if round_ == 0 else None
            runner.run(case, log, counts)
            if counts and case.stands:
                found = np.load(counts)
                reference = found if reference is None else reference
                differing = int((found != reference[: len(found)]).sum())
                case.fault = f"{differing:,} counts differ from those of {cases[0].peer}" if differing else None
    return cases


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="EVENTS")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS, metavar="PEER", help=", ".join(PEERS))
    parser.add_argument("--runs", type=int, default=5, help="rounds, each case once per round; default 5")
    parser.add_argument("--limit", type=float, default=300, help="seconds that one process may take; default 300")
    parser.add_argument("--python", type=_assignment, nargs="+", default=[], metavar="PEER=PATH")
    parser.add_argument("--json", type=Path, default=HERE / "results" / "windows.json", metavar="PATH")
    parser.add_argument("--keep", action="store_true", help="keep what the JSON holds of other sizes")
    options = parser.parse_args(arguments)
    options.peers = sorted(options.peers, key=PEERS.index)
    return options


def _assignment(text: str) -> tuple[str, str]:
    peer, equals, path = text.partition("=")
    if peer not in PEERS or not equals:
        raise argparse.ArgumentTypeError(f"must be PEER=PATH with a peer of {', '.join(PEERS)}, found {text!r}")
    return peer, path


if __name__ == "__main__":
    sys.exit(main())
