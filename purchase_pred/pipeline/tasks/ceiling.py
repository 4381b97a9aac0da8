"""P(label | hidden state) for the feature rows of a generated shop; the only reader of its truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purchase_pred.errors import InputError, UnsupportedTargetError
from purchase_pred.oracle import true_probability
from purchase_pred.pipeline.engine.freshness import judge_stage
from purchase_pred.pipeline.engine.manifest import read_manifest
from purchase_pred.pipeline.engine.parquet import scan
from purchase_pred.pipeline.engine.workspace import EVENTS_FILE, SESSIONIZED_FILE, TRUTH_FILE, features_file
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.schema import (
    EVENT_ID,
    EVENT_TYPE,
    ITEM_ID,
    PREDICTION_TIME,
    SESSIONIZED,
    TIMESTAMP,
    USER_ID,
)
from purchase_pred.simulation import TRUTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from purchase_pred.oracle.latent_state import Abandonment
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings


def true_probabilities(
    workspace: Workspace, settings: Settings, test: pl.DataFrame, /, *, abandonment: Abandonment = "known"
) -> NDArray[np.float64]:
    """Return P(label | the simulator's hidden state at T) for each row of the feature file of test.

    With `abandonment="inferred"` the state does not say which needs were given up without a sign in the log: P(alive)
    is inferred from the time since the latest visit.

    Raises
    ------
    InputError
        The log is no generated one, or log, truth and features were not made with these settings.
    UnsupportedTargetError
        The target is no purchase; or it counts sessions, and their inactivity threshold can split a visit, or
        `abandonment` is "inferred".
    """
    target = settings.target
    if target.kind != "purchase":
        raise UnsupportedTargetError(
            f"--oracle reckons the probability of purchases, and target.kind is {target.kind}: leave --oracle out"
        )
    _check_origin(workspace)
    _check_fresh(workspace, settings)
    truth = scan(workspace.path(TRUTH_FILE), TRUTH).collect()
    log = scan(workspace.path(SESSIONIZED_FILE), SESSIONIZED)
    clicks = log.select(EVENT_ID, USER_ID, TIMESTAMP, EVENT_TYPE, ITEM_ID).collect()
    points = test.select(name for name in (USER_ID, ITEM_ID, PREDICTION_TIME) if name in test.columns)
    found = true_probability(
        points,
        truth,
        dataset=settings.dataset,
        horizon=target.horizon,
        level=target.level,
        gap=settings.session.gap,
        events=clicks if settings.anchors.kind == "in_session" or target.sessions else None,
        sessions=target.sessions,
        abandonment=abandonment,
    )
    return found["p"].to_numpy()


def _check_origin(workspace: Workspace) -> None:
    manifest = read_manifest(workspace.path(EVENTS_FILE))
    if manifest is not None and manifest.stage == "generate":
        return
    what = "is an ingested log" if manifest else "was not written by this program, or is not there"
    raise InputError(
        f"--oracle needs the truth behind the log, which only a generated shop has, and {workspace.path(EVENTS_FILE)} "
        f"{what}: leave --oracle out, or try it in another workspace after `purchase-pred run all`"
    )


def _check_fresh(workspace: Workspace, settings: Settings) -> None:
    """Raise unless truth, log and rows of test belong together and to the settings."""
    faults = list(dict.fromkeys(_faults(workspace, settings)))
    if faults:
        raise InputError(
            f"--oracle needs log, truth and features made with these settings, found: {'; '.join(faults)}; "
            "give the settings of the last run, or let `purchase-pred run all` make anew what has changed"
        )


def _faults(workspace: Workspace, settings: Settings) -> Iterator[str]:
    needed = {
        "generate": (EVENTS_FILE, TRUTH_FILE),
        "sessionize": (SESSIONIZED_FILE,),
        "features": (features_file("test"),),
    }
    for name, units in needed.items():
        verdicts = judge_stage(STAGE_BY_NAME[name], workspace, settings)
        for unit in units:
            yield from verdicts[unit].reasons
