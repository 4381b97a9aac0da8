"""The state of a workspace: each stage fresh, stale or missing, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purchase_pred.pipeline.engine.manifest import is_intact, read_manifest
from purchase_pred.pipeline.engine.raw_data import RAW_FILES
from purchase_pred.pipeline.engine.runner import GENERATE, Request, plan_stages
from purchase_pred.pipeline.engine.stage import StageReport
from purchase_pred.pipeline.engine.workspace import EVENTS_FILE
from purchase_pred.pipeline.registry import STAGES

if TYPE_CHECKING:
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings


def workspace_status(workspace: Workspace, settings: Settings, /) -> list[StageReport]:
    """Return how each stage stands; raw data that was brought in stands for the stage `generate`."""
    brought_in = _brought_in(workspace)
    requests = [
        Request(stage, settings.train.models if stage.name == "train" else ())
        for stage in STAGES
        if not (stage.name == GENERATE and brought_in)
    ]
    reports = plan_stages(requests, workspace=workspace, settings=settings)
    return [brought_in, *reports] if brought_in else reports


def _brought_in(workspace: Workspace) -> StageReport | None:
    manifest = read_manifest(workspace.path(EVENTS_FILE))
    if manifest is not None and manifest.stage == GENERATE:
        return None
    if manifest is None:
        there = workspace.path(EVENTS_FILE).is_file()
        return StageReport("raw data", "kept", ("not written by this program",)) if there else None
    return StageReport("ingest", *_ingested(workspace))


def _ingested(workspace: Workspace) -> tuple[str, tuple[str, ...]]:
    changed = []
    for name in RAW_FILES:
        path = workspace.path(name)
        manifest = read_manifest(path)
        if manifest is None or not path.is_file() or not is_intact(path, manifest):
            changed.append(f"{name} is missing or was changed by something else")
    return ("stale", tuple(changed)) if changed else ("fresh", ())
