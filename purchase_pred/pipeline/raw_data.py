"""Whose raw data it is: a real log is never overwritten by a synthetic one unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from purchase_pred.errors import InputError
from purchase_pred.pipeline.engine.claim import is_claimed
from purchase_pred.pipeline.engine.manifest import is_intact, read_manifest
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, EVENTS_FILE, USERS_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from purchase_pred.pipeline.engine.workspace import Workspace

RAW_FILES: Final = (USERS_FILE, CATALOG_FILE, EVENTS_FILE)


def check_raw_may_be_generated(workspace: Workspace, /) -> None:
    """Raise if generating would replace raw data that this program did not generate.

    Raises
    ------
    InputError
        `data/raw` holds an ingested log, files without a manifest, or files that took the place of generated ones.
    """
    if is_claimed(workspace, "generate"):
        return  # its own, to be finished before anything else
    for path in map(workspace.path, RAW_FILES):
        owner = _other_owner(path) if path.exists() else None
        if owner:
            raise InputError(
                f"{path} is {owner}, and generating would replace it: "
                "use --skip-data-gen to keep it (`purchase-pred run all --skip-data-gen`), or --force to replace it"
            )


def check_raw_may_be_kept(workspace: Workspace, /) -> None:
    """Raise unless there is raw data to keep.

    Raises
    ------
    InputError
        `data/raw` holds no events.
    """
    path = workspace.path(EVENTS_FILE)
    if not path.is_file():
        raise InputError(
            f"--skip-data-gen keeps existing raw data, and there is none: {path} not found; "
            "leave the option out to generate data, or bring a log in by `purchase-pred ingest`"
        )


def _other_owner(path: Path) -> str | None:
    """Return what a raw file is if not one that this program generated."""
    manifest = read_manifest(path)
    if manifest is None:
        return "raw data that this program did not write, or of which it lost the manifest"
    if manifest.stage != "generate":
        return "an ingested log"
    return None if is_intact(path, manifest) else "no longer the file that was generated"
