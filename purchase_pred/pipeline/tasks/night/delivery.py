"""What was delivered for the night, put behind the log: files that are new and hold events."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from purchase_pred.errors import EmptyLogError
from purchase_pred.ingest.files import inspect_file
from purchase_pred.ingest.paths import expand_paths
from purchase_pred.pipeline.engine.fingerprint import fingerprint
from purchase_pred.pipeline.engine.manifest import read_manifest
from purchase_pred.pipeline.engine.parquet import row_count
from purchase_pred.pipeline.engine.runner import Request, run_stages
from purchase_pred.pipeline.engine.workspace import EVENTS_FILE
from purchase_pred.pipeline.stages.append import append_stage
from purchase_pred.pipeline.stages.ingest import ingest_stage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from purchase_pred.pipeline.engine.stage import Observer, Stage
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.settings import Settings

EMPTY: Final = "holds no events"
KNOWN: Final = "is in the log already"

_LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Delivery:
    """What a log format and files are asked to be read as."""

    log_format: str
    files: Sequence[Path] = ()
    """Files and globs; none: a day without events."""
    catalog: Sequence[Path] = ()
    """Files of a product list."""


@dataclass(frozen=True)
class Appended:
    """What became of a delivery."""

    files: tuple[str, ...]
    """Those that were put behind the log."""
    skipped: dict[str, str]
    """Those that were not, and why."""
    added: int
    """Events that the log has gained."""


def append_delivery(workspace: Workspace, settings: Settings, delivery: Delivery, /, *, observer: Observer) -> Appended:
    """Put files behind the log, or make a log of them where there is none.

    A file is known by its content, under whatever name it comes: a night that is run again with the same files leaves
    the log as it is.

    Raises
    ------
    InputError
        A file is missing or cannot be read, too many of its rows were rejected, or they cannot be appended.
    EmptyLogError
        There is no log, and no file holds an event.
    """
    before = _rows(workspace)
    new, skipped = _new_files(workspace, delivery)
    if new:
        try:
            stage = _stage(workspace, settings, delivery, new)
            run_stages([Request(stage)], workspace=workspace, settings=settings, observer=observer)
        except EmptyLogError:
            if before is None:
                raise
            skipped |= dict.fromkeys(map(str, new), EMPTY)
            new = []
    for file, why in skipped.items():
        message = f"{file} {why}, and was left out"
        _LOGGER.warning(message)
        observer.warns(message)
    added = (_rows(workspace) or 0) - (before or 0)
    _LOGGER.info("night: %s files appended, %s left out, %s events more", len(new), len(skipped), added)
    return Appended(tuple(map(str, new)), skipped, added)


def _new_files(workspace: Workspace, delivery: Delivery) -> tuple[list[Path], dict[str, str]]:
    """Return the files whose content the log does not hold, and why each of the others is none of them."""
    held = read_manifest(workspace.path(EVENTS_FILE))
    known = set(held.inputs.values()) if held else set()
    new, skipped = [], {}
    for path in expand_paths(delivery.files) if delivery.files else ():
        found = fingerprint(path)
        if found in known:
            skipped[str(path)] = KNOWN
        elif not _holds_text(path):
            skipped[str(path)] = EMPTY
        else:
            new.append(path)
            known.add(found)
    return new, skipped


def _holds_text(path: Path) -> bool:
    try:
        inspect_file(path)
    except EmptyLogError:
        return False
    return True


def _stage(workspace: Workspace, settings: Settings, delivery: Delivery, new: Sequence[Path]) -> Stage:
    if _rows(workspace) is None:
        return ingest_stage(delivery.log_format, new, catalog=delivery.catalog)
    return append_stage(workspace, delivery.log_format, new, catalog=delivery.catalog, settings=settings)


def _rows(workspace: Workspace) -> int | None:
    """Return how many events there are; None: there is no log."""
    path = workspace.path(EVENTS_FILE)
    return row_count(path) if path.is_file() else None
