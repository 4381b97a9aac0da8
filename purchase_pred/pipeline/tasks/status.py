"""The state of a workspace: each stage fresh, stale or missing, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purchase_pred.pipeline.engine.claim import is_claimed
from purchase_pred.pipeline.engine.manifest import is_intact, manifest_fault, manifest_path, read_manifest
from purchase_pred.pipeline.engine.runner import CUT_OFF, Request, plan_stages
from purchase_pred.pipeline.engine.stage import StageReport
from purchase_pred.pipeline.engine.workspace import EVENTS_FILE
from purchase_pred.pipeline.raw_data import RAW_FILES
from purchase_pred.pipeline.registry import STAGES

if TYPE_CHECKING:
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings


def workspace_status(workspace: Workspace, settings: Settings, /) -> list[StageReport]:
    """Return how each stage stands; raw data that was brought in stands for the stage `generate`."""
    raw = _raw_data(workspace)
    requests = [
        Request(stage, settings.train.models if stage.name == "train" else ())
        for stage in STAGES
        if not (stage.name == "generate" and raw)
    ]
    reports = plan_stages(requests, workspace=workspace, settings=settings)
    return [raw, *reports] if raw else reports


def _raw_data(workspace: Workspace) -> StageReport | None:
    """Report raw data that `generate` would not replace unasked; None: there is none."""
    if is_claimed(workspace, "generate"):
        return None
    if is_claimed(workspace, "ingest"):
        return StageReport("ingest", "stale", (CUT_OFF,))
    paths = {name: workspace.path(name) for name in RAW_FILES}
    there = {name: path for name, path in paths.items() if path.is_file()}
    manifests = {name: read_manifest(path) for name, path in there.items()}
    if any(manifest and manifest.stage == "ingest" for manifest in manifests.values()):
        return StageReport("ingest", *_ingested(workspace))
    foreign = {
        name: manifest_fault(there[name]) if manifest is None else "is no longer the file that was generated"
        for name, manifest in manifests.items()
        if manifest is None or not is_intact(there[name], manifest)
    }
    if not foreign:
        return None
    if EVENTS_FILE in there and not any(manifest_path(path).exists() for path in there.values()):
        return StageReport("raw data", "kept", ("not written by this program",))
    reasons = tuple(f"{name} {fault}" for name, fault in foreign.items())
    return StageReport("raw data", "stale", (*reasons, "--skip-data-gen keeps what is there, --force replaces it"))


def _ingested(workspace: Workspace) -> tuple[str, tuple[str, ...]]:
    reasons = []
    for name in RAW_FILES:
        path = workspace.path(name)
        manifest = read_manifest(path)
        if not path.is_file():
            reasons.append(f"{name} is missing")
        elif manifest is None:
            reasons.append(f"{name} {manifest_fault(path)}")
        elif not is_intact(path, manifest):
            reasons.append(f"{name} was changed by something else")
    return ("stale", tuple(reasons)) if reasons else ("fresh", ())
