"""What a stage is: inputs, outputs, its part of the settings, and a function that makes the outputs."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from purchase_pred.settings.loading import flat_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings


class Observer(Protocol):
    """Whoever watches a run; the command line draws it, tests record it."""

    def stage_starts(self, stage: str, reasons: Sequence[str], /) -> None:
        """Hear that a stage is due, for these reasons, and starts."""

    def rows_done(self, rows: int, /) -> None:
        """Hear that the running stage has made so many rows."""

    def shards_done(self, done: int, /, *, of: int, rows: int) -> None:
        """Hear how many of the running stage's shards are done, and their rows; first, what an earlier run left."""

    def stage_ends(self, report: StageReport, /) -> None:
        """Hear what became of a stage."""

    def warns(self, message: str, /) -> None:
        """Hear what the user should know and what stops nothing."""


@dataclass(frozen=True)
class StageReport:
    """What became of a stage in a run."""

    stage: str
    state: str
    """`ran`, `fresh` or `kept` (raw data that was not to be generated); in a plan also `stale` or `missing`."""
    reasons: tuple[str, ...] = ()
    rows: int | None = None
    seconds: float = 0.0
    outputs: tuple[str, ...] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """An output under its temporary name, and what was counted while it was made."""

    unit: str
    """Which of the stage's units this is."""
    partial: Path
    output: str
    """Where it belongs, as a path within the workspace."""
    rows: int | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)
    attachments: Mapping[str, Path] = field(default_factory=dict)
    """Files that belong to the output and are no part of its content, by their paths within the workspace; they lie
    within the output, or under temporary names of their own."""


@dataclass(frozen=True)
class Work:
    """What a stage function is given."""

    workspace: Workspace
    settings: Settings
    units: tuple[str, ...]
    """The units to make."""
    observer: Observer
    options: Mapping[str, Any] = field(default_factory=dict)
    """The stage's options."""
    force: bool = False
    """Whether the user said that what is there may go."""

    def read(self, relative: str, /) -> Path:
        """Return where an input lies."""
        return self.workspace.path(relative)


@dataclass(frozen=True)
class Stage:
    """A step from files to files; each of its units is an output of its own."""

    name: str
    function: str
    """`"module:function"`, imported when the stage runs, so that a run with nothing to do imports nothing."""
    inputs: tuple[str, ...]
    units: tuple[str, ...]
    """Paths within the workspace, or, for `find`, whatever names a unit."""
    settings: tuple[str, ...]
    """The parts of the settings tree that the outputs depend on, as dotted prefixes."""
    optional_inputs: tuple[str, ...] = ()
    held_inputs: Mapping[str, str | None] = field(default_factory=dict)
    """Inputs whose content the outputs hold already, by their fingerprints of then; they are not read again."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the outputs depend on beside settings, by the key under which the manifest holds it."""
    counted: tuple[str, ...] = ()
    """The units whose rows are the stage's rows; empty: all of them."""
    divisible: bool = False
    """Whether one unit can be made without the others."""
    find: Callable[[Workspace, str], Sequence[Path]] = lambda workspace, unit: [workspace.path(unit)]
    """Where outputs of a unit lie, the preferred one first."""
    ignored_settings: Callable[[str], tuple[str, ...]] = lambda _: ()
    """Prefixes within `settings` that a unit does not depend on."""
    guard: Callable[[Workspace], None] = lambda _: None
    """Raises where the outputs that are there may not be replaced unasked."""
    check_kept: Callable[[Workspace], None] = lambda _: None
    """Raises where there is nothing whole to keep instead of running the stage."""
    check_settings: Callable[[Settings], None] = lambda _: None
    """Raises what can be told to be wrong with the settings before the first stage of a run reads any file."""
    replaces: tuple[str, ...] = ()
    """Files that the outputs put an end to beside those under their own names."""

    def load(self) -> Callable[[Work], list[Made]]:
        """Import the stage's function."""
        module, _, name = self.function.partition(":")
        function: Callable[[Work], list[Made]] = getattr(importlib.import_module(module), name)
        return function

    def settings_of(self, unit: str, settings: Settings, /) -> dict[str, Any]:
        """Return the settings and options that a unit depends on, by dotted key."""
        ignored = self.ignored_settings(unit)
        return {
            **self.options,
            **{
                key: value
                for key, value in flat_settings(settings).items()
                if _within(key, self.settings) and not _within(key, ignored)
            },
        }


def _within(key: str, prefixes: Sequence[str]) -> bool:
    return any(key == prefix or key.startswith(f"{prefix}.") for prefix in prefixes)
