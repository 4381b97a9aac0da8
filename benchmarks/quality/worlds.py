"""The default world: over seeds, and by the number of its users."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from benchmarks.quality.intervals import over_seeds
from benchmarks.quality.program import BOOSTERS, Program, best_on_validation
from purchase_pred.metrics import average_precision
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.pipeline.tasks.ceiling import true_probabilities

if TYPE_CHECKING:
    from benchmarks.quality import Plan

RULES: Final = ("carted_not_bought", "recency")
INFERRED: Final = "ceiling_inferred_abandonment"
_CURVE_MODEL: Final = "lightgbm"


@cache
def world(plan: Plan, /, *, seed: int, users: int | None = None, models: tuple[str, ...] = ()) -> Program:
    """Run the whole pipeline on a world and return it; what is up to date is not made again."""
    size = plan.users if users is None else users
    assignments = (
        *plan.assignments,
        f"dataset.num_users={size}",
        f"dataset.random_seed={seed}",
        f"train.random_seed={seed}",
        *([f"train.models=[{', '.join(models)}]"] if models else []),
    )
    print(f"  world of {size:,} users, seed {seed}", file=sys.stderr, flush=True)
    program = Program(plan.workspaces / f"world_{size}_{seed}", assignments=assignments)
    program.run("run", "all")
    return program


def over_worlds(plan: Plan, /) -> dict[str, Any]:
    """Return what all models, the rules and the ceiling reach on test, in each seed's world and over them."""
    rows = [_of_seed(plan, seed) for seed in plan.seeds]
    figures: dict[str, list[float]] = {
        **{name: [row["average_precision"][name] for row in rows] for name in rows[0]["average_precision"]},
        "share_of_ceiling": [row["booster"] / row["average_precision"]["ceiling"] for row in rows],
        "share_inferred_abandonment": [row["booster"] / row["average_precision"][INFERRED] for row in rows],
        "best booster": [row["booster"] for row in rows],
        "best rule": [row["rule"] for row in rows],
        "booster - logistic": [row["booster"] - row["average_precision"]["logistic"] for row in rows],
        "logistic - rule": [row["average_precision"]["logistic"] - row["rule"] for row in rows],
        "ece": [row["ece"] for row in rows],
        "log_loss": [row["log_loss"] for row in rows],
    }
    return {"users": plan.users, "seeds": rows, "over_seeds": {name: over_seeds(of) for name, of in figures.items()}}


def learning_curve(plan: Plan, /) -> dict[str, Any]:
    """Return what one booster reaches beside the ceiling as the users of the world grow."""
    rows = []
    for factor in plan.factors:
        users = max(1, round(plan.users * factor))
        program = world(plan, seed=plan.seeds[0], users=users, models=(_CURVE_MODEL,))
        test = program.documents()[_CURVE_MODEL]["splits"]["test"]
        ceiling = program.ceiling(_CURVE_MODEL)["average_precision"]
        reached = test["average_precision"]
        rows.append(
            {
                "users": users,
                "train_rows": program.documents()[_CURVE_MODEL]["splits"]["train"]["rows"],
                "test_positives": test["positives"],
                "average_precision": reached,
                "ceiling": ceiling,
                "share_of_ceiling": reached / ceiling,
                "ece": test["ece"],
            }
        )
    return {"model": _CURVE_MODEL, "seed": plan.seeds[0], "sizes": rows}


def _ceiling_inferred_abandonment(program: Program) -> float:
    """Return the PR-AUC on test of the upper bound that infers from silence which needs were given up."""
    test = program.splits()["test"]
    found = true_probabilities(program.workspace, program.settings, test, abandonment="inferred")
    return average_precision(label_vector(test), found)


def _of_seed(plan: Plan, seed: int) -> dict[str, Any]:
    program = world(plan, seed=seed)
    documents = program.documents()
    best = best_on_validation(documents, BOOSTERS)
    test = documents[best]["splits"]["test"]
    reached = {kind: document["splits"]["test"]["average_precision"] for kind, document in documents.items()}
    rules = {name: documents[best]["baselines"][name]["average_precision"] for name in RULES}
    ceiling = program.ceiling(best)
    return {
        "seed": seed,
        "rows": test["rows"],
        "positives": test["positives"],
        "average_precision": {
            "ceiling": ceiling["average_precision"],
            INFERRED: _ceiling_inferred_abandonment(program),
            **reached,
            **rules,
        },
        "best": best,
        "booster": reached[best],
        "rule": max(rules.values()),
        "ece": test["ece"],
        "log_loss": test["log_loss"],
        "ceiling_log_loss": ceiling["log_loss"],
    }
