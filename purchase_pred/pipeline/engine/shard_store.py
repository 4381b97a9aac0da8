"""Finished shards: kept while their stage runs and over an interruption, and never taken for those of other inputs."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

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


@dataclass(frozen=True)
class ShardStore:
    """A folder of the shards that a stage has finished."""

    folder: Path

    def path(self, name: str, /) -> Path:
        """Return where a shard lies."""
        return self.folder / name

    def holds(self, name: str, /) -> bool:
        """Tell whether a shard is finished."""
        return self.path(name).is_file()

    def making(self, name: str, /) -> AbstractContextManager[Path]:
        """Give a temporary name of this writer alone; only a whole shard takes its own.

        A worker of a cluster that was given up may still be writing what another now makes.
        """
        return written_whole(self.path(name), writer=uuid4().hex)


def open_shards(stage: Stage, work: Work, /, *, starts: Sequence[Any]) -> ShardStore:
    """Return the shards that an interrupted run finished of the same stage, or, if there are none, an empty store.

    They are the same if the version of the program, the inputs by content, the settings that the stage depends on and
    the bounds of the shards are; others are removed. Each kind has a folder of its own, so that whoever still writes
    for a run that has ended never writes here.
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
    kind = hashlib.sha256(made_from.encode()).hexdigest()[:16]
    kinds = _folder(work.workspace, stage.name)
    for other in kinds.glob("*"):
        if other.name != kind:
            with suppress(OSError):  # a worker that was given up may be writing there; a later run removes it
                remove(other)
    folder = kinds / kind
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f".*{PARTIAL}"):
        remove(left)
    return ShardStore(folder)


def forget_shards(workspace: Workspace, stage: str, /) -> None:
    """Remove the shards of a stage whose outputs are published."""
    remove(_folder(workspace, stage))


def _folder(workspace: Workspace, stage: str) -> Path:
    return workspace.path(f"data/.{stage}.shards")
