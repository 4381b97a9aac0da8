"""The leakage check on the workspace's own data: a sample of its users, and the features as they are configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.errors import InputError
from purchase_pred.features import build_features
from purchase_pred.features.dictionary import cross_user_features
from purchase_pred.leakage import check_leakage
from purchase_pred.pipeline.engine.parquet import scan, scan_if_there
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, SESSIONIZED_FILE, USERS_FILE
from purchase_pred.pipeline.stages.support import check_size
from purchase_pred.prediction_rows import prediction_rows
from purchase_pred.schema import CATALOG, SESSIONIZED, SPLIT, USER_ID, USERS
from purchase_pred.splits import PURGED

if TYPE_CHECKING:
    from collections.abc import Collection

    from purchase_pred.leakage import FeatureFunction, LeakageReport
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings


def check_workspace(
    workspace: Workspace,
    settings: Settings,
    /,
    *,
    users: int,
    anchors: int,
    seed: int = 0,
    function: FeatureFunction | None = None,
    cross_user: Collection[str] = (),
) -> LeakageReport:
    """Alter what each prediction may not know, and report every feature that moves.

    Parameters
    ----------
    workspace
        Holds the sessionized log, and catalog and users if there are any.
    settings
        Prediction points and features as the pipeline makes them.
    users
        How many users to take at random; their events are the whole log of the check.
    anchors
        How many of their prediction points to take at most, at random.
    seed
        Of the choice of users and points, and of what is altered.
    function
        Takes prediction points and the sessionized log and returns its features. None: the configured dictionary.
    cross_user
        Columns that may look at other users' past, beside those of the shipped dictionary that do.

    Raises
    ------
    InputError
        There is no sessionized log, or the sample has no prediction point.
    ConfigError
        A calendar has more prediction points than `execution.max_rows`.
    """
    sample = _events_of_some(scan(workspace.path(SESSIONIZED_FILE), SESSIONIZED), users, seed).lazy()
    check_size(sample, settings=settings)
    points = prediction_rows(sample, settings=settings).drop(SPLIT, PURGED).collect()
    if points.is_empty():
        raise InputError(
            f"the {users:,} users of the sample have no prediction point; take more of them (--users), "
            "or let `purchase-pred features` say what the log lacks"
        )
    return check_leakage(
        function or _dictionary(workspace, settings),
        points.sample(min(anchors, len(points)), seed=seed).lazy(),
        sample,
        availability_lag=settings.features.availability_lag,
        cross_user={*cross_user_features(settings.features), *cross_user},
        seed=seed,
    )


def _dictionary(workspace: Workspace, settings: Settings) -> FeatureFunction:
    """Return the function that makes the configured features, with the workspace's catalog and users."""
    catalog = _in_memory(scan_if_there(workspace.path(CATALOG_FILE), CATALOG))
    people = _in_memory(scan_if_there(workspace.path(USERS_FILE), USERS))

    def features(points: pl.LazyFrame, events: pl.LazyFrame) -> pl.LazyFrame:
        return build_features(points, events, catalog=catalog, users=people, settings=settings.features)

    return features


def _events_of_some(sessionized: pl.LazyFrame, users: int, seed: int) -> pl.DataFrame:
    """Return all events of so many users; the same ones for the same seed."""
    everyone = sessionized.select(pl.col(USER_ID).drop_nulls().unique().sort()).collect()
    chosen = everyone.sample(min(users, len(everyone)), seed=seed).lazy()
    return sessionized.join(chosen, on=USER_ID, how="semi", maintain_order="left").collect()


def _in_memory(frame: pl.LazyFrame | None) -> pl.LazyFrame | None:
    """Return a frame that is read once, not in every trial."""
    return None if frame is None else frame.collect().lazy()
