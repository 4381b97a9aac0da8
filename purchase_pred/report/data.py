"""What the report shows: every table of it, computed once, before anything is drawn."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from purchase_pred.evaluation.baselines import attention_name, attention_rule, cart_rule
from purchase_pred.evaluation.calibration_table import calibration_table, reliability_table
from purchase_pred.evaluation.cohorts import cohort_table
from purchase_pred.evaluation.comparison import CEILING, comparison_table
from purchase_pred.evaluation.curves import earliness_table, score_histogram, threshold_curve
from purchase_pred.evaluation.importance import feature_importance
from purchase_pred.evaluation.red_flags import data_red_flags, model_red_flags
from purchase_pred.evaluation.scored import scored_splits
from purchase_pred.evaluation.spend import money_curve, spend_of
from purchase_pred.report.tables import (
    SWARM_ROWS,
    budget_table,
    decision_table,
    split_table,
    swarm_table,
    weekly_prevalence,
)
from purchase_pred.report.words import wording
from purchase_pred.schema import PREDICTION_TIME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    import polars as pl
    from numpy.typing import NDArray

    from purchase_pred.evaluation.scored import ScoredSplit
    from purchase_pred.models.fitted import FittedModel
    from purchase_pred.models.rows.feature_rows import FeatureRows
    from purchase_pred.settings import Settings
    from purchase_pred.wording import Wording

SWARM_FEATURES: Final = 12
"""Features whose SHAP values are drawn row by row."""

_SHAP_ROWS: Final = 1_000
_LIBRARIES: Final = ("purchase-pred", "polars", "numpy", "scikit-learn", "lightgbm", "xgboost")


@dataclass(frozen=True)
class ReportSource:
    """What is known of the log behind the feature frames."""

    log: Mapping[str, Any]
    """The one row of `log_table`."""
    boundaries: Sequence[datetime]
    """Start, end of train, end of validation, end: as `split_boundaries` has them."""
    purged: Mapping[str, int]
    """Rows purged from each split, as far as known."""
    origin: str
    """Where the log comes from, as the end of the sentence "The log was ..."."""
    settings: Mapping[str, Any]
    """The settings behind features and model, by dotted key."""
    fingerprints: Mapping[str, str]
    """File to the fingerprint of its content."""
    users: pl.DataFrame | None = None
    """Users with `persona`, if they have any."""
    embargo: timedelta = timedelta()
    """How long after its boundary validation and test begin to take rows."""


@dataclass(frozen=True)
class ReportData:
    """The tables of one report; nothing in it depends on when it was made."""

    document: Mapping[str, Any]
    """The document of `metrics.json`."""
    source: ReportSource
    training: Mapping[str, Any]
    """Rows, positives and rounds of the training."""
    calibrator: str
    """The method of calibration."""
    comparison: pl.DataFrame
    best: str
    """The model of the comparison that is best on validation."""
    splits: pl.DataFrame
    weeks: pl.DataFrame
    curves: Mapping[str, pl.DataFrame]
    """Threshold curves on test: first the model, then whatever else ranks."""
    decisions: pl.DataFrame
    budgets: pl.DataFrame
    days: int
    """UTC days with a row of test."""
    date: date | None
    """The day, where there is one alone: then nothing is per day."""
    profit: Mapping[str, float]
    """What one decision of each kind is worth."""
    calibration: pl.DataFrame
    reliability: Mapping[str, pl.DataFrame]
    """Before and after calibration."""
    histogram: pl.DataFrame
    earliness: pl.DataFrame | None
    importance: pl.DataFrame
    left_out: Sequence[str]
    """Features of the frames that the model does not see."""
    swarm: pl.DataFrame
    cohorts: pl.DataFrame
    money: Mapping[str, pl.DataFrame]
    """Curves of the money captured on test: by expected spend, by probability, by what was spent; or none."""
    flags: pl.DataFrame
    versions: Mapping[str, str]

    @property
    def words(self) -> Wording:
        """How a positive row is spoken of."""
        return wording(self.document["target"])


def report_data(
    model: FittedModel,
    splits: Mapping[str, FeatureRows | ScoredSplit],
    document: Mapping[str, Any],
    /,
    *,
    source: ReportSource,
    settings: Settings,
    rivals: Sequence[Mapping[str, Any]] = (),
    logistic: FittedModel | None = None,
    flags: pl.DataFrame | None = None,
    truth: NDArray[np.float64] | None = None,
) -> ReportData:
    """Return all that the report of one model shows.

    Parameters
    ----------
    model
        The model that was judged.
    splits
        Feature frames of train, val and test, or what `scored_splits` made of them, as for `evaluate`.
    document
        What `evaluate` returned for them.
    source
        What is known of the log behind the frames.
    settings
        The settings tree; `train` is used.
    rivals
        What `evaluate` returned for other models of the same splits; they stand in the comparison.
    logistic
        The logistic baseline, for its curve; None: no curve of it.
    flags
        What `data_red_flags` found in the splits; None: it is asked.
    truth
        P(label | the simulator's hidden state) of each row of test, for the curve of the ceiling; None: no curve.

    Raises
    ------
    BundleError
        The features of a split are not those of the model.
    """
    scored = scored_splits([model, *([logistic] if logistic else [])], splits)
    split = scored["test"]
    test, labels, probabilities = split.rows, split.labels, split.probabilities(model)
    frames = {name: one.features for name, one in scored.items()}
    dates = test[PREDICTION_TIME].dt.date().unique().to_list()
    documents = [document, *(rival for rival in rivals if rival["model"] != document["model"])]
    importance = feature_importance(model, split.sample(_SHAP_ROWS))
    return ReportData(
        document=document,
        source=source,
        training=model.training,
        calibrator=model.calibrator.method,
        comparison=comparison_table(documents),
        best=max(documents, key=lambda one: one["splits"]["val"]["average_precision"] or 0.0)["model"],
        splits=split_table(frames, purged=source.purged),
        weeks=weekly_prevalence(frames),
        curves=_curves(model, split, logistic=logistic, truth=truth, settings=settings),
        decisions=decision_table(
            labels, probabilities, profit=settings.train.threshold.profit, chosen=document["threshold"]
        ),
        budgets=budget_table(test, probabilities),
        days=max(1, len(dates)),
        date=dates[0] if len(dates) == 1 else None,
        profit=settings.train.threshold.profit.model_dump(),
        calibration=calibration_table(model, {name: scored[name] for name in ("val", "test")}),
        reliability={
            "before": reliability_table(labels, split.uncalibrated(model)),
            "after": reliability_table(labels, probabilities),
        },
        histogram=score_histogram(labels, probabilities),
        earliness=earliness_table(test, probabilities) if model.target["anchors"] == "in_session" else None,
        importance=importance,
        left_out=model.spec.left_out,
        swarm=swarm_table(model, split.sample(SWARM_ROWS), features=importance["feature"][:SWARM_FEATURES].to_list()),
        cohorts=cohort_table(test, probabilities, train=frames["train"], users=source.users),
        money=_money_curves(model, split),
        flags=model_red_flags(
            model.name,
            document["splits"],
            flags=_data_flags(model, scored, settings) if flags is None else flags,
        ),
        versions={"Python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
    )


def _money_curves(model: FittedModel, split: ScoredSplit) -> dict[str, pl.DataFrame]:
    if model.amounts is None:
        return {}
    realised, expected = spend_of(model, split)
    ranked = {
        "expected": expected,
        "probability": split.probabilities(model)[~np.isnan(split.values)],
        "best": realised,
    }
    return {name: money_curve(realised, scores, points=200) for name, scores in ranked.items()}


def _data_flags(model: FittedModel, splits: Mapping[str, ScoredSplit], settings: Settings) -> pl.DataFrame:
    chance = settings.train
    return data_red_flags(splits, left_out=model.spec.left_out, seed=chance.random_seed, threads=chance.threads)


def _curves(
    model: FittedModel,
    split: ScoredSplit,
    *,
    logistic: FittedModel | None,
    truth: NDArray[np.float64] | None,
    settings: Settings,
) -> dict[str, pl.DataFrame]:
    test = split.rows
    scores: dict[str, NDArray[np.float64] | None] = {model.name: split.probabilities(model)}
    if logistic is not None and logistic.kind != model.kind:
        scores["logistic"] = split.probabilities(logistic)
    target = model.target
    scores |= {
        attention_name(target): attention_rule(test, target=target),
        "carted_not_bought": cart_rule(test, target=target),
        CEILING: truth,
    }
    labels, profit = split.labels, settings.train.threshold.profit
    return {
        name: threshold_curve(labels, score, profit=profit, points=200)
        for name, score in scores.items()
        if score is not None
    }
