"""Claims: what a run writes down before its outputs take their names, so that the next one can finish it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.pipeline.engine.fingerprint import flush, flush_entries, modified_ns, size
from purchase_pred.pipeline.engine.workspace import PARTIAL, remove

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.workspace import Workspace

_FOLDER: Final = "data"
_ENDING: Final = ".claim"

Stamp = tuple[int, int] | None
"""Bytes and time of modification of a file or folder; None: there is none."""


@dataclass(frozen=True)
class Move:
    """A file or folder that takes its name; paths are within the workspace."""

    partial: str
    path: str
    before: Stamp
    """What lay under the name when the claim was made."""
    after: Stamp
    """What is to lie there."""


def claims(workspace: Workspace, /) -> list[Path]:
    """Return the claims of runs that were cut off while their outputs took their names."""
    return sorted(workspace.path(_FOLDER).glob(f".*{_ENDING}"))


def is_claimed(workspace: Workspace, stage: str, /) -> bool:
    """Tell whether outputs of a stage are only half published."""
    return _claim_path(workspace, stage).exists()


def take_names(workspace: Workspace, stage: str, names: Mapping[Path, Path], /, *, replaces: Sequence[str]) -> None:
    """Give files and folders their names, in the order given, and remove what they replace beside that.

    Everything must be whole and flushed. The claim is on the disk before the first name is taken and goes when the
    last one is: a run that is cut off in between is finished by `finish`.
    """
    moves = [
        Move(workspace.relative(partial), workspace.relative(path), _stamp(path), _stamp(partial))
        for partial, path in names.items()
    ]
    claim = _claim_path(workspace, stage)
    claim.parent.mkdir(parents=True, exist_ok=True)
    draft = claim.with_name(f"{claim.name}{PARTIAL}")
    draft.write_text(json.dumps({"moves": [asdict(move) for move in moves], "replaces": list(replaces)}))
    flush(draft)
    draft.replace(claim)
    flush_entries(claim.parent)
    _carry_out(workspace, claim, moves, replaces)


def finish(workspace: Workspace, claim: Path, /) -> bool:
    """Finish what a claim says, and tell whether that was possible; the claim is gone then, either way.

    It is not possible where anything but the run that was cut off has touched the files since: then none is touched
    here, and what lies there is judged like any other file, by its manifest.
    """
    found = _read(claim)
    if found is None or not all(_is_pending(workspace, move) or _is_done(workspace, move) for move in found[0]):
        claim.unlink()
        return False
    moves, replaces = found
    _carry_out(workspace, claim, [move for move in moves if _is_pending(workspace, move)], replaces)
    return True


def _carry_out(workspace: Workspace, claim: Path, moves: Sequence[Move], replaces: Sequence[str]) -> None:
    for move in moves:
        partial, path = workspace.path(move.partial), workspace.path(move.path)
        if partial.is_dir():
            remove(path)
        partial.replace(path)
    for name in replaces:
        remove(workspace.path(name))
    for folder in {workspace.path(move.path).parent for move in moves}:
        flush_entries(folder)
    claim.unlink()


def _is_pending(workspace: Workspace, move: Move) -> bool:
    waits = move.after is not None and _stamp(workspace.path(move.partial)) == move.after
    return waits and _stamp(workspace.path(move.path)) in {move.before, None}


def _is_done(workspace: Workspace, move: Move) -> bool:
    return not workspace.path(move.partial).exists() and _stamp(workspace.path(move.path)) == move.after


def _stamp(path: Path) -> Stamp:
    return (size(path), modified_ns(path)) if path.exists() else None


def _claim_path(workspace: Workspace, stage: str) -> Path:
    return workspace.path(f"{_FOLDER}/.{stage}{_ENDING}")


def _read(claim: Path) -> tuple[list[Move], list[str]] | None:
    """Return what a claim says, or None if it is none of ours: empty, damaged, or naming what is no output."""
    try:
        content = json.loads(claim.read_text(encoding="utf-8"))
        moves = [
            Move(str(row["partial"]), str(row["path"]), _read_stamp(row["before"]), _read_stamp(row["after"]))
            for row in content["moves"]
        ]
        replaces = [str(name) for name in content["replaces"]]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    names = [*replaces, *(name for move in moves for name in (move.partial, move.path))]
    ours = all(_is_inside(name) for name in names) and all(move.partial.endswith(PARTIAL) for move in moves)
    return (moves, replaces) if ours else None


def _read_stamp(value: Any) -> Stamp:
    if value is None:
        return None
    count, modified = value
    return int(count), int(modified)


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.parts[:1] in {("data",), ("models",)}
