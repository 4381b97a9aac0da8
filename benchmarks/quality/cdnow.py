"""CDNOW: who buys within the next 30 days, beside rival models that use recency and frequency alone."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from benchmarks.quality.histories import buy_till_you_die, recency_frequency
from benchmarks.quality.intervals import interval, over_users
from benchmarks.quality.program import BOOSTERS, Program, best_on_validation
from purchase_pred.metrics import metrics
from purchase_pred.models.calibration import calibration_line, fit_calibrator
from purchase_pred.models.rows.design_matrix import label_vector
from purchase_pred.pipeline.engine.workspace import SESSIONIZED_FILE
from purchase_pred.schema import EVENT_TYPE, LABEL, PREDICTION_TIME, PURCHASE, TIMESTAMP, USER_ID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.quality import Plan
    from purchase_pred.models import FittedModel

SETTINGS: Final = Path(__file__).parent / "cdnow.yaml"
RIVALS: Final = ("recency/frequency", "recency/frequency/age", "BG/NBD")
_DISTRIBUTION: Final = "lifetimes==0.11.3"
_MEMBER: Final = "lifetimes/datasets/CDNOW_master.txt"
_DAYS: Final = 30.0


def beside_rivals(plan: Plan, /) -> dict[str, Any]:
    """Return how all models and rivals do on the same test rows, with paired differences, and how well calibrated."""
    program = Program(plan.workspaces / "cdnow", files=(SETTINGS,), assignments=("train.random_seed=42",))
    program.ingest("cdnow", fetched(plan))
    program.run("run", "all", "--skip-data-gen")
    splits, models, documents = program.splits(), program.models(), program.documents()
    test, labels = splits["test"], label_vector(splits["test"])
    purchases = pl.read_parquet(program.workspace.path(SESSIONIZED_FILE)).filter(pl.col(EVENT_TYPE) == PURCHASE)
    said = {kind: model.predict(test) for kind, model in models.items()}
    said |= {
        RIVALS[0]: recency_frequency(splits, purchases, with_age=False),
        RIVALS[1]: recency_frequency(splits, purchases, with_age=True),
        RIVALS[2]: buy_till_you_die(test, purchases.select(USER_ID, TIMESTAMP), days=_DAYS),
    }
    users = test[USER_ID].rank("dense").cast(pl.Int64).to_numpy() - 1
    draws = over_users(users, labels, said, probabilities=list(said), resamples=plan.resamples)
    chosen, booster = best_on_validation(documents), best_on_validation(documents, BOOSTERS)
    return {
        "rows": test.height,
        "positives": int(labels.sum()),
        "train_rows": splits["train"].height,
        "prevalence": {name: float(label_vector(frame).mean()) for name, frame in splits.items()},
        "chosen": chosen,
        "booster": booster,
        "models": [_row(name, labels, p, draws[name], documents) for name, p in said.items()],
        "differences": [
            {"ours": ours, "rival": rival, "figure": figure}
            | interval((draws[ours][figure] - draws[rival][figure]) * (-1.0 if figure == "log_loss" else 1.0))
            for ours in dict.fromkeys((chosen, booster))
            for rival in RIVALS
            for figure in ("average_precision", "log_loss")
        ],
        "months": _months(test, said),
        "calibrations": _calibrations(models[chosen], splits),
    }


def fetched(plan: Plan, /) -> Path:
    """Return the log: the one that was named, or from the published wheel that contains it."""
    if plan.cdnow:
        return plan.cdnow
    folder = plan.workspaces
    log = folder / "CDNOW_master.txt"
    if not log.is_file():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*pip, "--dest", str(folder), _DISTRIBUTION], check=True)
        wheel = next(folder.glob("[Ll]ifetimes-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            log.write_bytes(archive.read(_MEMBER))
    return log


def _row(
    name: str,
    labels: NDArray[np.uint8],
    p: NDArray[np.float64],
    draws: dict[str, Any],
    documents: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    found = metrics(labels, p)
    slope, intercept = calibration_line(labels, np.log(p) - np.log1p(-p)) or (None, None)
    return {
        "name": name,
        "validation_average_precision": documents[name]["splits"]["val"]["average_precision"]
        if name in documents
        else None,
        "average_precision": interval(draws["average_precision"]),
        "log_loss": interval(draws["log_loss"]),
        "ece": found["ece"],
        "slope": slope,
        "intercept": intercept,
        "predicted_over_observed": float(p.mean() / labels.mean()),
    }


def _months(test: pl.DataFrame, said: dict[str, NDArray[np.float64]]) -> list[dict[str, Any]]:
    """Return for each T of test the share that bought and the share that each model expected."""
    table = test.select(PREDICTION_TIME, LABEL).with_columns(pl.Series(name, p) for name, p in said.items())
    means = table.group_by(PREDICTION_TIME).agg(pl.col(LABEL, *said).mean()).sort(PREDICTION_TIME)
    return [
        {
            "from": row[PREDICTION_TIME].date().isoformat(),
            "observed": row[LABEL],
            "predicted": {name: row[name] for name in said},
        }
        for row in means.to_dicts()
    ]


def _calibrations(model: FittedModel, splits: dict[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """Return the figures on test of the chosen model with other calibrations."""
    val, test = splits["val"], splits["test"]
    latest = val.filter(pl.col(PREDICTION_TIME) == pl.col(PREDICTION_TIME).max())
    raw = model.log_odds(test)
    ways = {
        "as trained": model.calibrator,
        "none": fit_calibrator("none", model.log_odds(val), label_vector(val)),
        "Platt on validation": fit_calibrator("platt", model.log_odds(val), label_vector(val)),
        "Platt on its latest month": fit_calibrator("platt", model.log_odds(latest), label_vector(latest)),
    }
    rows = []
    for way, calibrator in ways.items():
        found = metrics(label_vector(test), calibrator.probabilities(raw))
        said = float(calibrator.probabilities(raw).mean()) / found["prevalence"]
        rows.append(
            {
                "calibration": way,
                "method": calibrator.method,
                "ece": found["ece"],
                "log_loss": found["log_loss"],
                "predicted_over_observed": said,
            }
        )
    return rows
