"""Why the score of a user, or of a user and an item, is what it is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.evaluation.explain import explain
from purchase_pred.features import describe_features
from purchase_pred.models import load_model
from purchase_pred.models.rows.design_matrix import check_features
from purchase_pred.pipeline.tasks.scoring.open_predictions import open_predictions
from purchase_pred.pipeline.tasks.scoring.score import tell_unseen
from purchase_pred.prediction_rows import target_keys
from purchase_pred.schema import ITEM_ID, PREDICTION_TIME, USER_ID
from purchase_pred.settings.carried import adopted_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from purchase_pred.evaluation.explain import Explanation
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings
    from purchase_pred.settings.loading import ResolvedSettings

_LOGGER: Final = logging.getLogger(__name__)


def explain_score(
    workspace: Workspace,
    resolved: ResolvedSettings,
    /,
    *,
    model: Path,
    as_of: datetime | None,
    user: str,
    item: str | None,
    top: int,
    warns: Callable[[str], None] = _LOGGER.warning,
) -> Explanation:
    """Return why the score of a user, or of a user and an item, is what it is.

    Of several open predictions, such as those of two sessions, the latest is explained.

    Raises
    ------
    InputError
        No prediction is open for them at the moment; otherwise as `score`.
    """
    fitted = load_model(model)
    settings = adopted_settings(resolved, fitted.feature_settings, owner=str(model))
    asked = {USER_ID: user, **({ITEM_ID: item} if item is not None else {})}
    absent = asked.keys() - set(target_keys(settings))
    if absent:
        raise InputError(f"predictions of level {settings.target.level} have no {', '.join(absent)}: leave it out")
    predictions = open_predictions(workspace, settings, as_of=as_of, warns=warns)
    is_user = pl.col(USER_ID).cast(pl.String) == user
    named_so = predictions.known.events.filter(is_user).select(USER_ID).unique().collect()
    matches = [pl.col(name).cast(pl.String) == text for name, text in asked.items()]
    found = [features.filter(*matches) for features in predictions.features(of=named_so)]
    rows = pl.concat(found).sort(PREDICTION_TIME) if found else pl.DataFrame()
    if rows.is_empty():
        named = ", ".join(f"{name} {text}" for name, text in asked.items())
        raise InputError(f"no prediction is open for {named}; `purchase-pred score` lists those that are")
    rows = rows.tail(1)
    check_features(rows, fitted.spec)
    tell_unseen(rows, fitted, warns=warns)
    return explain(fitted, rows, top=top, meanings=_meanings(settings))[0]


def _meanings(settings: Settings) -> dict[str, str]:
    described = describe_features(settings.features).select("name", "definition").iter_rows()
    return {name: f"{name} ({definition})" for name, definition in described}
