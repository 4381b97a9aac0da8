"""Finished shards: kept while their stage runs and over an interruption, and never taken for those of other inputs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.pipeline.engine.freshness import input_fingerprints
from purchase_pred.pipeline.engine.manifest import program_version
from purchase_pred.pipeline.engine.publish import written_whole
from purchase_pred.pipeline.engine.workspace import PARTIAL, remove

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from purchase_pred.pipeline.engine.stage import Stage, Work
    from purchase_pred.pipeline.engine.workspace import Workspace

_MADE_FROM: Final = "made_from.json"


class ShardStore:
    """A folder of the shards that a stage has finished."""

    def __init__(self, folder: Path, /) -> None:
        self.folder = folder

    def path(self, name: str, /) -> Path:
        """Return where a shard lies."""
        return self.folder / name

    def holds(self, name: str, /) -> bool:
        """Tell whether a shard is finished."""
        return self.path(name).is_file()

    def making(self, name: str, /) -> AbstractContextManager[Path]:
        """Give a temporary name to write a shard to; only a whole one takes its own."""
        return written_whole(self.path(name))


def open_shards(stage: Stage, work: Work, /, *, starts: Sequence[Any]) -> ShardStore:
    """Return the shards that an interrupted run finished of the same stage, or, if there are none, an empty store.

    They are the same if the version of the program, the inputs by content, the settings that the stage depends on and
    the bounds of the shards are; others are removed.
    """
    made_from = json.dumps(
        {
            "program_version": program_version(),
            "inputs": input_fingerprints(stage, work.workspace),
            "settings": stage.settings_of(stage.units[0], work.settings),
            "starts": [str(start) for start in starts],
        },
        indent=2,
    )
    folder = _folder(work.workspace, stage.name)
    told = folder / _MADE_FROM
    if not told.is_file() or told.read_text(encoding="utf-8") != made_from:
        remove(folder)
        folder.mkdir(parents=True)
        with written_whole(told) as partial:
            partial.write_text(made_from, encoding="utf-8")
    for left in folder.glob(f".*{PARTIAL}"):
        remove(left)
    return ShardStore(folder)


def forget_shards(workspace: Workspace, stage: str, /) -> None:
    """Remove the shards of a stage whose outputs are published."""
    remove(_folder(workspace, stage))


def _folder(workspace: Workspace, stage: str) -> Path:
    return workspace.path(f"data/.{stage}.shards")
