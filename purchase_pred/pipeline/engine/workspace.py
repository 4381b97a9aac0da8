"""A workspace: the folder whose files the stages read and write, one run at a time."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from filelock import FileLock, Timeout

from purchase_pred.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

USERS_FILE: Final = "data/raw/users.parquet"
CATALOG_FILE: Final = "data/raw/item_catalog.parquet"
EVENTS_FILE: Final = "data/raw/clickstream_events.parquet"
REJECTED_FILE: Final = "data/raw/rejected.parquet"
LEDGER_FILE: Final = "data/raw/ledger.parquet"
FIRST_KNOWN_FILE: Final = "data/raw/first_known.parquet"
"""With the ledger, what is kept of an ingested log so that further files can be added to it."""
TRUTH_FILE: Final = "data/raw/truth.parquet"
"""What was behind the events of a synthetic shop; read to tell what could be known, never to predict."""
SESSIONIZED_FILE: Final = "data/processed/sessionized_events.parquet"
MODELS_FOLDER: Final = "models"
LOG_FILE: Final = "pipeline.log"
LOCK_FILE: Final = ".purchase_pred.lock"
PARTIAL: Final = ".partial"
"""How the temporary names end under which files and folders are made."""

_FOLDERS: Final = ("data", "data/raw", "data/processed", "data/features", MODELS_FOLDER)
_MODEL_PICKLE: Final = re.compile(r"[a-z]+_\d{8}_\d{6}\.pkl")
_PROBE: Final = 1 << 16
_POLL_SECONDS: Final = 0.2
_HOLDER_FILE: Final = ".purchase_pred.lock.json"

_LOGGER: Final = logging.getLogger(__name__)


def split_events_file(split: str, /) -> str:
    """Return where the events of a split lie."""
    return f"data/processed/{split}_events.parquet"


def features_file(split: str, /) -> str:
    """Return where the features of a split lie."""
    return f"data/features/{split}_features.parquet"


class Origin(Protocol):
    """What the folder of a workspace is a copy of."""

    name: str
    """Its address as the user types it."""

    def held(
        self, holder: Mapping[str, object], /, *, patience: timedelta, tells: Callable[[str], None]
    ) -> AbstractContextManager[object]:
        """Hold it against the runs of other machines: all it holds is in the folder then, and goes back at the end."""

    def send(self) -> None:
        """Write to it what has changed in the folder, all or nothing; only while it is held."""


class ItsOwnFolder:
    """The origin of a workspace that is no copy."""

    name = ""

    def held(
        self, _: Mapping[str, object], /, *, patience: timedelta, tells: Callable[[str], None]
    ) -> AbstractContextManager[object]:
        """Do nothing: the lock of the folder is enough."""
        del patience, tells
        return nullcontext()

    def send(self) -> None:
        """Do nothing: what is in the folder is where it belongs."""


_ITS_OWN_FOLDER: Final = ItsOwnFolder()


@dataclass(frozen=True)
class Workspace:
    """A folder with `data/`, `models/` and `pipeline.log`; paths within it are relative texts with slashes."""

    root: Path
    command: str = ""
    """What the one who opened it does, for others who want to write to it meanwhile."""
    patience: timedelta = timedelta()
    """How long to wait for another run that holds it."""
    tells: Callable[[str], None] = _LOGGER.info
    """Is told for whom it waits."""
    is_held: bool = False
    """Whether this run holds it already."""
    origin: Origin = _ITS_OWN_FOLDER
    """What its folder is a copy of."""

    @property
    def name(self) -> str:
        """What its user knows it by: the folder, or the address of what that is a copy of."""
        return self.origin.name or str(self.root)

    def path(self, relative: str, /) -> Path:
        """Return where a file of the workspace lies."""
        return self.root / relative

    def resolved(self) -> Workspace:
        """Return the workspace under its absolute path, which says the same in every process."""
        return Workspace(self.root.resolve())

    def relative(self, path: Path, /) -> str:
        """Return the path of a file within the workspace, with slashes."""
        return path.relative_to(self.root).as_posix()

    def partial(self, relative: str, /) -> Path:
        """Return the temporary name, in the same folder, under which a file or folder is made; the folder exists."""
        path = self.path(relative)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.with_name(f".{path.name}{PARTIAL}")

    def leftovers(self) -> list[Path]:
        """Return what interrupted runs left under temporary names, and pickles whose models are gone."""
        partials = (path for folder in _FOLDERS for path in self.path(folder).glob(f".*{PARTIAL}"))
        pickles = (path for path in self.path(MODELS_FOLDER).glob("*.pkl") if _MODEL_PICKLE.fullmatch(path.name))
        return sorted([*partials, *(path for path in pickles if not path.with_suffix("").exists())])

    def clean(self) -> list[str]:
        """Remove what interrupted runs left, and return its names; only the holder of the lock may."""
        leftovers = self.leftovers()
        for path in leftovers:
            remove(path)
        return [self.relative(path) for path in leftovers]

    @contextmanager
    def locked(self) -> Iterator[Workspace]:
        """Hold the workspace against other runs; yield it as one that is held, for steps that would each hold it.

        Raises
        ------
        WorkspaceError
            Another run holds it, and still does when patience ends; names its process, since when, and what it does.
        """
        if self.is_held:
            yield self
            return
        self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path(LOCK_FILE))
        self._acquire(lock)
        try:
            holder = {
                "pid": os.getpid(),
                "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
                "command": self.command,
            }
            self.path(_HOLDER_FILE).write_text(json.dumps(holder), encoding="utf-8")
            with self.origin.held(holder, patience=self.patience, tells=self.tells):
                yield replace(self, is_held=True)
        finally:
            self.path(_HOLDER_FILE).unlink(missing_ok=True)
            lock.release()

    def _acquire(self, lock: FileLock) -> None:
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            held = f"{self.name}: another run is writing to this workspace ({self._holder()})"
            if not self.patience:
                raise WorkspaceError(f"{held}; wait until it has ended, by --wait for instance, or stop it") from error
            self.tells(f"{held}; waiting until it has ended")
            try:
                lock.acquire(timeout=self.patience.total_seconds(), poll_interval=_POLL_SECONDS)
            except Timeout as late:
                raise WorkspaceError(
                    f"{self.name}: after waiting for {self.patience} another run is still writing to this workspace "
                    f"({self._holder()}); wait longer, or stop it"
                ) from late

    def _holder(self) -> str:
        try:
            holder = json.loads(self.path(_HOLDER_FILE).read_text(encoding="utf-8"))
            doing = f", {holder['command']}" if holder.get("command") else ""
            return f"process {holder['pid']}, since {holder['since']}{doing}"
        except (OSError, ValueError, KeyError):
            return "a process that has only just begun"


def disk_fault(paths: Iterable[Path], /) -> OSError | None:
    """Return why half-written files cannot be written on with, asking the system; None: they can be.

    Whoever writes a file may tell no more than that it could not be finished.
    """
    for path in paths:
        try:
            if path.is_file():
                with path.open("ab") as stream:
                    stream.write(bytes(_PROBE))
        except OSError as error:
            return error
    return None


def remove(path: Path, /) -> None:
    """Remove a file or a whole folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
