"""The trained models of a workspace: which there are, which one is taken, and how they were judged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.errors import InputError
from purchase_pred.names import MODELS
from purchase_pred.pipeline.engine.fingerprint import fingerprint, modified_ns, size
from purchase_pred.pipeline.engine.freshness import fresh_output
from purchase_pred.pipeline.engine.manifest import is_intact, manifest_path, read_manifest, write_manifest
from purchase_pred.pipeline.engine.publish import written_whole
from purchase_pred.pipeline.engine.workspace import MODELS_FOLDER
from purchase_pred.pipeline.models_in_use import IN_USE_FILE, model_in_use
from purchase_pred.pipeline.registry import STAGE_BY_NAME, model_folders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings

METRICS_FILE: Final = "metrics.json"
LOG_UNTIL: Final = "log_until"
"""Under which key of what a model tells of its training stands when the log ended of which its rows were made."""


def fresh_metrics(workspace: Workspace, settings: Settings, /) -> list[dict[str, Any]]:
    """Return the `metrics.json` of the up-to-date model of each kind in `train.models`."""
    folders = [fresh_model(workspace, settings, kind) for kind in settings.train.models]
    return [read_metrics(folder) for folder in folders if folder]


def fresh_model(workspace: Workspace, settings: Settings, kind: str, /) -> Path | None:
    """Return the folder of the up-to-date model of a kind; None: there is none."""
    return fresh_output(STAGE_BY_NAME["train"], kind, workspace, settings)


def read_metrics(folder: Path, /) -> dict[str, Any]:
    """Return the `metrics.json` of a model."""
    path = folder / METRICS_FILE
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); train the model again") from error
    return document


def known_ceiling(folder: Path, document: Mapping[str, Any], /) -> dict[str, Any] | None:
    """Return the ceiling in the `metrics.json` of a model, if all other figures there are those of the document.

    Figures that differ belong to other rows, and so does the ceiling.
    """
    stored = read_metrics(folder) if (folder / METRICS_FILE).exists() else None
    return stored["ceiling"] if stored and _without_ceiling(stored) == _without_ceiling(document) else None


def note_ceiling(workspace: Workspace, folder: Path, document: Mapping[str, Any], /) -> None:
    """Write the ceiling of an evaluation into the `metrics.json` of its model, if the other figures there are the same.

    If they differ, they belong to other rows, and no ceiling is left there: the report that is drawn beside them is of
    the rows of the evaluation.
    """
    if not (folder / METRICS_FILE).exists():
        return
    stored = read_metrics(folder)
    same = _without_ceiling(stored) == _without_ceiling(document)
    noted = stored | {"ceiling": document["ceiling"] if same else None}
    if noted != stored:
        replace_in_model(workspace, folder, METRICS_FILE, json.dumps(noted, indent=2, allow_nan=False) + "\n")


def replace_in_model(workspace: Workspace, folder: Path, name: str, text: str, /) -> None:
    """Replace a file of a model that is published already, at once and whole.

    The manifest follows, so that a model that was as its manifest says still is; a run that is cut off between the two
    leaves a model to be trained again.
    """
    with workspace.locked():
        manifest = read_manifest(folder)
        vouched = manifest is not None and is_intact(folder, manifest)
        with written_whole(folder / name, within=folder) as partial:
            partial.write_text(text, encoding="utf-8")
        if manifest is None or not vouched:
            return
        attached = f"{MODELS_FOLDER}/{folder.name}/{name}"
        follows = replace(
            manifest,
            bytes=size(folder),
            modified_ns=modified_ns(folder),
            fingerprint=fingerprint(folder),
            attachments=dict(manifest.attachments)
            | ({attached: fingerprint(folder / name)} if attached in manifest.attachments else {}),
        )
        with written_whole(manifest_path(folder), within=folder) as partial:
            write_manifest(follows, partial)


def _without_ceiling(document: Mapping[str, Any]) -> dict[str, Any]:
    return {**json.loads(json.dumps(document)), "ceiling": None}


def newest_model(workspace: Workspace, /) -> Path:
    """Return the folder of the newest model; of those trained together, the best on validation.

    Raises
    ------
    InputError
        There is no model.
    """
    folders = all_models(workspace)
    if not folders:
        raise InputError(f"{workspace.path('models')} holds no model; `purchase-pred run all` trains some")
    return folders[0]


def all_models(workspace: Workspace, /) -> list[Path]:
    """Return the folders of all models, the newest first; of those trained together the best on validation first."""
    folders = [folder for kind in MODELS for folder in model_folders(workspace, kind)]
    return sorted(folders, key=lambda folder: (_moment(folder), validation_rank(folder)), reverse=True)


def default_model(workspace: Workspace, /) -> Path:
    """Return the folder of the model in use; where none was ever put in use, of the newest.

    Raises
    ------
    InputError
        There is no model, or the one in use is gone, or nothing readable tells which one it is.
    """
    name = model_in_use(workspace)
    if name is None:
        return newest_model(workspace)
    folder = next((folder for folder in all_models(workspace) if folder.name == name), None)
    if folder is None:
        raise InputError(
            f"{name}, the model in use, is gone from {workspace.path(MODELS_FOLDER)} ({workspace.path(IN_USE_FILE)} "
            "names it); `purchase-pred models rollback` goes back to the one before, `models use NAME` chooses another"
        )
    return folder


def find_model(workspace: Workspace, name: str | None, /) -> Path:
    """Return the folder of a model by its path, its name or its kind; None: the one in use, or else the newest.

    Raises
    ------
    InputError
        There is no such model; names those that there are.
    """
    if name is None:
        return default_model(workspace)
    of_kind = model_folders(workspace, name) if name in MODELS else ()
    candidates = [Path(name), workspace.path(f"{MODELS_FOLDER}/{name}"), *of_kind]
    found = next((folder for folder in candidates if (folder / "model.json").is_file()), None)
    if found is None:
        known = [folder.name for kind in MODELS for folder in model_folders(workspace, kind)]
        raise InputError(f"no model {name!r}, by path, name or kind; there are: {', '.join(known) or 'none'}")
    return found


def _moment(folder: Path) -> str:
    return folder.name.partition("_")[2]


def validation_rank(folder: Path, /) -> float:
    """Return the PR-AUC on validation, by which models are ranked; one that cannot be read for it comes last."""
    try:
        return float(read_metrics(folder)["splits"]["val"]["average_precision"] or 0.0)
    except (InputError, KeyError, TypeError, ValueError):
        return -1.0
