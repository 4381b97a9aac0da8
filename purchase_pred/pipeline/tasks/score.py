"""Scores as of a moment: every prediction whose time has come and whose answer is still open."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.durations import parse_duration
from purchase_pred.errors import ConfigError, InputError
from purchase_pred.features import build_features
from purchase_pred.models import load_bundle
from purchase_pred.models.rows.categories import unseen_categories
from purchase_pred.models.rows.design_matrix import check_features
from purchase_pred.pipeline.engine.parquet import scan, scan_if_there
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, SESSIONIZED_FILE, USERS_FILE
from purchase_pred.pipeline.tasks.scoring_inputs import check_inputs
from purchase_pred.prediction_rows import prediction_rows, target_keys
from purchase_pred.schema import (
    CATALOG,
    LABEL_END,
    PREDICTION_TIME,
    SESSIONIZED,
    TIME_DTYPE,
    TIMESTAMP,
    USERS,
)
from purchase_pred.settings.carried import adopted_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from purchase_pred.models import FittedModel
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings
    from purchase_pred.settings.loading import ResolvedSettings

SCORE: Final = "score"
_TICK: Final = timedelta(microseconds=1)
_UNREMARKABLE: Final = timedelta(days=1)
"""A log may end so long before the moment without a word: a nightly run scores as of midnight."""
_YEARS: Final = range(1000, 9000)
_LOGGER: Final = logging.getLogger(__name__)


def score(
    workspace: Workspace,
    resolved: ResolvedSettings,
    /,
    *,
    model: Path,
    as_of: datetime | None,
    warns: Callable[[str], None] = _LOGGER.warning,
) -> pl.DataFrame:
    """Return the scores that a model gives with what was known before a moment.

    Which predictions they are, `purchase_pred.prediction_rows` tells by the rule that training has its rows from. The
    settings that rows and features depend on are the model's own.

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
    warns
        Is told what the user should know and what stops nothing.

    Returns
    -------
    scores
        The keys of the target, ``prediction_time``, ``label_end`` and ``score`` (Float64, the calibrated probability),
        the highest first, ties by key.

    Raises
    ------
    InputError
        There is no event before the moment, or no prediction is open at it, or the inputs do not belong together.
    ConfigError
        The settings give another value than the model was trained with.
    BundleError
        The model cannot be loaded, or takes other features.
    """
    fitted = load_bundle(model)
    settings = adopted_settings(resolved, fitted.feature_settings, owner=str(model))
    features = open_predictions(workspace, settings, as_of=as_of, warns=warns)
    tell_unseen(features, fitted, warns=warns)
    keys = target_keys(settings)
    scores = features.select(*keys, PREDICTION_TIME, LABEL_END)
    return scores.with_columns(pl.Series(SCORE, fitted.predict(features))).sort(
        SCORE, *keys, descending=[True, *(False for _ in keys)]
    )


def open_predictions(
    workspace: Workspace, settings: Settings, /, *, as_of: datetime | None, warns: Callable[[str], None]
) -> pl.DataFrame:
    """Return the feature rows of the predictions that are open at a moment.

    Parameters and errors are those of `score`; the settings are those that the model brings.
    """
    check_inputs(workspace, settings, warns=warns)
    moment, known = _known(scan(workspace.path(SESSIONIZED_FILE), SESSIONIZED), as_of, settings, warns)
    features = build_features(
        prediction_rows(known, settings=settings, as_of=moment),
        known,
        catalog=scan_if_there(workspace.path(CATALOG_FILE), CATALOG),
        users=scan_if_there(workspace.path(USERS_FILE), USERS),
        settings=settings.features,
    ).collect()
    if features.is_empty():
        raise InputError(
            f"no prediction is open at {_text(moment)}: no prediction point of the {settings.target.horizon} before it "
            "is undecided; choose another --as-of"
        )
    return features


def tell_unseen(features: pl.DataFrame, model: FittedModel, /, *, warns: Callable[[str], None]) -> None:
    """Warn of each feature whose categories the model has not learnt, and how many rows it therefore reads as missing.

    Raises
    ------
    BundleError
        The features are not those of the model.
    """
    check_features(features, model.spec)
    for name, rows, values in unseen_categories(features, model.spec).iter_rows():
        warns(
            f"{name}: {rows:,} of {features.height:,} rows hold a category that {model.name} has not learnt "
            f"({', '.join(map(repr, values))}), which it takes as missing; training anew on the later log learns it"
        )


def parse_moment(text: str, /) -> datetime:
    """Return a moment as people write it, in UTC where no zone is given.

    Raises
    ------
    ConfigError
        The text is no ISO 8601 date or time, or lies outside of the years 1000 to 8999.

    Examples
    --------
    >>> parse_moment("2024-09-01").isoformat(), parse_moment("2024-09-01T12:00+02:00").isoformat()
    ('2024-09-01T00:00:00+00:00', '2024-09-01T10:00:00+00:00')
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"a moment is written 2024-09-01 or 2024-09-01T12:00:00Z, found {text!r}") from error
    if moment.year not in _YEARS:  # so that nothing that is reckoned from it falls out of the calendar
        raise ConfigError(f"a moment must lie in the years {_YEARS[0]} to {_YEARS[-1]}, found {text!r}")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _known(
    sessionized: pl.LazyFrame, as_of: datetime | None, settings: Settings, warns: Callable[[str], None]
) -> tuple[datetime, pl.LazyFrame]:
    """Return the moment and the events before it; a moment past the end of the log is told of, or refused."""
    first, last = sessionized.select(first=pl.col(TIMESTAMP).min(), last=pl.col(TIMESTAMP).max()).collect().row(0)
    moment = last + _TICK if as_of is None else as_of
    if first >= moment:
        raise InputError(f"no event is known before {_text(moment)}: the log begins at {_text(first)}")
    past = moment - last
    if past > parse_duration(settings.target.horizon):
        raise InputError(
            f"--as-of {_text(moment)} lies past the end of the log, {_text(last)}, by more than target.horizon "
            f"{settings.target.horizon}: nothing is known of the time between. Choose a moment up to "
            f"{_text(last)}, or leave --as-of out"
        )
    if past > _UNREMARKABLE:
        warns(
            f"the log ends at {_text(last)}, {past.days} days before --as-of: whatever happened since is not known, "
            "and the scores are as if nothing had"
        )
    return moment, sessionized.filter(pl.col(TIMESTAMP) < pl.lit(moment, dtype=TIME_DTYPE))


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
