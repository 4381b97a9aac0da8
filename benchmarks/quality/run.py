"""How good the models are: on synthetic shops whose truth is known, and on real logs.

    python -m benchmarks.quality.run
    python -m benchmarks.quality.run --parts cdnow rees46 otto
    python -m benchmarks.quality.run --workspaces scratch --seeds 42 43

Each part runs the program as a user would, in workspaces of its own, and is written to the results as soon as it is
done; parts that are not asked for stay as an earlier run left them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.quality import Plan
from benchmarks.quality.cdnow import beside_rivals
from benchmarks.quality.heads import otto, rees46
from benchmarks.quality.latent import with_latent_state
from benchmarks.quality.program import RefusedError
from benchmarks.quality.spend import beside_gamma_gamma
from benchmarks.quality.tables import in_words
from benchmarks.quality.targets import targets
from benchmarks.quality.training import training_times
from benchmarks.quality.worlds import learning_curve, over_worlds
from benchmarks.results import machine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE: Final = Path(__file__).parents[1]
PARTS: Final[dict[str, Callable[[Plan], dict[str, Any]]]] = {
    "seeds": over_worlds,
    "latent": with_latent_state,
    "curve": learning_curve,
    "cdnow": beside_rivals,
    "spend": beside_gamma_gamma,
    "rees46": rees46,
    "otto": otto,
    "training": training_times,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the parts one by one, keep each as it is done, and say what was reached."""
    options = _options(arguments)
    document = json.loads(options.json.read_text()) if options.json.is_file() else {"parts": {}}
    with tempfile.TemporaryDirectory() as scratch:
        plan = _plan(options, Path(scratch))
        for name in options.parts:
            print(f"{name} ...", file=sys.stderr, flush=True)
            started = time.perf_counter()
            try:
                found = PARTS[name](plan)
            except RefusedError as refused:
                print(f"{name} left as it was; refused: {refused}", file=sys.stderr, flush=True)
            else:
                seconds = round(time.perf_counter() - started, 1)
                print(f"{name} done in {seconds:,.0f} s", file=sys.stderr, flush=True)
                load = round(os.getloadavg()[2], 1)
                document["parts"][name] = found | {"measured_in_seconds": seconds, "load": load}
            _write(document, options.json)
    print("\n".join(in_words(document)))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = HERE.parent.parent / "shared" / "data"
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="default: all")
    parser.add_argument("--seeds", nargs="+", type=int, default=[42, 43, 44, 45, 46], help="of world and learners")
    parser.add_argument("--users", type=int, default=10_000, help="of the default world")
    parser.add_argument("--factors", nargs="+", type=float, default=[0.25, 0.5, 1, 4], help="of the learning curve")
    parser.add_argument("--runs", type=int, default=5, help="rounds of the training times; default 5")
    parser.add_argument("--resamples", type=int, default=1_000, help="bootstrap resamples of users")
    parser.add_argument("--set", action="append", default=[], help="more settings of the worlds, as for the program")
    parser.add_argument("--cdnow", type=Path, metavar="FILE", help="CDNOW_master.txt; default: out of PyPI's lifetimes")
    parser.add_argument("--heads", type=Path, default=beside, metavar="DIR", help="the first events of REES46 and OTTO")
    parser.add_argument("--workspaces", type=Path, metavar="DIR", help="keeps them, and reuses what is up to date")
    parser.add_argument("--json", type=Path, default=HERE / "results" / "quality.json", metavar="PATH")
    return parser.parse_args(arguments)


def _plan(options: argparse.Namespace, scratch: Path) -> Plan:
    workspaces = (options.workspaces or scratch).resolve()
    workspaces.mkdir(parents=True, exist_ok=True)
    return Plan(
        workspaces=workspaces,
        seeds=tuple(options.seeds),
        users=options.users,
        factors=tuple(options.factors),
        runs=options.runs,
        resamples=options.resamples,
        cdnow=options.cdnow,
        heads=options.heads,
        assignments=tuple(options.set),
    )


def _write(document: dict[str, Any], path: Path) -> None:
    document["machine"] = machine() | {name: version(name) for name in ("lightgbm", "xgboost", "scikit-learn")}
    document["parts"] = {name: document["parts"][name] for name in PARTS if name in document["parts"]}
    document["targets"] = targets(document["parts"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
