"""The predictions of a workspace that are open at a moment."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.durations import duration_name
from purchase_pred.errors import InputError
from purchase_pred.execution.open_features import OpenPredictions
from purchase_pred.pipeline.tasks.scoring.known_log import known_log, moment_text
from purchase_pred.schema import TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from purchase_pred.execution.known_log import KnownLog
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings

_UNREMARKABLE: Final = timedelta(days=1)
"""A log may end so long before the moment without a word: a nightly run scores as of midnight."""


def open_predictions(
    workspace: Workspace, settings: Settings, /, *, as_of: datetime | None, warns: Callable[[str], None]
) -> OpenPredictions:
    """Return the predictions of a workspace that are open at a moment, none of them made yet.

    Parameters
    ----------
    workspace
        Holds the sessionized log, and catalog and users if there are any.
    settings
        Those that a model brings.
    as_of
        Events before this moment, strictly, are known; None: all events.
    warns
        Is told what the user should know and what stops nothing.

    Raises
    ------
    InputError
        There is no event before the moment, it lies too far past the log, or the inputs do not belong together.
    ConfigError
        The sessions were made with another gap.
    """
    known = known_log(workspace, settings, as_of=as_of, warns=warns)
    if as_of is not None:
        _check_end(known, warns)
    return OpenPredictions(known)


def _check_end(known: KnownLog, warns: Callable[[str], None]) -> None:
    """Tell of a moment past the end of the log, or refuse one too far past it."""
    moment, horizon = known.as_of, known.settings.target.horizon
    last: datetime = known.sessionized.select(pl.col(TIMESTAMP).max()).collect().item()
    past = moment - last
    if past > horizon:
        raise InputError(
            f"--as-of {moment_text(moment)} lies past the end of the log, {moment_text(last)}, by more than "
            f"target.horizon {duration_name(horizon)}: nothing is known of the time between. "
            f"Choose a moment up to {moment_text(last)}, or leave --as-of out"
        )
    if past > _UNREMARKABLE:
        warns(
            f"the log ends at {moment_text(last)}, {past.days} days before --as-of: whatever happened since is not "
            "known, and the scores are as if nothing had"
        )
