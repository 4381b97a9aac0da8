"""Small stages over text files, so that the runner is tested without data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from purchase_pred.pipeline.engine.runner import Request, run_stages
from purchase_pred.pipeline.engine.stage import Made, Stage
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.stage import StageReport, Work

SOURCE = "data/raw/source.txt"
UPPER = "data/processed/upper.txt"
MODEL = "models/logistic_20240801_120000"
WORDS = ("data/features/first.txt", "data/features/second.txt")


class BrokenStageError(Exception):
    """A stage broke."""


def upper(work: Work, /) -> list[Made]:
    """Write the source in capitals, with the threshold when it is a whole hour."""
    threshold = work.settings.session.inactivity_threshold_minutes
    text = work.read(SOURCE).read_text().upper() + ("!" if threshold == 60 else "")
    return [_made(work, UPPER, text)]


def words(work: Work, /) -> list[Made]:
    """Write the first and the second word."""
    found = work.read(UPPER).read_text().split()
    return [_made(work, unit, found[WORDS.index(unit)]) for unit in work.units]


def model(work: Work, /) -> list[Made]:
    """Write a folder with a report in it and a pickle beside it."""
    output = MODEL
    folder = work.workspace.partial(output)
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    (folder / "report.html").write_text("<p>good</p>")
    pickled = work.workspace.partial(f"{output}.pkl")
    pickled.write_text("pickle")
    attachments = {f"{output}.pkl": pickled, f"{output}/report.html": folder / "report.html"}
    return [Made("kind", folder, output, attachments=attachments)]


def break_halfway(work: Work, /) -> list[Made]:
    """Write a part of the output and fail."""
    work.workspace.partial(UPPER).write_text("half")
    raise BrokenStageError("halfway")


def interrupt(work: Work, /) -> list[Made]:
    """Write a part of the output and be interrupted."""
    work.workspace.partial(UPPER).write_text("half")
    raise KeyboardInterrupt


def _made(work: Work, unit: str, text: str) -> Made:
    partial = work.workspace.partial(unit)
    partial.write_text(text)
    return Made(unit, partial, unit, rows=len(text.split()), counts={"letters": len(text)})


UPPER_STAGE = Stage("upper", "stages_of_text:upper", (SOURCE,), (UPPER,), ("session", "split.align"))
WORDS_STAGE = Stage("words", "stages_of_text:words", (UPPER,), WORDS, ("features.windows",), divisible=True)
MODEL_STAGE = Stage(
    "model", "stages_of_text:model", (), ("kind",), (), find=lambda workspace, _: [workspace.path(MODEL)]
)


def stage_that(function: str) -> Stage:
    """Return the first stage with another function."""
    return Stage("upper", f"stages_of_text:{function}", (SOURCE,), (UPPER,), ("session", "split.align"))


@dataclass
class Recorder:
    """An observer that writes down what it hears."""

    started: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    ended: list[StageReport] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    shards: list[tuple[int, int, int]] = field(default_factory=list)

    def stage_starts(self, stage: str, reasons: Sequence[str], /) -> None:
        self.started.append((stage, tuple(reasons)))

    def rows_done(self, rows: int, /) -> None:
        pass

    def shards_done(self, done: int, /, *, of: int, rows: int) -> None:
        self.shards.append((done, of, rows))

    def stage_ends(self, report: StageReport, /) -> None:
        self.ended.append(report)

    def warns(self, message: str, /) -> None:
        self.warned.append(message)


def workspace_with(folder: Path, text: str) -> Workspace:
    """Return a workspace with a source file."""
    workspace = Workspace(folder)
    write_source(workspace, text)
    return workspace


def write_source(workspace: Workspace, text: str) -> None:
    """Write the source file."""
    path = workspace.path(SOURCE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def run(workspace: Workspace, *stages: Stage | Request, assign: Sequence[str] = (), **options: Any) -> list[str]:
    """Run stages and return the names of those that had work."""
    requests = [stage if isinstance(stage, Request) else Request(stage) for stage in stages]
    settings = resolve_settings(assignments=assign).settings
    recorder = Recorder()
    run_stages(requests, workspace=workspace, settings=settings, observer=recorder, **options)
    return [stage for stage, _ in recorder.started]


def reasons(workspace: Workspace, *stages: Stage | Request, assign: Sequence[str] = (), **options: Any) -> list[str]:
    """Run stages and return the reasons of those that had work."""
    requests = [stage if isinstance(stage, Request) else Request(stage) for stage in stages]
    settings = resolve_settings(assignments=assign).settings
    recorder = Recorder()
    run_stages(requests, workspace=workspace, settings=settings, observer=recorder, **options)
    return [reason for _, why in recorder.started for reason in why]
