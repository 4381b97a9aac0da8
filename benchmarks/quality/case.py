"""Train one booster once, in this process of its own, and print what it took as one line of JSON.

`ours` is `train_models` from the feature frames to the calibrated model. `bare` is the booster's own `train` with the
same parameters on the same matrix, for as many rounds, with
the booster's own average precision on the stop rows after each of them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from unittest.mock import patch

import lightgbm as lgb
import xgboost as xgb

from purchase_pred.models import train_models, training
from purchase_pred.models.learners.learner import native_names
from purchase_pred.models.learners.lightgbm_learner import lightgbm_parameters
from purchase_pred.models.learners.xgboost_learner import xgboost_parameters
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.feature_files import read_split
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from purchase_pred.models.learners.learner import FitRows
    from purchase_pred.settings import Settings


class CapturedError(Exception):
    """Carries the rows that a learner was about to be fitted on."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the feature files, train once, and print seconds, rounds and the size of the matrix."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=["ours", "bare"])
    parser.add_argument("kind", choices=["lightgbm", "xgboost"])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--rounds", type=int, default=0, help="bare: how many to train")
    parser.add_argument("--set", action="append", default=[], help="settings, as for the program")
    options = parser.parse_args(arguments)
    settings = resolve_settings(assignments=[*options.set, f"train.models=[{options.kind}]"]).settings
    workspace = Workspace(options.workspace)
    train, val = (read_split(workspace, settings, split).collect() for split in ("train", "val"))
    rows = captured_rows(train, val, settings)
    if options.case == "ours":
        models, report = timed(lambda: train_models(train, val, settings=settings))
        stopped = models[0].learner.rounds + settings.train.early_stopping_rounds
        most = getattr(settings.train, options.kind).max_rounds
        report["rounds"] = min(stopped, most)
    else:
        bare = {"lightgbm": bare_lightgbm, "xgboost": bare_xgboost}[options.kind]
        _, report = timed(lambda: bare(rows, options.rounds))
        report["rounds"] = options.rounds
    print(json.dumps({**report, "rows": rows.matrix.shape[0], "columns": rows.matrix.shape[1]}))


def captured_rows(train: pl.DataFrame, val: pl.DataFrame, settings: Settings, /) -> FitRows:
    """Return the matrix, labels and weights that `train_models` hands to the learner."""

    def capture(rows: FitRows) -> NoReturn:
        raise CapturedError(rows)

    with patch.dict(training.FITTERS, dict.fromkeys(training.FITTERS, capture)):
        try:
            train_models(train, val, settings=settings)
        except CapturedError as captured:
            rows: FitRows = captured.args[0]
            return rows
    raise AssertionError


def bare_lightgbm(rows: FitRows, rounds: int, /) -> lgb.Booster:
    """Train as LightGBM's own documentation does."""
    parameters = lightgbm_parameters(rows)
    weights = rows.weights_with(rows.positive_weight(rows.settings.lightgbm.positive_weight))
    train = lgb.Dataset(
        rows.matrix,
        label=rows.labels,
        weight=weights,
        feature_name=native_names(rows.spec),
        categorical_feature=list(rows.spec.categorical),
    )
    stop = lgb.Dataset(rows.stop_matrix, label=rows.stop_labels, reference=train)
    return lgb.train(parameters, train, num_boost_round=rounds, valid_sets=[stop])


def bare_xgboost(rows: FitRows, rounds: int, /) -> xgb.Booster:
    """Train as XGBoost's own documentation does."""
    parameters = xgboost_parameters(rows.settings, rows.spec) | {
        "scale_pos_weight": rows.positive_weight(rows.settings.xgboost.positive_weight),
        "disable_default_eval_metric": 0,
        "eval_metric": "aucpr",
    }
    columns: dict[str, Any] = {
        "feature_types": ["q" if feature.categories is None else "c" for feature in rows.spec.features],
        "enable_categorical": True,
        "nthread": rows.settings.threads,
    }
    train = xgb.QuantileDMatrix(
        rows.matrix, label=rows.labels, weight=rows.weights, max_bin=rows.settings.xgboost.max_bin, **columns
    )
    stop = xgb.DMatrix(rows.stop_matrix, label=rows.stop_labels, **columns)
    return xgb.train(parameters, train, num_boost_round=rounds, evals=[(stop, "stop")], verbose_eval=False)


def timed(train: Callable[[], Any], /) -> tuple[Any, dict[str, Any]]:
    """Return what a function returned, and its wall and processor seconds."""
    start, start_cpu = time.perf_counter(), time.process_time()
    trained = train()
    return trained, {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - start_cpu}


if __name__ == "__main__":
    main()
