"""Scores as of a moment: every prediction whose time has come and whose answer is still open."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.durations import duration_name, parse_duration
from purchase_pred.errors import InputError
from purchase_pred.evaluation.explain import explain
from purchase_pred.models import load_model
from purchase_pred.models.rows.categories import unseen_categories
from purchase_pred.pipeline.tasks.scoring.known_log import moment_text
from purchase_pred.pipeline.tasks.scoring.open_predictions import open_predictions
from purchase_pred.pipeline.tasks.scoring.score_list import (
    EXPECTED_SPEND,
    PRICE_NOW,
    PROBABILITY,
    REASON,
    SCORE,
    ListRules,
    chosen_scores,
)
from purchase_pred.prediction_rows import target_keys
from purchase_pred.schema import LABEL_END, PREDICTION_TIME, USER_ID, instant
from purchase_pred.settings.carried import adopted_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from purchase_pred.execution.open_features import OpenPredictions
    from purchase_pred.models.fitted import FittedModel
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings.loading import ResolvedSettings

_LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ScoreList:
    """The scores that were asked for, out of all."""

    rows: pl.DataFrame
    """As `score` returns them."""
    scored: int
    """How many predictions are open, and so were scored."""
    as_of: datetime
    """The moment before which events are known."""


def score(
    workspace: Workspace,
    resolved: ResolvedSettings,
    /,
    *,
    model: Path,
    as_of: datetime | None,
    rules: ListRules | None = None,
    warns: Callable[[str], None] = _LOGGER.warning,
) -> ScoreList:
    """Return the scores that a model gives with what was known before a moment.

    Which predictions they are, `purchase_pred.prediction_rows` tells by the rule that training has its rows from. The
    settings that rows and features depend on are the model's own. Features are held of some users at a time, scores of
    all.

    Parameters
    ----------
    workspace
        Holds the sessionized log, and catalog and users if there are any.
    resolved
        The settings, and where each value came from.
    model
        The folder of a model.
    as_of
        Events before this moment, strictly, are known; None: all events.
    rules
        Which of the scores are wanted; None: all.
    warns
        Is told what the user should know and what stops nothing.

    Returns
    -------
    list
        Its rows: the keys of the target, ``prediction_time``, ``label_end``, ``score`` (Float64, the calibrated
        probability), of a model trained with `target.horizons` ``probability_1d`` and the like (null where the window
        of that horizon is over at the moment), with `target.value` ``expected_spend`` (Float64), and the columns that
        `chosen_scores` adds, the highest first, ties by key; with reasons ``reason_1``, ``reason_2`` ... (String), the
        largest first.

    Raises
    ------
    InputError
        There is no event before the moment, or no prediction is open at it, or the inputs do not belong together.
    ConfigError
        The settings give another value than the model was trained with.
    BundleError
        The model cannot be loaded, or takes other features.
    """
    fitted, rules = load_model(model), rules or ListRules()
    settings = adopted_settings(resolved, fitted.feature_settings, owner=str(model))
    predictions = open_predictions(workspace, settings, as_of=as_of, warns=warns)
    keys = target_keys(settings)
    scored = _scored(predictions, fitted, keys)
    tell_unseen(scored, fitted, warns=warns)
    scores = scored.drop(_categories(fitted))
    chosen = chosen_scores(
        scores, predictions.known.events, rules=rules, keys=keys, as_of=predictions.known.as_of, model=fitted.name
    ).collect()
    if rules.reasons:
        chosen = _with_reasons(chosen, predictions, fitted, [*keys, PREDICTION_TIME], rules.reasons)
    return ScoreList(chosen, scores.height, predictions.known.as_of)


def tell_unseen(rows: pl.DataFrame, model: FittedModel, /, *, warns: Callable[[str], None]) -> None:
    """Warn of each category feature with values that the model has not learnt, and how many rows it reads as missing.

    `rows` need have no other features than those.
    """
    for name, count, values in unseen_categories(rows, model.spec).iter_rows():
        warns(
            f"{name}: {count:,} of {rows.height:,} rows hold a category that {model.name} has not learnt "
            f"({', '.join(map(repr, values))}), which it takes as missing; training anew on the later log learns it"
        )


def _categories(fitted: FittedModel) -> list[str]:
    return [feature.name for feature in fitted.spec.features if feature.categories is not None]


def _scored(predictions: OpenPredictions, fitted: FittedModel, keys: Sequence[str]) -> pl.DataFrame:
    """Return the keys of all rows, their scores and whatever else is told of them: price and categories."""
    known = predictions.known
    wanted = [*keys, PREDICTION_TIME, LABEL_END, PRICE_NOW, *_categories(fitted)]
    parts = [
        features.select(name for name in wanted if name in features.columns).with_columns(
            _said(fitted, features, known.as_of)
        )
        for features in predictions.features()
    ]
    if not any(part.height for part in parts):
        horizon = duration_name(known.settings.target.horizon)
        raise InputError(
            f"no prediction is open at {moment_text(known.as_of)}: no prediction point of the {horizon} before "
            "it is undecided; choose another --as-of"
        )
    return pl.concat(parts)


def _said(fitted: FittedModel, features: pl.DataFrame, as_of: datetime) -> list[pl.Expr]:
    """Return the scores, of several horizons each that is not over, and of a model of amounts the expected spend."""
    said = [pl.lit(pl.Series(SCORE, fitted.predict(features)))]
    if fitted.nearer:
        for name, found in fitted.predict_horizons(features).items():
            still_open = pl.col(PREDICTION_TIME) + parse_duration(name) > instant(as_of, what="as_of")
            said.append(pl.when(still_open).then(pl.lit(pl.Series(found))).alias(f"{PROBABILITY}_{name}"))
    spend = fitted.predict_spend(features)
    return said if spend is None else [*said, pl.lit(pl.Series(EXPECTED_SPEND, spend))]


def _with_reasons(
    chosen: pl.DataFrame, predictions: OpenPredictions, fitted: FittedModel, keys: Sequence[str], count: int
) -> pl.DataFrame:
    """Add the largest contributions to each row; the features of its users are made again, as they were not kept."""
    names = [f"{REASON}_{number}" for number in range(1, 1 + min(count, len(fitted.spec.names)))]
    parts = [chosen.select(keys).clear()]
    for features in predictions.features(of=chosen.select(USER_ID).unique()):
        rows = features.join(chosen, on=keys, how="semi", maintain_order="left")
        found = explain(fitted, rows, top=count)
        told = [[reason.sentence for reason in one.contributions] for one in found]
        reasons = pl.DataFrame(told, schema=dict.fromkeys(names, pl.String), orient="row")
        parts.append(pl.concat([rows.select(keys), reasons], how="horizontal"))
    told_once = pl.concat(parts, how="diagonal").unique(keys)  # points at one moment within a session may be the same
    return chosen.join(told_once, on=keys, how="left", maintain_order="left")
