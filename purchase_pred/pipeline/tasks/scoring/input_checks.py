"""Whether the files that scores are made from belong together: log, sessions and catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from purchase_pred.errors import ConfigError, InputError
from purchase_pred.pipeline.engine.manifest import content_fingerprint, is_intact, read_manifest
from purchase_pred.pipeline.engine.parquet import scan_if_there
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, EVENTS_FILE, SESSIONIZED_FILE
from purchase_pred.pipeline.feature_files import command_for
from purchase_pred.schema import CATALOG, ITEM_ID, SESSIONIZED
from purchase_pred.settings.carried import shown
from purchase_pred.settings.loading import flat_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings


def check_inputs(workspace: Workspace, settings: Settings, /, *, warns: Callable[[str], None]) -> None:
    """Raise unless the sessions are those of the raw log and of these settings, and the catalog is that of the log.

    Where no manifest tells, as of files that were put there by hand, the user is warned.

    Raises
    ------
    InputError
        The raw log is another one than the sessions were made of, or the catalog is that of another log.
    ConfigError
        The sessions were made with another gap.
    """
    _check_sessions(workspace, settings, warns)
    _check_catalog(workspace)


def _check_sessions(workspace: Workspace, settings: Settings, warns: Callable[[str], None]) -> None:
    path = workspace.path(SESSIONIZED_FILE)
    if not path.is_file():
        return
    manifest, anew = read_manifest(path), f"`{command_for('sessionize', workspace, settings)}` makes it anew"
    if manifest is None or manifest.stage != "sessionize" or not is_intact(path, manifest):
        warns(f"{path} has no manifest that tells of what log and with which session gap it was made; {anew}")
        return
    asked = flat_settings(settings)
    for key, made in manifest.settings.items():
        if key.startswith("session.") and made != asked.get(key):
            raise ConfigError(
                f"{path} was made with {key} {shown(made)}, and the model with {shown(asked.get(key))}; {anew}"
            )
    raw = content_fingerprint(workspace.path(EVENTS_FILE))
    if raw is not None and raw != manifest.inputs.get(EVENTS_FILE):
        raise InputError(f"{workspace.path(EVENTS_FILE)} has changed since {path} was made of it; {anew}")


def _check_catalog(workspace: Workspace) -> None:
    """Refuse a catalog that was published with another log, or that knows not one item of this one."""
    path = workspace.path(CATALOG_FILE)
    catalog, log = scan_if_there(path, CATALOG), scan_if_there(workspace.path(SESSIONIZED_FILE), SESSIONIZED)
    if catalog is None or log is None:
        return
    ours, events = read_manifest(path), read_manifest(workspace.path(EVENTS_FILE))
    apart = ours is not None and events is not None and (ours.stage, ours.settings) != (events.stage, events.settings)
    if apart or not _share_items(catalog, log):
        raise InputError(
            f"{path} is the catalog of another log than {workspace.path(SESSIONIZED_FILE)}: bring both in again by "
            "`purchase-pred generate` or `purchase-pred ingest`, or remove the catalog to train and score without it"
        )


def _share_items(catalog: pl.LazyFrame, log: pl.LazyFrame) -> bool:
    """Tell whether any item of the log is in the catalog; of an empty catalog nothing can be told."""
    known, seen = (frame.select(pl.col(ITEM_ID).cast(pl.String)).drop_nulls().unique() for frame in (catalog, log))
    shared, listed = pl.collect_all([seen.join(known, on=ITEM_ID, how="semi").select(pl.len()), known.select(pl.len())])
    return bool(shared.item() or not listed.item())
