"""The program in a workspace: its commands run as a user runs them, and its outputs read back."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.models import load_model
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.feature_files import read_splits
from purchase_pred.pipeline.model_files import fresh_model, read_metrics
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from purchase_pred.models import FittedModel
    from purchase_pred.settings import Settings

BOOSTERS: Final = ("lightgbm", "xgboost")
_REFUSED: Final = 2
"""Exit code of what the user can mend."""


class RefusedError(Exception):
    """The program refused its input or settings; the message says why."""


@dataclass(frozen=True)
class Program:
    """A workspace and the settings that every command in it is given."""

    root: Path
    files: tuple[Path, ...] = ()
    assignments: tuple[str, ...] = ()

    def run(self, *arguments: str | Path) -> str:
        """Run a stage command and return what it printed.

        Raises
        ------
        RefusedError
            Its exit code was 2.
        """
        chosen = [text for file in self.files for text in ("--config", str(file))]
        chosen += [text for assignment in self.assignments for text in ("--set", assignment)]
        return self._start(*arguments, *chosen)

    def ingest(self, log_format: str, log: Path) -> None:
        """Ingest a real log."""
        self._start("ingest", log_format, log, "--force")

    def ceiling(self, kind: str) -> dict[str, Any]:
        """Return the metrics of the ceiling, from `evaluate --oracle` unless the model's `metrics.json` has them."""
        noted: dict[str, Any] | None = self.documents()[kind]["ceiling"]
        if noted:
            return noted
        printed = self.run("evaluate", "--oracle", "--no-report", "--json", "--model", kind)
        found: dict[str, Any] = json.loads(printed)["ceiling"]
        return found

    @property
    def settings(self) -> Settings:
        """The settings that the commands resolve to."""
        return resolve_settings(files=self.files, assignments=self.assignments).settings

    @property
    def workspace(self) -> Workspace:
        """The workspace."""
        return Workspace(self.root)

    def models(self) -> dict[str, FittedModel]:
        """Return the trained models by kind."""
        return {kind: load_model(folder) for kind, folder in self._folders().items()}

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return the `metrics.json` of the trained models by kind."""
        return {kind: read_metrics(folder) for kind, folder in self._folders().items()}

    def splits(self) -> dict[str, pl.DataFrame]:
        """Return the feature frames of train, val and test."""
        return {name: frame.collect() for name, frame in read_splits(self.workspace, self.settings).items()}

    def _folders(self) -> dict[str, Path]:
        settings = self.settings
        found = {kind: fresh_model(self.workspace, settings, kind) for kind in settings.train.models}
        return {kind: folder for kind, folder in found.items() if folder}

    def _start(self, *arguments: str | Path) -> str:
        self.root.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "purchase_pred", *map(str, arguments), "--workspace", str(self.root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == _REFUSED:
            raise RefusedError(done.stderr.strip().rpartition("error: ")[2])
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
        return done.stdout


def best_on_validation(documents: dict[str, dict[str, Any]], kinds: tuple[str, ...] | None = None) -> str:
    """Return the kind with the best average precision on validation, as `train` chooses, of equals the first."""
    return max(
        (kind for kind in documents if kinds is None or kind in kinds),
        key=lambda kind: documents[kind]["splits"]["val"]["average_precision"] or 0.0,
    )
