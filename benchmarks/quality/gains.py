"""What features gain that winners of public competitions use and the dictionary lacks.

    python -m benchmarks.quality.gains
    python -m benchmarks.quality.gains --page

Each group of `candidates` is joined to the finished feature rows of the default world, and both boosters are trained
with and without it, one thread, on the rows that training would choose. The rule was set before anything was measured:
a group is kept if on validation its mean gain of PR-AUC is more than 0.002 and than that of columns of noise, or if
log-loss falls with both boosters in every world. Test is shown and decides nothing. `--page` measures nothing and
writes `docs/gains.md`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from benchmarks.quality.candidates import CANDIDATES, NOISE, OF_USER
from benchmarks.quality.gains_page import write_page
from benchmarks.quality.intervals import interval, over_users
from benchmarks.quality.program import BOOSTERS, Program
from benchmarks.results import machine
from purchase_pred.models import train_models
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.pipeline.engine.workspace import SESSIONIZED_FILE
from purchase_pred.schema import USER_ID
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    Splits = dict[str, pl.DataFrame]
    Judged = dict[str, dict[str, dict[str, NDArray[np.float64]]]]

RESULTS: Final = Path(__file__).parents[1] / "results" / "gains.json"
TARGETS: Final[Mapping[str, tuple[str, ...]]] = {
    "user_item": (),
    "user": ("target.level=user", "anchors.kind=calendar", "anchors.every=3d"),
}
"""The default, of rare positives, and one that asks about users and has frequent ones."""
FIGURES: Final = ("average_precision", "log_loss")
WITHOUT: Final = "without"
TOGETHER: Final = "all of these"
LEAST_GAIN: Final = 0.002
_JUDGED: Final = ("val", "test")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the JSON and the page; a target that is not measured stays as it is in the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspaces", type=Path, default=Path("gains"), metavar="DIR", help="keeps the worlds")
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[42, 43, 44], help="of worlds and learners")
    parser.add_argument("--resamples", type=int, default=200, help="bootstrap resamples of users; default 200")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="more settings of the world")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="PATH")
    parser.add_argument("--page", action="store_true", help="only write the page from the results")
    options = parser.parse_args(arguments)
    if not options.page:
        document = json.loads(options.json.read_text(encoding="utf-8")) if options.json.is_file() else {"targets": {}}
        for target in options.targets:
            document["machine"] = machine()
            document["targets"][target] = measure(
                target, options.seeds, options.workspaces, assignments=options.set, resamples=options.resamples
            )
            options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if options.json == RESULTS:
        write_page(RESULTS)


def measure(
    target: str, seeds: Sequence[int], workspaces: Path, /, *, assignments: Sequence[str], resamples: int
) -> dict[str, Any]:
    """Return what each group gains for a target, over worlds and boosters, and whether the rule keeps it."""
    worlds: list[Judged] = []
    columns: dict[str, list[str]] = {}
    for seed in seeds:
        asked = (*TARGETS[target], *assignments, f"dataset.random_seed={seed}", f"train.random_seed={seed}")
        program = Program(workspaces / f"{target}_{seed}", assignments=asked)
        program.run("run", "generate", "sessionize", "split", "features")
        more = _more_columns(program, OF_USER if target == "user" else CANDIDATES)
        columns = {name: frames["test"].columns for name, frames in more.items()}
        worlds.append(_judged(program.splits(), more, asked, resamples=resamples))
        print(f"{target}, seed {seed} done", file=sys.stderr, flush=True)
    gains = {name: _over_worlds(worlds, name) for name in columns}
    return {
        "seeds": list(seeds),
        "without": {split: {of: _mean_without(worlds, split, of) for of in FIGURES} for split in _JUDGED},
        "groups": {
            name: {"columns": columns[name], **gained, "kept": is_kept(gained, gains[NOISE])}
            for name, gained in gains.items()
        },
    }


def is_kept(gained: Mapping[str, Any], of_noise: Mapping[str, Any], /) -> bool:
    """Tell by the rule, on validation alone, whether a group is worth its place.

    Examples
    --------
    >>> at = lambda precision, better: {"val": {"average_precision": {"mean": precision}, "log_loss_better": better,
    ...                                 "cells": 6}}
    >>> noise = at(0.001, 2)
    >>> is_kept(at(0.003, 3), noise), is_kept(at(0.0, 6), noise), is_kept(at(0.001, 5), noise)
    (True, True, False)
    """
    val, noise = gained["val"], of_noise["val"]
    precision = val["average_precision"]["mean"]
    clear = precision > max(LEAST_GAIN, noise["average_precision"]["mean"])
    return bool(clear or val["log_loss_better"] == val["cells"])


def _more_columns(program: Program, wanted: Collection[str]) -> dict[str, Splits]:
    """Return the columns of each group for the rows of each split, and those of all groups but noise together."""
    events = pl.scan_parquet(program.workspace.path(SESSIONIZED_FILE))
    splits = program.splits()
    made = {name: {split: CANDIDATES[name](rows, events) for split, rows in splits.items()} for name in wanted}
    every = [frames for name, frames in made.items() if name != NOISE]
    return {**made, TOGETHER: {split: pl.concat([of[split] for of in every], how="horizontal") for split in splits}}


def _judged(splits: Splits, more: Mapping[str, Splits], assignments: Sequence[str], /, *, resamples: int) -> Judged:
    """Train without and with each group, and return the figures of all rows and of resampled users, by split."""
    asked = (*assignments, f"train.models=[{', '.join(BOOSTERS)}]", "train.threads=1")
    settings = resolve_settings(assignments=asked).settings
    scores: dict[str, dict[str, NDArray[np.float64]]] = {split: {} for split in _JUDGED}
    for name in (WITHOUT, *more):
        wide = splits
        if name != WITHOUT:
            wide = {split: rows.hstack(more[name][split]) for split, rows in splits.items()}
        for model in train_models(wide["train"], wide["val"], settings=settings):
            for split in _JUDGED:
                scores[split][_cell(name, model.kind)] = model.predict(wide[split])
    judged: Judged = {}
    for split, said in scores.items():
        users = splits[split][USER_ID].rank("dense").cast(pl.Int64).to_numpy() - 1
        labels = label_vector(splits[split])
        judged[split] = over_users(users, labels, said, probabilities=said, resamples=resamples)
    return judged


def _over_worlds(worlds: Sequence[Judged], name: str) -> dict[str, Any]:
    """Return the mean differences over worlds and boosters, with intervals over users, and in how many it is better."""
    found: dict[str, Any] = {}
    for split in _JUDGED:
        found[split] = {"cells": len(worlds) * len(BOOSTERS)}
        for of, sign in zip(FIGURES, (1.0, -1.0), strict=True):
            differences = np.stack(
                [
                    world[split][_cell(name, kind)][of] - world[split][_cell(WITHOUT, kind)][of]
                    for world in worlds
                    for kind in BOOSTERS
                ]
            )
            found[split][of] = interval(differences.mean(axis=0))
            found[split][f"{of}_better"] = int((sign * differences[:, 0] > 0).sum())
    return found


def _mean_without(worlds: Sequence[Judged], split: str, of: str) -> float:
    return float(np.mean([world[split][_cell(WITHOUT, kind)][of][0] for world in worlds for kind in BOOSTERS]))


def _cell(name: str, kind: str) -> str:
    return f"{name}/{kind}"


if __name__ == "__main__":
    main()
