"""The feature files of a workspace: each names its features, and is read only by who asks for what it was made with."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Final

import polars as pl

from purchase_pred.errors import ConfigError, InputError
from purchase_pred.models.rows.design_matrix import NOT_FEATURES
from purchase_pred.names import SPLITS
from purchase_pred.pipeline.engine.manifest import content_fingerprint, is_intact, manifest_fault, read_manifest
from purchase_pred.pipeline.engine.parquet import scan
from purchase_pred.pipeline.engine.workspace import features_file
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.schema import LABEL, PREDICTION_TIME, TIME_DTYPE
from purchase_pred.settings.carried import differing_settings, options_for, restored_settings, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.schema import Requirement
    from purchase_pred.settings import Settings

_REQUIRED: Final[Mapping[str, Requirement]] = {PREDICTION_TIME: TIME_DTYPE, LABEL: pl.UInt8}
_ASKED: Final = "this command"
_NAMED: Final = "purchase_pred.features"
"""The entry of a file's Parquet metadata that holds the names of its features, as JSON."""
_SHOWN: Final = 5


def naming(features: Sequence[str], /) -> dict[str, str]:
    """Return the Parquet metadata by which a file names its features.

    Examples
    --------
    >>> naming(["views_1d"])
    {'purchase_pred.features': '["views_1d"]'}
    """
    return {_NAMED: json.dumps(list(features))}


def named_features(path: Path, /) -> list[str] | None:
    """Return the features that a file names, in the order of its columns; None: it was written before files did."""
    named = pl.read_parquet_metadata(path).get(_NAMED)
    return None if named is None else list(json.loads(named))


def read_splits(workspace: Workspace, settings: Settings, /, *, asker: str = _ASKED) -> dict[str, pl.LazyFrame]:
    """Return the feature frames of train, val and test, lazily.

    Parameters
    ----------
    workspace
        Where the files lie.
    settings
        What they must have been made with, as far as rows and features depend on it.
    asker
        Who asks for that, for the message.

    Raises
    ------
    InputError
        A file is missing or is no feature file, or nothing tells what it was made with, or its columns are not its
        keys and the features that it names.
    ConfigError
        A file was made with other settings; names both, and the command that makes it anew.
    """
    return {split: read_split(workspace, settings, split, asker=asker) for split in SPLITS}


def read_split(workspace: Workspace, settings: Settings, split: str, /, *, asker: str = _ASKED) -> pl.LazyFrame:
    """Return the feature frame of one split, lazily; parameters and errors are those of `read_splits`."""
    rows = scan(workspace.path(features_file(split)), _REQUIRED)
    _check_made_with(workspace, settings, split, asker)
    _check_named(rows, workspace, settings, split)
    return rows


def older_than_inputs(workspace: Workspace, settings: Settings, /) -> str | None:
    """Return a sentence about feature files that were made of other inputs than are there now; None: there are none."""
    changed: dict[str, None] = {}
    for split in SPLITS:
        manifest = read_manifest(workspace.path(features_file(split)))
        for name, made_of in (manifest.inputs if manifest else {}).items():
            if content_fingerprint(workspace.path(name)) != made_of:
                changed[name] = None
    if not changed:
        return None
    return (
        f"the features were made before {', '.join(changed)} changed; "
        f"`{command_for('features', workspace, settings)}` makes them anew"
    )


def command_for(stage: str, workspace: Workspace, settings: Settings, /) -> str:
    """Return the command that runs a stage of a workspace with these settings, as it is typed into a shell."""
    where = "" if workspace.name == "." else f"-w {shlex.quote(workspace.name)}"
    return " ".join(part for part in (f"purchase-pred {stage}", where, options_for(settings)) if part)


def _check_named(rows: pl.LazyFrame, workspace: Workspace, settings: Settings, split: str) -> None:
    path = workspace.path(features_file(split))
    named, found = named_features(path), rows.collect_schema().names()
    if named is None:
        return
    faults = [
        f"{what} {', '.join(map(repr, names[:_SHOWN]))}{', ...' if len(names) > _SHOWN else ''}"
        for what, names in (
            ("holds beside them", [name for name in found if name not in NOT_FEATURES and name not in named]),
            ("lacks of them", [name for name in named if name not in found]),
        )
        if names
    ]
    if faults:
        raise InputError(
            f"{path} names {len(named)} features, and {' and '.join(faults)}; "
            f"`{command_for('features', workspace, settings)}` makes it anew"
        )


def _check_made_with(workspace: Workspace, settings: Settings, split: str, asker: str) -> None:
    path = workspace.path(features_file(split))
    manifest, anew = read_manifest(path), f"`{command_for('features', workspace, settings)}` makes it anew"
    if manifest is None or manifest.stage != "features":
        fault = "was not made by the stage features" if manifest else manifest_fault(path)
        raise InputError(f"{path} {fault}, and nothing else tells what its rows were made with; {anew}")
    if not is_intact(path, manifest):
        raise InputError(f"{path} is not the file that its manifest describes: something else has changed it; {anew}")
    sections = STAGE_BY_NAME["features"].settings
    carried = {key: value for key, value in manifest.settings.items() if key.partition(".")[0] in sections}
    differences = differing_settings(restored_settings(carried, settings, owner=str(path)), settings)
    if differences:
        made = ", ".join(f"{key} {shown(value)}" for key, (value, _) in differences.items())
        asked = ", ".join(f"{key} {shown(value)}" for key, (_, value) in differences.items())
        raise ConfigError(f"{path} was made with {made}, and {asker} asks for {asked}; {anew}")
