"""The first events of two real logs: enough to run the program on, too few to compare models by."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from benchmarks.quality.intervals import interval, over_users
from benchmarks.quality.program import BOOSTERS, Program, RefusedError, best_on_validation
from purchase_pred.evaluation import carted_not_bought, most_recent_view
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.schema import USER_ID

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.quality import Plan

REES46_FILE: Final = "rees46_2019-10_first_5000.csv"
OTTO_FILE: Final = "otto_20_users.jsonl"
RULES: Final = {"carted, not bought": carted_not_bought, "latest view": most_recent_view}
_HERE: Final = Path(__file__).parent
_VERDICT: Final = "Too small to judge"
_ADVICE: Final = re.compile(r"--set (\S+=\S+)")


def rees46(plan: Plan, /) -> dict[str, Any]:
    """Return how models and rules do within the sessions of the head of REES46."""
    return _judge(
        Program(plan.workspaces / "rees46", (_HERE / "rees46.yaml",)), "rees46", plan.heads / REES46_FILE, plan
    )


def otto(plan: Plan, /) -> dict[str, Any]:
    """Return the program's answer to the default target on the head of OTTO, and how models and rules do.

    Where the default target is refused, the one that the message suggests is used.

    Raises
    ------
    RefusedError
        The suggested target is refused as well.
    """
    log, program = plan.heads / OTTO_FILE, Program(plan.workspaces / "otto")
    program.ingest("otto", log)
    try:
        program.run("run", "all", "--skip-data-gen")
    except RefusedError as refused:
        said = str(refused)
        asked = replace(program, assignments=tuple(_ADVICE.findall(said)))
        return {"default_question": said, "asked": asked.assignments, **_judge(asked, "otto", log, plan)}
    return {"default_question": None, "asked": (), **_judge(program, "otto", log, plan)}


def _judge(program: Program, log_format: str, log: Path, plan: Plan) -> dict[str, Any]:
    program.ingest(log_format, log)
    printed = program.run("run", "all", "--skip-data-gen")
    documents, test = program.documents(), program.splits()["test"]
    labels = label_vector(test)
    scores: dict[str, NDArray[Any]] = {kind: model.predict(test) for kind, model in program.models().items()}
    scores |= {name: score for name, rule in RULES.items() if (score := rule(test)) is not None}
    users = test[USER_ID].rank("dense").cast(pl.Int64).to_numpy() - 1
    draws = over_users(users, labels, scores, probabilities=(), resamples=plan.resamples)
    precision = {name: found["average_precision"] for name, found in draws.items()}
    booster = best_on_validation(documents, BOOSTERS)
    buyers = test.filter(pl.Series(labels == 1))[USER_ID].n_unique()
    # Where one user has all positives, resampling users would only repeat what that one did.
    figure = interval if buyers > 1 else _figure
    return {
        "rows": test.height,
        "positives": int(labels.sum()),
        "train_positives": documents[booster]["splits"]["train"]["positives"],
        "users": int(users.max()) + 1,
        "buyers": buyers,
        "booster": booster,
        "chosen": best_on_validation(documents),
        "average_precision": {name: figure(found) for name, found in precision.items()},
        "differences": {rule: figure(precision[booster] - precision[rule]) for rule in RULES if rule in precision},
        "verdict": _verdict(printed),
    }


def _figure(draws: NDArray[np.float64]) -> dict[str, float | None]:
    return {"mean": float(draws[0]), "low": None, "high": None}


def _verdict(printed: str) -> str | None:
    """Return the sentence in which the program says that a log is too small; None: it does not say so."""
    text = " ".join(printed.split())
    start = text.find(_VERDICT)
    return None if start < 0 else text[start : text.index(".", start) + 1]
