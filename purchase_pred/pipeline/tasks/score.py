"""Scores as of a moment: every prediction whose time has come and whose answer is still open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import ConfigError, InputError
from purchase_pred.evaluation.explain import explain
from purchase_pred.features import build_features, describe_features
from purchase_pred.models import load_bundle
from purchase_pred.models.training import describe_target
from purchase_pred.pipeline.engine.parquet import scan, scan_if_there
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, SESSIONIZED_FILE, USERS_FILE
from purchase_pred.prediction_rows import prediction_rows, target_keys
from purchase_pred.schema import (
    CATALOG,
    ITEM_ID,
    LABEL_END,
    PREDICTION_TIME,
    SESSIONIZED,
    TIME_DTYPE,
    TIMESTAMP,
    USER_ID,
    USERS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from purchase_pred.evaluation.explain import Explanation
    from purchase_pred.models import FittedModel
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings

SCORE: Final = "score"
_TICK: Final = timedelta(microseconds=1)


def score(workspace: Workspace, settings: Settings, /, *, model: Path, as_of: datetime | None) -> pl.DataFrame:
    """Return the scores that a model gives with what was known before a moment.

    Which they are, `purchase_pred.prediction_rows` tells by the rule that training has its rows from.

    Parameters
    ----------
    workspace
        Holds the sessionized log, and catalog and users if there are any.
    settings
        Must be those the model was trained with, as far as they concern target and features.
    model
        The folder of a model.
    as_of
        Events before this moment, strictly, are known; None: all events.

    Returns
    -------
    scores
        The keys of the target, ``prediction_time``, ``label_end`` and ``score`` (Float64, the calibrated probability),
        the highest first, ties by key.

    Raises
    ------
    InputError
        There is no event before the moment, or no prediction is open at it.
    ConfigError
        The model predicts another target than the settings name.
    BundleError
        The model cannot be loaded, or takes other features.
    """
    fitted, features = open_predictions(workspace, settings, model=model, as_of=as_of)
    keys = target_keys(settings)
    scores = features.select(*keys, PREDICTION_TIME, LABEL_END)
    return scores.with_columns(pl.Series(SCORE, fitted.predict(features))).sort(
        SCORE, *keys, descending=[True, *(False for _ in keys)]
    )


def open_predictions(
    workspace: Workspace, settings: Settings, /, *, model: Path, as_of: datetime | None
) -> tuple[FittedModel, pl.DataFrame]:
    """Return a model and the feature rows of the predictions that are open at a moment.

    Parameters and errors are those of `score`.
    """
    fitted = load_bundle(model)
    asked = describe_target(settings)
    if fitted.target != asked:
        raise ConfigError(
            f"{model} predicts {_in_words(fitted.target)}, the settings ask for {_in_words(asked)}; "
            "give the settings it was trained with, or train again"
        )
    moment, known = _known(scan(workspace.path(SESSIONIZED_FILE), SESSIONIZED), as_of)
    features = build_features(
        prediction_rows(known, settings=settings, as_of=moment),
        known,
        catalog=scan_if_there(workspace.path(CATALOG_FILE), CATALOG),
        users=scan_if_there(workspace.path(USERS_FILE), USERS),
        settings=settings.features,
    ).collect()
    if features.is_empty():
        raise InputError(
            f"no prediction is open at {moment:%Y-%m-%d %H:%M:%S} UTC: no prediction point lies in the "
            f"{settings.target.horizon} before it; choose another --as-of"
        )
    return fitted, features


def explain_score(
    workspace: Workspace,
    settings: Settings,
    /,
    *,
    model: Path,
    as_of: datetime | None,
    user: str,
    item: str | None,
    top: int,
) -> Explanation:
    """Return why the score of a user, or of a user and an item, is what it is.

    Of several open predictions, such as those of two sessions, the latest is explained.

    Raises
    ------
    InputError
        No prediction is open for them at the moment; otherwise as `score`.
    """
    fitted, features = open_predictions(workspace, settings, model=model, as_of=as_of)
    asked = {USER_ID: user, **({ITEM_ID: item} if item is not None else {})}
    absent = asked.keys() - set(features.columns)
    if absent:
        raise InputError(f"predictions of level {settings.target.level} have no {', '.join(absent)}: leave it out")
    matches = (pl.col(name).cast(pl.String) == text for name, text in asked.items())
    rows = features.filter(*matches).sort(PREDICTION_TIME)
    if rows.is_empty():
        named = ", ".join(f"{name} {text}" for name, text in asked.items())
        raise InputError(
            f"no prediction is open for {named} among {features.height:,}; `purchase-pred score` lists those that are"
        )
    meanings = {name: f"{name} ({definition})" for name, definition in _definitions(settings)}
    return explain(fitted, rows.tail(1), top=top, meanings=meanings)[0]


def _definitions(settings: Settings) -> Iterable[tuple[str, str]]:
    return describe_features(settings.features).select("name", "definition").iter_rows()


def parse_moment(text: str, /) -> datetime:
    """Return a moment as people write it, in UTC where no zone is given.

    Raises
    ------
    ConfigError
        The text is no ISO 8601 date or time.

    Examples
    --------
    >>> parse_moment("2024-09-01").isoformat(), parse_moment("2024-09-01T12:00+02:00").isoformat()
    ('2024-09-01T00:00:00+00:00', '2024-09-01T10:00:00+00:00')
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"a moment is written 2024-09-01 or 2024-09-01T12:00:00Z, found {text!r}") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _known(sessionized: pl.LazyFrame, as_of: datetime | None) -> tuple[datetime, pl.LazyFrame]:
    first, last = sessionized.select(first=pl.col(TIMESTAMP).min(), last=pl.col(TIMESTAMP).max()).collect().row(0)
    moment = last + _TICK if as_of is None else as_of
    if first >= moment:
        raise InputError(f"no event is known before {moment:%Y-%m-%d %H:%M:%S} UTC: the log begins at {first}")
    return moment, sessionized.filter(pl.col(TIMESTAMP) < pl.lit(moment, dtype=TIME_DTYPE))


def _in_words(target: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in target.items() if value is not None)
