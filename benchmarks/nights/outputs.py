"""What two workspaces hold, set beside each other byte for byte, whenever their models were trained."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from purchase_pred.pipeline.engine.fingerprint import fingerprint
from purchase_pred.pipeline.models_in_use import read_history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from purchase_pred.pipeline.engine.workspace import Workspace

_MODEL: Final = re.compile(r"[a-z]+_\d{8}_\d{6}")
_PARTS: Final = ("booster.txt", "calibrator.json", "metrics.json")


def differing_files(one: Workspace, other: Workspace, /) -> Iterator[str]:
    """Yield the data files, the parts of models and the lists that are not the same to the byte.

    Models are named by the moment of their training: they are the same if all else is, in their order.
    """
    patterns = ("data/*/*.parquet", "lists/*.csv")
    names = {
        workspace.relative(path)
        for workspace in (one, other)
        for pattern in patterns
        for path in workspace.root.glob(pattern)
    }
    pairs = {name: (one.path(name), other.path(name)) for name in sorted(names)}
    histories = [[change.model for change in read_history(workspace)] for workspace in (one, other)]
    if len(histories[0]) != len(histories[1]):
        yield "models in use"
    folders = [sorted(workspace.path("models").glob("*_*_*/")) for workspace in (one, other)]
    if len(folders[0]) != len(folders[1]):
        yield "models"
    for number, models in enumerate(zip(*folders, strict=False)):
        for name in _PARTS:
            pairs[f"model {number} {name}"] = (models[0] / name, models[1] / name)
    for name, (first, second) in pairs.items():
        if not (first.is_file() and second.is_file()) or _content(first) != _content(second):
            yield name


def _content(path: Path) -> str:
    """Return the fingerprint of a file, of one that names models what it says but for their names."""
    return _MODEL.sub("", path.read_text()) if path.suffix in {".csv", ".json"} else fingerprint(path)
