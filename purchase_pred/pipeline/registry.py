"""The five stages, in order: what each reads, writes and depends on."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Final

from purchase_pred.names import MODELS, SPLITS
from purchase_pred.pipeline.engine.stage import Stage
from purchase_pred.pipeline.engine.workspace import (
    CATALOG_FILE,
    EVENTS_FILE,
    FIRST_KNOWN_FILE,
    LEDGER_FILE,
    MODELS_FOLDER,
    REJECTED_FILE,
    SESSIONIZED_FILE,
    TRUTH_FILE,
    USERS_FILE,
    features_file,
    split_events_file,
)
from purchase_pred.pipeline.raw_data import check_raw_may_be_generated, check_raw_may_be_kept
from purchase_pred.settings.carried import FEATURE_SECTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings


def model_folders(workspace: Workspace, kind: str, /) -> Sequence[Path]:
    """Return the complete folders of a kind of model, the newest first."""
    folders = workspace.path(MODELS_FOLDER).glob(f"{kind}_*_*/manifest.json")
    return sorted((manifest.parent for manifest in folders), key=lambda folder: folder.name, reverse=True)


def _other_models(kind: str) -> tuple[str, ...]:
    return ("train.models", *(f"train.{other}" for other in MODELS if other != kind))


def _check_feature_names(settings: Settings) -> None:
    train = settings.train
    if train.leave_out or train.monotone or train.interactions:  # else nothing is imported
        resolve_name("purchase_pred.pipeline.stages.feature_names:check_names")(settings)


def _check_backend(settings: Settings) -> None:
    if settings.execution.backend != "local":  # as above
        resolve_name("purchase_pred.execution.backends:check_backend")(settings.execution)


STAGES: Final = (
    Stage(
        name="generate",
        function="purchase_pred.pipeline.stages.generate:generate",
        inputs=(),
        units=(USERS_FILE, CATALOG_FILE, EVENTS_FILE, TRUTH_FILE),
        settings=("dataset",),
        counted=(EVENTS_FILE,),
        guard=check_raw_may_be_generated,
        check_kept=check_raw_may_be_kept,
        replaces=(REJECTED_FILE, LEDGER_FILE, FIRST_KNOWN_FILE),
    ),
    Stage(
        name="sessionize",
        function="purchase_pred.pipeline.stages.sessionize:sessionize_events",
        inputs=(EVENTS_FILE,),
        units=(SESSIONIZED_FILE,),
        settings=("session",),
    ),
    Stage(
        name="split",
        function="purchase_pred.pipeline.stages.split:split_events",
        inputs=(SESSIONIZED_FILE,),
        units=tuple(split_events_file(split) for split in SPLITS),
        settings=("split.by", "split.train", "split.val", "split.align"),
    ),
    Stage(
        name="features",
        function="purchase_pred.pipeline.stages.features:make_features",
        inputs=(SESSIONIZED_FILE,),
        optional_inputs=(CATALOG_FILE, USERS_FILE),
        units=tuple(features_file(split) for split in SPLITS),
        settings=FEATURE_SECTIONS,
        check_settings=_check_backend,
        divisible=True,
    ),
    Stage(
        name="train",
        function="purchase_pred.pipeline.stages.train:train",
        inputs=tuple(features_file(split) for split in SPLITS),
        units=MODELS,
        settings=(*FEATURE_SECTIONS, "train"),
        check_settings=_check_feature_names,
        divisible=True,
        find=model_folders,
        ignored_settings=_other_models,
    ),
)
STAGE_BY_NAME: Final = {stage.name: stage for stage in STAGES}
