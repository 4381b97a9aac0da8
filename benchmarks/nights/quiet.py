"""A night within this process, of which nobody hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purchase_pred.pipeline.tasks.night.delivery import Delivery
from purchase_pred.pipeline.tasks.night.run import AskedList, Night, run_night
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.stage import StageReport
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.pipeline.tasks.scoring.score_list import AskedRules


class Nobody:
    """An observer that does not listen."""

    def stage_starts(self, stage: str, reasons: Sequence[str], /) -> None:
        """Pass over it."""

    def rows_done(self, rows: int, /) -> None:
        """Pass over it."""

    def shards_done(self, done: int, /, *, of: int, rows: int) -> None:
        """Pass over it."""

    def stage_ends(self, report: StageReport, /) -> None:
        """Pass over it."""

    def warns(self, message: str, /) -> None:
        """Pass over it."""


def night(workspace: Workspace, file: Path, assignments: Sequence[str], rules: AskedRules, /) -> Night:
    """Run the night that `purchase-pred nightly table FILE` is with these settings."""
    resolved = resolve_settings(assignments=assignments)
    return run_night(workspace, resolved, Delivery("table", (file,)), AskedList(rules), observer=Nobody())
