"""Why the score of a user, or of a user and an item, is what it is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.evaluation.explain import explain
from purchase_pred.features import describe_features
from purchase_pred.models import load_bundle
from purchase_pred.pipeline.tasks.score import open_predictions, tell_unseen
from purchase_pred.schema import ITEM_ID, PREDICTION_TIME, USER_ID
from purchase_pred.settings.carried import adopted_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from purchase_pred.evaluation.explain import Explanation
    from purchase_pred.pipeline.engine.workspace import Workspace
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
    fitted = load_bundle(model)
    settings = adopted_settings(resolved, fitted.feature_settings, owner=str(model))
    features = open_predictions(workspace, settings, as_of=as_of, warns=warns)
    asked = {USER_ID: user, **({ITEM_ID: item} if item is not None else {})}
    absent = asked.keys() - set(features.columns)
    if absent:
        raise InputError(f"predictions of level {settings.target.level} have no {', '.join(absent)}: leave it out")
    matches = (pl.col(name).cast(pl.String) == text for name, text in asked.items())
    rows = features.filter(*matches).sort(PREDICTION_TIME).tail(1)
    if rows.is_empty():
        named = ", ".join(f"{name} {text}" for name, text in asked.items())
        raise InputError(
            f"no prediction is open for {named} among {features.height:,}; `purchase-pred score` lists those that are"
        )
    tell_unseen(rows, fitted, warns=warns)
    definitions = describe_features(settings.features).select("name", "definition")
    meanings = {name: f"{name} ({definition})" for name, definition in definitions.iter_rows()}
    return explain(fitted, rows, top=top, meanings=meanings)[0]
