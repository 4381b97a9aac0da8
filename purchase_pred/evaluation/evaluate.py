"""The evaluation of one model on its splits, beside the baselines: the document of `metrics.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from purchase_pred.evaluation.baselines import RECENCY, attention_rule, cart_rule
from purchase_pred.evaluation.horizons import horizon_metrics
from purchase_pred.evaluation.scored import ScoredSplit, scored_splits
from purchase_pred.evaluation.spend import SPEND, spend_document
from purchase_pred.evaluation.user_ranking import RANKING, ranking_document
from purchase_pred.execution.memory import PROGRAM_BYTES, memory_limit
from purchase_pred.metrics import metrics
from purchase_pred.models.rows.feature_rows import labels_of
from purchase_pred.models.thresholds import threshold_report
from purchase_pred.models.training import train_models
from purchase_pred.schema import USER_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from purchase_pred.models.fitted import FittedModel
    from purchase_pred.models.rows.feature_rows import FeatureRows
    from purchase_pred.settings import Settings

SCHEMA_VERSION: Final = 1


def evaluate(
    model: FittedModel,
    splits: Mapping[str, FeatureRows | ScoredSplit],
    /,
    *,
    settings: Settings,
    logistic: FittedModel | None = None,
    truth: NDArray[np.float64] | None = None,
) -> dict[str, Any]:
    """Return how good a model is on each split, beside the baselines and, if known, the ceiling.

    Parameters
    ----------
    model
        The model to judge.
    splits
        Feature frames of `train`, `val` and `test`, in memory or lazy (then read block by block); or what
        `scored_splits` made of them, with the scores of `model`, and of `logistic` on test.
    settings
        The settings tree; `train.threshold` says how the threshold is chosen.
    logistic
        The logistic model that serves as a baseline; none: `model` itself if it is one, else one is trained.
    truth
        P(label | the simulator's hidden state) of each row of test; none: no ceiling.

    Returns
    -------
    document
        `schema_version`, `model`, `target`, `splits` (metrics of each), `baselines` (metrics on test), `ceiling`
        (metrics of `truth` on test, or None), `threshold` (chosen on val, applied to val and test) and, at level
        `user_item`, `ranking` (see `ranking_document`: model and rules per user on test); of a model with amounts
        `spend` (see `spend_document`), of one with several horizons `horizons` (metrics of each on test). The metrics
        are those of `purchase_pred.metrics.metrics`. `carted_not_bought` and `recency` (within sessions: the most
        viewed, of churn: the longest silence, see `attention_rule`) are scores and no probabilities: their log_loss,
        brier and ece are None. `prevalence` predicts the share of positives in train for every row. A rule whose
        columns are absent, or that says nothing about the target, has None for everything but the counts.

    Raises
    ------
    BundleError
        The features of a split are not those of the model.
    """
    if logistic is None:
        logistic = model if model.kind == "logistic" else _train_logistic(splits, settings)
    scored = scored_splits([model], splits)
    probabilities = {name: split.probabilities(model) for name, split in scored.items()}
    test, labels = scored["test"].rows, scored["test"].labels
    rules = {
        "carted_not_bought": cart_rule(test, target=model.target),
        RECENCY: attention_rule(test, target=model.target),
    }
    prevalence = model.training["positives"] / model.training["rows"]
    document = {
        "schema_version": SCHEMA_VERSION,
        "model": model.name,
        "target": model.target,
        "splits": {name: _split_metrics(split, probabilities[name]) for name, split in scored.items()},
        "baselines": {
            "prevalence": metrics(labels, np.full(test.height, prevalence)),
            **{name: _rule_metrics(labels, found) for name, found in rules.items()},
            "logistic": metrics(labels, _baseline(scored["test"], logistic, model)),
        },
        "ceiling": None if truth is None else metrics(labels, truth),
        "threshold": threshold_report(
            scored["val"].rows, probabilities["val"], test, probabilities["test"], settings=settings.train
        ),
    }
    spend = spend_document(model, scored)
    if spend is not None:
        document[SPEND] = spend
    if model.nearer:
        document["horizons"] = horizon_metrics(model, scored["test"].features, test)
    if model.target["level"] == "user_item":
        document[RANKING] = ranking_document(test[USER_ID], labels, {"model": probabilities["test"], **rules})
    return document


def _baseline(test: ScoredSplit, logistic: FittedModel, model: FittedModel) -> NDArray[np.float64]:
    if logistic is model or (logistic.name != model.name and logistic.name in test.log_odds):
        return test.probabilities(logistic)
    return logistic.predict(test.features)


def _split_metrics(split: ScoredSplit, probabilities: NDArray[np.float64]) -> dict[str, Any]:
    """Return the metrics of a split, and of one of which a sample was scored its own counts and the sample's rows."""
    found = metrics(split.labels, probabilities)
    if not split.is_sample:
        return found
    labels = labels_of(split.features)
    positives = int(labels.sum())
    counted = {"rows": len(labels), "positives": positives, "prevalence": positives / len(labels)}
    return {**found, **counted, "sampled_rows": split.rows.height}


def _train_logistic(splits: Mapping[str, FeatureRows | ScoredSplit], settings: Settings) -> FittedModel:
    alone = settings.model_copy(update={"train": settings.train.model_copy(update={"models": ("logistic",)})})
    train, val = (
        split.features if isinstance(split := splits[name], ScoredSplit) else split for name in ("train", "val")
    )
    memory = memory_limit(settings.execution) - PROGRAM_BYTES
    return train_models(train, val, settings=alone, memory=memory)[0]


def _rule_metrics(labels: NDArray[np.uint8], scores: NDArray[np.float64] | None) -> dict[str, Any]:
    if scores is not None:
        return metrics(labels, scores, probabilities=False)
    counted = ("rows", "positives", "prevalence")
    known = metrics(labels, np.zeros(len(labels)), probabilities=False)
    return {name: value if name in counted else None for name, value in known.items()}
