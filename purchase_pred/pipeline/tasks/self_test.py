"""The self-test: a tiny shop taken through the whole line in a temporary folder, one learner trained, all verified."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np

from purchase_pred.errors import PurchasePredError
from purchase_pred.models import load_model, save_bundle, train_models
from purchase_pred.pipeline.engine.runner import Request, run_stages
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.feature_files import read_splits
from purchase_pred.pipeline.registry import STAGES
from purchase_pred.pipeline.tasks.verify import verify
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from purchase_pred.pipeline.engine.stage import StageReport

_TINY: Final = {
    "dataset": {"num_users": 150, "num_items": 100, "num_days": 30},
    "target": {"horizon": "2d"},
    "train": {"models": ["lightgbm"], "lightgbm": {"max_rounds": 10}, "threads": 1},
}
_ROWS: Final = 10
"""Rows of each feature file that are computed again."""


@dataclass(frozen=True)
class SelfTest:
    """What the self-test did; it raises where something is wrong."""

    events: int
    rows: int
    values: int
    """Values of features and labels that plain loops found to be the same."""
    seconds: float


def self_test() -> SelfTest:
    """Take a tiny shop from generation to a model that reads back bit-equal, and leave nothing behind.

    Raises
    ------
    PurchasePredError
        A step fails, an output is not what it must be, or a saved model predicts something else.
    """
    started = time.perf_counter()
    settings = Settings.model_validate(_TINY)  # whatever files and environment say
    with _nothing_logged(), TemporaryDirectory(prefix="purchase_pred_") as folder:
        workspace = Workspace(Path(folder) / "shop")
        requests = [Request(stage) for stage in STAGES if stage.name != "train"]
        reports = run_stages(requests, workspace=workspace, settings=settings, observer=_Nobody())
        verified = verify(workspace, rows=_ROWS, seed=0)
        if verified.differences:
            raise PurchasePredError("; ".join(f"{one.file}: {one.found}" for one in verified.differences))
        splits = read_splits(workspace, settings)
        (model,) = train_models(splits["train"], splits["val"], settings=settings)
        save_bundle(model, Path(folder) / "model")
        test = splits["test"].collect()
        if not np.array_equal(model.predict(test), load_model(Path(folder) / "model").predict(test)):
            raise PurchasePredError("a model that was saved and read back predicts something else")
    rows = {report.stage: report.rows or 0 for report in reports}
    return SelfTest(rows["generate"], rows["features"], verified.values, time.perf_counter() - started)


@contextmanager
def _nothing_logged() -> Iterator[None]:
    """Keep the tiny shop out of the log of the workspace that is examined."""
    logger = logging.getLogger("purchase_pred")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


class _Nobody:
    """Watches without a word."""

    def stage_starts(self, _stage: str, _reasons: Sequence[str], /) -> None:
        pass

    def rows_done(self, _rows: int, /) -> None:
        pass

    def shards_done(self, _done: int, /, *, of: int, rows: int) -> None:
        pass

    def stage_ends(self, _report: StageReport, /) -> None:
        pass

    def warns(self, _message: str, /) -> None:
        pass
