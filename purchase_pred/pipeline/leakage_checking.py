"""The leakage check on the workspace's own data: a sample of its users, and the features as they are configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.features import build_features
from purchase_pred.leakage import check_leakage
from purchase_pred.pipeline.parquet import scan, scan_if_there
from purchase_pred.pipeline.workspace import CATALOG_FILE, SESSIONIZED_FILE, USERS_FILE
from purchase_pred.prediction_rows import prediction_rows
from purchase_pred.schema import CATALOG, SESSIONIZED, USER_ID, USERS

if TYPE_CHECKING:
    from purchase_pred.leakage import LeakageReport
    from purchase_pred.pipeline.workspace import Workspace
    from purchase_pred.settings import Settings


def check_workspace(workspace: Workspace, settings: Settings, /, *, users: int) -> LeakageReport:
    """Alter what each prediction may not know, and report every configured feature that moves.

    Parameters
    ----------
    workspace
        Holds the sessionized log, and catalog and users if there are any.
    settings
        Prediction points and features as the pipeline makes them.
    users
        How many users to take, evenly from all; their events are the whole log of the check.

    Raises
    ------
    InputError
        There is no sessionized log, or the sample has no prediction point.
    """
    sessionized = scan(workspace.path(SESSIONIZED_FILE), SESSIONIZED)
    sample = sessionized.join(_every_so_many(sessionized, users), on=USER_ID, how="semi").collect().lazy()
    anchors = prediction_rows(sample, settings=settings).drop("split", "purged").collect()
    if anchors.is_empty():
        raise InputError(
            f"the {users:,} users of the sample have no prediction point; take more of them (--users), "
            "or let `purchase-pred features` say what the log lacks"
        )
    catalog = scan_if_there(workspace.path(CATALOG_FILE), CATALOG)
    people = scan_if_there(workspace.path(USERS_FILE), USERS)

    def features(points: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
        return build_features(points, events, catalog=catalog, users=people, settings=settings.features)

    return check_leakage(features, anchors.lazy(), sample, availability_lag=settings.features.availability_lag)


def _every_so_many(sessionized: pl.LazyFrame, users: int) -> pl.LazyFrame:
    """Return so many users, evenly from all in their order: the same ones every time."""
    everyone = sessionized.select(pl.col(USER_ID).unique().sort())
    step = (pl.len() // users).clip(lower_bound=1)
    return everyone.filter(pl.int_range(pl.len()) % step == 0).head(users)
