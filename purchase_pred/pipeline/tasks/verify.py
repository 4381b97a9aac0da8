"""Verification: every output read again and held against its manifest, and what it must be beside that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from polars.exceptions import PolarsError

from purchase_pred import schema
from purchase_pred.errors import InputError, PurchasePredError
from purchase_pred.models import load_model
from purchase_pred.names import MODELS, SPLITS
from purchase_pred.pipeline.engine.claim import claims
from purchase_pred.pipeline.engine.fingerprint import fingerprint, size
from purchase_pred.pipeline.engine.manifest import is_as_written, manifest_fault, manifest_path, read_manifest
from purchase_pred.pipeline.engine.parquet import row_count, scan
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
from purchase_pred.pipeline.models_in_use import model_in_use
from purchase_pred.pipeline.stages.earlier_features import damaged_histories
from purchase_pred.pipeline.tasks.verify_order import order_faults
from purchase_pred.pipeline.tasks.verify_rows import recompute_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from purchase_pred.pipeline.engine.manifest import Manifest
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.schema import Requirement

DATA_FILES: Final[Mapping[str, Mapping[str, Requirement]]] = {
    USERS_FILE: schema.USERS,
    CATALOG_FILE: schema.CATALOG,
    EVENTS_FILE: schema.EVENTS,
    REJECTED_FILE: {},
    LEDGER_FILE: {},
    FIRST_KNOWN_FILE: {},
    TRUTH_FILE: {},
    SESSIONIZED_FILE: schema.SESSIONIZED,
    **{split_events_file(split): schema.SESSIONIZED for split in SPLITS},
    **{features_file(split): {schema.PREDICTION_TIME: schema.TIME_DTYPE} for split in SPLITS},
}
"""Every file that the stages before training write, and the columns that it must have."""
_RAW: Final = (USERS_FILE, CATALOG_FILE, EVENTS_FILE, REJECTED_FILE, LEDGER_FILE, FIRST_KNOWN_FILE, TRUTH_FILE)


@dataclass(frozen=True)
class Difference:
    """Something that is not as it must be."""

    file: str
    """Path within the workspace."""
    found: str


@dataclass(frozen=True)
class Verification:
    """What was looked at, and what is wrong."""

    files: tuple[str, ...]
    """The outputs that were read, by their paths within the workspace."""
    rows: int
    """Feature rows of which values were computed again."""
    values: int
    """Values that were computed again."""
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    """What could not be held against anything."""


def verify(workspace: Workspace, /, *, rows: int, seed: int) -> Verification:
    """Read every output again, and name whatever differs from what its manifest and its stage promise.

    Content, size, rows and columns of each output, its manifest and what is attached to it; that models load; that
    the ids of events are unique, sessions in order and numbered 1, 2, 3 ... per user, and no event lost between the
    stages; and, by plain loops, windows and labels of feature rows drawn at random.

    Parameters
    ----------
    workspace
        No other run may hold it.
    rows
        How many rows of each feature file to compute again.
    seed
        Another seed draws others.

    Raises
    ------
    InputError
        There is no output to verify.
    WorkspaceError
        Another run holds the workspace.
    """
    if not workspace.path("data").is_dir() and not workspace.path(MODELS_FOLDER).is_dir():
        raise InputError(f"{workspace.name} holds no outputs to verify; `purchase-pred run all` makes them")
    with workspace.locked():
        notes: list[str] = []
        files = _outputs(workspace)
        found = [*_unfinished(workspace), *_gone(workspace)]
        faults = {path: list(_file_faults(workspace, path, notes)) for path in files}
        sound = {workspace.relative(path) for path in files if not faults[path]}
        found += [Difference(workspace.relative(path), fault) for path in files for fault in faults[path]]
        found += [Difference(*fault) for fault in order_faults(workspace, sound, notes)]
        again = recompute_rows(workspace, sound, rows=rows, seed=seed, notes=notes)
        found += [Difference(*fault) for fault in again.faults]
    names = tuple(workspace.relative(path) for path in files)
    return Verification(names, again.rows, again.values, tuple(found), tuple(notes))


def _outputs(workspace: Workspace) -> list[Path]:
    """Return the files and model folders that are there."""
    files = [path for path in map(workspace.path, DATA_FILES) if path.is_file()]
    folders = (path for kind in MODELS for path in workspace.path(MODELS_FOLDER).glob(f"{kind}_*_*") if path.is_dir())
    return [*files, *sorted(folders)]


def _unfinished(workspace: Workspace) -> Iterator[Difference]:
    for claim in claims(workspace):
        yield Difference(workspace.relative(claim), "a run was cut off while it published; the next run completes it")
    try:
        model_in_use(workspace)
    except InputError as error:
        yield Difference(f"{MODELS_FOLDER}/in_use.json", str(error))
    for name in damaged_histories(workspace):
        yield Difference(name, "is not as it was written; the next run takes no features over and makes all of them")


def _gone(workspace: Workspace) -> Iterator[Difference]:
    for name in DATA_FILES:
        path = workspace.path(name)
        if not path.is_file() and manifest_path(path).is_file():
            yield Difference(name, "the file is gone, its manifest is there")


def _file_faults(workspace: Workspace, path: Path, notes: list[str]) -> Iterator[str]:
    """Yield what is wrong with one output by itself."""
    manifest = read_manifest(path)
    if manifest is not None:
        yield from _manifest_faults(workspace, path, manifest)
    elif _is_foreign(workspace, path):
        notes.append(f"{workspace.relative(path)} was not written by this program: no manifest tells what it must be")
    else:
        yield manifest_fault(path)
    try:
        if path.is_dir():
            load_model(path)
        else:
            scan(path, DATA_FILES[workspace.relative(path)])
            yield from _row_faults(path, manifest)
    except PurchasePredError as error:
        yield str(error)
    except (PolarsError, OSError) as error:
        yield f"cannot be read ({' '.join(str(error).split())})"


def _manifest_faults(workspace: Workspace, path: Path, manifest: Manifest) -> Iterator[str]:
    if not is_as_written(path):
        yield "its manifest was changed after it was written"
    if manifest.output != workspace.relative(path):
        yield f"its manifest belongs to {manifest.output}"
    found = size(path)
    if found != manifest.bytes:
        yield f"must hold {manifest.bytes:,} bytes, found {found:,}"
    elif fingerprint(path) != manifest.fingerprint:
        yield "its content is not the one that its manifest describes"
    for name, made in manifest.attachments.items():
        attached = workspace.path(name)
        if not attached.is_file():
            yield f"{name} is missing"
        elif fingerprint(attached) != made:
            yield f"{name} is not the file that was made with it"


def _row_faults(path: Path, manifest: Manifest | None) -> Iterator[str]:
    if manifest is not None and manifest.rows is not None:
        found = row_count(path)
        if found != manifest.rows:
            yield f"must hold {manifest.rows:,} rows, found {found:,}"


def _is_foreign(workspace: Workspace, path: Path) -> bool:
    """Tell raw data that was put there by hand from an output that has lost its manifest."""
    raw = [workspace.path(name) for name in _RAW]
    return path in raw and not any(manifest_path(one).exists() for one in raw)
