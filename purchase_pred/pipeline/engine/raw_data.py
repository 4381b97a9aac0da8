"""Whose raw data it is: a real log is never overwritten by a synthetic one unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from purchase_pred.errors import InputError
from purchase_pred.pipeline.engine.manifest import manifest_path, read_manifest
from purchase_pred.pipeline.engine.publish import claim_path
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, EVENTS_FILE, REJECTED_FILE, TRUTH_FILE, USERS_FILE

if TYPE_CHECKING:
    from purchase_pred.pipeline.engine.workspace import Workspace

RAW_FILES: Final = (USERS_FILE, CATALOG_FILE, EVENTS_FILE)
RAW_STAGES: Final = ("generate", "ingest")

_OF_THE_OTHER: Final = {"generate": REJECTED_FILE, "ingest": TRUTH_FILE}
"""What only the other kind of raw data has: a real log no truth, a generated one no rejected rows."""


def check_raw_may_be_generated(workspace: Workspace, /, *, force: bool) -> None:
    """Raise if generating would replace raw data that this program did not generate.

    Raises
    ------
    InputError
        `data/raw` holds an ingested log, or files without a manifest, and `force` was not given.
    """
    if force or claim_path(workspace, "generate").exists():
        return
    for name in RAW_FILES:
        path = workspace.path(name)
        if not path.exists():
            continue
        manifest = read_manifest(path)
        if manifest is None or manifest.stage != "generate":
            owner = "an ingested log" if manifest else "raw data that this program did not write"
            raise InputError(
                f"{path} is {owner}, and generating would replace it: "
                "use --skip-data-gen to keep it (`purchase-pred run all --skip-data-gen`), or --force to replace it"
            )


def check_raw_may_be_kept(workspace: Workspace, /) -> None:
    """Raise unless there is whole raw data to keep.

    Raises
    ------
    InputError
        `data/raw` holds no events, or what an interrupted run left there.
    """
    path = workspace.path(EVENTS_FILE)
    if not path.is_file():
        raise InputError(
            f"--skip-data-gen keeps existing raw data, and there is none: {path} not found; "
            "leave the option out to generate data, or bring a log in by `purchase-pred ingest`"
        )
    for stage in RAW_STAGES:
        if claim_path(workspace, stage).exists():
            raise InputError(
                f"an earlier {stage} was cut off, and the files in {path.parent} may not belong together: "
                f"run `purchase-pred {stage}` again first"
            )


def forget_replaced(workspace: Workspace, stage: str, /) -> None:
    """Remove what belonged to the raw data that a stage has just replaced, and has no counterpart in its own."""
    if stage not in _OF_THE_OTHER:
        return
    path = workspace.path(_OF_THE_OTHER[stage])
    path.unlink(missing_ok=True)
    manifest_path(path).unlink(missing_ok=True)
