"""A finished workspace as one object: lazy frames, settings, models and metrics, for notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purchase_pred.errors import InputError
from purchase_pred.models import load_model
from purchase_pred.names import MODELS, SPLITS
from purchase_pred.pipeline.engine.manifest import read_manifest
from purchase_pred.pipeline.engine.parquet import scan, scan_if_there
from purchase_pred.pipeline.engine.workspace import (
    CATALOG_FILE,
    EVENTS_FILE,
    SESSIONIZED_FILE,
    USERS_FILE,
    Workspace,
    features_file,
)
from purchase_pred.pipeline.model_files import find_model, read_metrics
from purchase_pred.pipeline.registry import STAGES, model_folders
from purchase_pred.pipeline.store.copy import opened
from purchase_pred.schema import CATALOG, EVENTS, SESSIONIZED, USERS
from purchase_pred.settings.loading import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from purchase_pred.models import FittedModel
    from purchase_pred.settings import Settings


@dataclass(frozen=True, eq=False)
class FinishedWorkspace:
    """What runs have left in a workspace; frames are lazy, and nothing is written."""

    folder: Path
    settings: Settings
    """The settings that its outputs were made with, as their manifests say; the defaults where none says."""
    events: pl.LazyFrame | None
    catalog: pl.LazyFrame | None
    users: pl.LazyFrame | None
    sessionized: pl.LazyFrame | None
    features: Mapping[str, pl.LazyFrame]
    """The feature frames that are there, by split."""
    models: tuple[str, ...]
    """The names of the models, the newest first."""

    def model(self, name: str | None = None, /) -> FittedModel:
        """Return a model by its name or its kind; None: the one in use, or else the newest.

        Raises
        ------
        InputError
            There is no such model.
        BundleError
            It cannot be loaded.
        """
        return load_model(find_model(Workspace(self.folder), name))

    def metrics(self, name: str | None = None, /) -> dict[str, Any]:
        """Return the `metrics.json` of a model by its name or its kind, with the default and errors of `model`."""
        return read_metrics(find_model(Workspace(self.folder), name))


def load_workspace(folder: Path | str, /) -> FinishedWorkspace:
    """Return what runs have left in a workspace.

    Parameters
    ----------
    folder
        The folder that holds ``data`` and ``models``, or an address on a store, ``"s3://bucket/prefix"``.

    Raises
    ------
    InputError
        There is no such folder, or a file in it is damaged.
    """
    root = opened(Workspace(Path(folder))).root
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; `purchase-pred run all --workspace {root}` makes it")
    workspace = Workspace(root)
    features = {split: workspace.path(features_file(split)) for split in SPLITS}
    found = [path for kind in MODELS for path in model_folders(workspace, kind)]
    return FinishedWorkspace(
        folder=root,
        settings=_settings_of(workspace),
        events=scan_if_there(workspace.path(EVENTS_FILE), EVENTS),
        catalog=scan_if_there(workspace.path(CATALOG_FILE), CATALOG),
        users=scan_if_there(workspace.path(USERS_FILE), USERS),
        sessionized=scan_if_there(workspace.path(SESSIONIZED_FILE), SESSIONIZED),
        features={split: scan(path, {}) for split, path in features.items() if path.is_file()},
        models=tuple(path.name for path in sorted(found, key=lambda path: path.name.partition("_")[2], reverse=True)),
    )


def _settings_of(workspace: Workspace) -> Settings:
    """Return the settings that the manifests hold, those of later stages over those of earlier ones."""
    found: dict[str, Any] = {}
    for stage in STAGES:
        for unit in stage.units:
            for path in stage.find(workspace, unit)[:1]:
                manifest = read_manifest(path)
                if manifest is not None and manifest.stage == stage.name:
                    found |= {key: value for key, value in manifest.settings.items() if "." in key}
    return load_settings(overrides=found)
