"""How good the learners are where positives are few: small shops, drawn from worlds of several seeds.

    python -m benchmarks.quality.few_positives
    python -m benchmarks.quality.few_positives --variant default --variant 'stop on PR-AUC' train.early_stopping_metric=average_precision

A small shop is some users of a synthetic world, so many that training holds the positives asked for; its models are
judged on the test rows of all users of that world, hundreds of positives, so that little of the spread is luck of the
test. Every variant is a set of settings; all see the same shops, and differences are paired, from the first variant.
"""  # noqa: E501 - a command is one line

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from benchmarks.quality.intervals import over_seeds
from benchmarks.quality.program import Program
from purchase_pred.metrics import metrics
from purchase_pred.models import train_models
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.schema import LABEL, USER_ID
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FIGURES: Final = ("average_precision", "log_loss", "ece")
TARGETS: Final[Mapping[str, tuple[str, ...]]] = {
    "user_item": (),
    "user": ("target.level=user", "anchors.kind=calendar", "anchors.every=3d"),
}
"""Rare positives (2.5 %) and frequent ones."""
VARIANTS: Final[Mapping[str, tuple[str, ...]]] = {
    "default": (),
    "stop on PR-AUC": ("train.early_stopping_metric=average_precision",),
    "refit": ("train.refit=true",),
}
Splits = dict[str, pl.DataFrame]
Found = dict[tuple[str, str, int, str], dict[str, list[float]]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every variant on every shop and print the means and the paired differences."""
    options = _options(arguments)
    variants = {name: tuple(rest) for name, *rest in options.variant} or VARIANTS
    found: Found = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory() as scratch:
        root = options.workspaces or Path(scratch)
        for target in options.targets:
            for seed in options.seeds:
                splits = _world(root, target=target, seed=seed, users=options.users)
                for positives in options.positives:
                    shop = small_shop(splits, positives=positives, seed=seed)
                    if shop is not None:
                        _judge(shop, variants, options.models, found, (target, positives))
                print(f"{target}, seed {seed} done", file=sys.stderr, flush=True)
                _write(found, options.json)
    print("\n".join(_table(found, next(iter(variants)))))


def small_shop(splits: Splits, /, *, positives: int, seed: int) -> Splits | None:
    """Return a world cut to some users in train and validation; None if it has too few, or validation no positive."""
    train = splits["train"]
    users = train[USER_ID].unique(maintain_order=True).sample(fraction=1.0, shuffle=True, seed=seed)
    order = pl.DataFrame({USER_ID: users, "order": np.arange(len(users))})
    reached = train.group_by(USER_ID).agg(pl.col(LABEL).sum().cast(pl.Int64)).join(order, on=USER_ID).sort("order")
    reached = reached.with_columns(pl.col(LABEL).cum_sum())
    if reached[LABEL].max() < positives:
        return None
    members = reached.filter(pl.col(LABEL).shift(1, fill_value=0) < positives)[USER_ID]
    shop = {name: splits[name].filter(pl.col(USER_ID).is_in(members.implode())) for name in ("train", "val")}
    return {**shop, "test": splits["test"]} if shop["val"][LABEL].n_unique() > 1 else None


def _judge(
    shop: Splits,
    variants: Mapping[str, tuple[str, ...]],
    models: Sequence[str],
    found: Found,
    case: tuple[str, int],
) -> None:
    labels = label_vector(shop["test"])
    for name, assignments in variants.items():
        asked = (f"train.models=[{', '.join(models)}]", "train.threads=1", *assignments)
        settings = resolve_settings(assignments=asked).settings
        for model in train_models(shop["train"], shop["val"], settings=settings):
            judged: dict[str, Any] = metrics(labels, model.predict(shop["test"]))
            figures = found[model.kind, case[0], case[1], name]
            for figure in FIGURES:
                figures[figure].append(judged[figure])
            figures["rounds"].append(model.learner.rounds or 0)


def _world(root: Path, *, target: str, seed: int, users: int) -> Splits:
    assignments = (*TARGETS[target], f"dataset.num_users={users}", f"dataset.random_seed={seed}")
    program = Program(root / f"{target}_{users}_{seed}", assignments=assignments)
    program.run("run", "generate", "sessionize", "split", "features")
    return program.splits()


def _write(found: Found, path: Path | None) -> None:
    if path is not None:
        names = ("model", "target", "positives", "variant")
        rows = [dict(zip(names, key, strict=True)) | of for key, of in found.items()]
        path.write_text(json.dumps(rows, indent=1) + "\n")


def _table(found: Found, first: str) -> Iterator[str]:
    yield f"mean over shops; in brackets the paired difference from {first!r} and half its 95 % interval"
    for (kind, target, positives, variant), figures in sorted(found.items()):
        start = found[kind, target, positives, first]
        cells = [_cell(figures[figure], start[figure]) for figure in FIGURES]
        ended = f"n={len(figures['rounds']):<3} {np.mean(figures['rounds']):4.0f} rounds"
        yield f"{kind:<9} {target:<10} {positives:>5} {variant:<20} {ended}  {'  '.join(cells)}"


def _cell(values: list[float], start: list[float]) -> str:
    gained = over_seeds([value - other for value, other in zip(values, start, strict=True)])
    mean, high = gained["mean"] or 0.0, gained["high"]
    reach = 0.0 if high is None else high - mean
    return f"{np.mean(values):.4f} ({mean:+.4f} ±{reach:.4f})"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--positives", nargs="+", type=int, default=[50, 100, 200, 500], help="in training")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(10)), help="of the worlds")
    parser.add_argument("--users", type=int, default=3_000, help="of a world")
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--models", nargs="+", default=["xgboost", "lightgbm"])
    parser.add_argument(
        "--variant", action="append", nargs="+", default=[], metavar=("NAME", "KEY=VALUE"), help="repeatable"
    )
    parser.add_argument("--workspaces", type=Path, metavar="DIR", help="keeps them, and reuses what is up to date")
    parser.add_argument("--json", type=Path, metavar="PATH", help="writes the figure of every shop there")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
