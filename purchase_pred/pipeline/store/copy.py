"""The copy of a workspace in a folder of this machine, on which all work is done: brought up to date, and sent back."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from filelock import FileLock, Timeout

from purchase_pred.errors import WorkspaceError
from purchase_pred.execution.launcher import side_by_side
from purchase_pred.pipeline.engine.claim import claims
from purchase_pred.pipeline.engine.fingerprint import fingerprint
from purchase_pred.pipeline.engine.publish import written_whole
from purchase_pred.pipeline.engine.workspace import LOCK_FILE, Workspace
from purchase_pred.pipeline.store.address import store_address
from purchase_pred.pipeline.store.bucket import Bucket, ChangedMeanwhileError
from purchase_pred.pipeline.store.changes import change, finish, is_shared, objects
from purchase_pred.pipeline.store.lease import Lease, leased

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import timedelta
    from pathlib import Path

    from purchase_pred.pipeline.store.address import StoreAddress
    from purchase_pred.pipeline.store.changes import Stored

_STATE_FILE: Final = ".purchase_pred.copy.json"
_LOOKS: Final = 5
_TRANSFERS: Final = 4
_MEGABYTE: Final = 1e6

_LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Copied:
    """A file as it was when it was last the same as its object."""

    etag: str
    size: int
    modified_ns: int
    fingerprint: str

    @classmethod
    def of(cls, path: Path, etag: str, found: str) -> _Copied:
        """Return a file as it is now."""
        stat = path.stat()
        return cls(etag, stat.st_size, stat.st_mtime_ns, found)

    def is_untouched(self, path: Path) -> bool:
        """Tell whether the file is still as it was, by size and time."""
        return path.is_file() and (path.stat().st_size, path.stat().st_mtime_ns) == (self.size, self.modified_ns)


def opened(workspace: Workspace, /) -> Workspace:
    """Return a workspace at an address on a store as the copy of it on this machine, brought up to date; others as is.

    Raises
    ------
    MissingExtraError, ConfigError, WorkspaceError
        The store cannot be worked with; see `Bucket`.
    """
    address = store_address(workspace.root)
    if address is None:
        return workspace
    copy = LocalCopy(address)
    copy.refresh(workspace.tells)
    return replace(workspace, root=copy.folder, origin=copy)


class LocalCopy:
    """The copy of the workspace at an address; the origin of the workspace in its folder."""

    def __init__(self, address: StoreAddress, /) -> None:
        """Greet the store; raises as `Bucket`."""
        self.name = address.text
        self.folder = address.folder()
        self._bucket = Bucket(address)
        self._lease: Lease | None = None
        self._id = uuid4().hex
        self._files: dict[str, _Copied] = {}

    def refresh(self, tells: Callable[[str], None], /) -> None:
        """Bring the copy up to date for who only reads; a run of this machine that holds it keeps it so itself."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with suppress(Timeout), FileLock(self.folder / LOCK_FILE, timeout=0):
            self._bring(tells)

    @contextmanager
    def held(
        self, holder: Mapping[str, object], /, *, patience: timedelta, tells: Callable[[str], None]
    ) -> Iterator[None]:
        """Hold the workspace on the store, with the copy up to date; the lock of the folder is held already."""
        self._read_state()
        with leased(self._bucket, holder, copy=self._id, patience=patience, tells=tells) as self._lease:
            finish(self._bucket, check=self._lease.check)
            self._bring(tells)
            yield
            self.send()

    def send(self) -> None:
        """Write to the store what has changed in the folder, all or nothing."""
        if self._lease is None:
            raise WorkspaceError(f"{self.name}: only a run that holds the workspace may write to it")
        there = self._shared_files()
        touched = {name: path for name, path in there.items() if not self._is_known(name, path)}
        prints = {name: fingerprint(path) for name, path in touched.items()}
        changed = {name: path for name, path in touched.items() if not self._holds(name, prints[name])}
        removed = sorted(self._files.keys() - there.keys())
        etags = {name: self._files[name].etag for name in touched if name not in changed}
        if changed or removed:
            etags |= change(self._bucket, changed, removed, check=self._lease.check)
            _LOGGER.info("%s: %d files written, %d removed", self.name, len(changed), len(removed))
        if etags or removed:
            self._files |= {name: _Copied.of(there[name], etag, prints[name]) for name, etag in etags.items()}
            self._files = {name: one for name, one in self._files.items() if name in there}
            self._write_state()

    def _bring(self, tells: Callable[[str], None]) -> None:
        """Make the folder what the store holds, unless nobody else has written there since this machine did.

        Then what is new in the folder was finished here and not yet sent: the next that holds the workspace sends it.
        """
        self._read_state()
        for _ in range(_LOOKS):
            with suppress(ChangedMeanwhileError):
                stored = objects(self._bucket)
                if not self._is_as_left(stored):
                    self._take(stored, tells)
                return
        raise WorkspaceError(f"{self.name}: changes faster than it can be read; run the command again")

    def _is_as_left(self, stored: Mapping[str, Stored]) -> bool:
        etags = {name: one.etag for name, one in stored.items()}
        # a file that is missing may have been cleaned away with others of the cache: nothing is concluded from it
        return etags == {name: one.etag for name, one in self._files.items()} and all(
            (self.folder / name).is_file() for name in self._files
        )

    def _take(self, stored: Mapping[str, Stored], tells: Callable[[str], None]) -> None:
        kept = {
            name: self._files[name]
            for name, one in stored.items()
            if name in self._files
            and self._files[name].etag == one.etag
            and self._files[name].is_untouched(self.folder / name)
        }
        for claim in claims(Workspace(self.folder)):
            claim.unlink()  # of a run that was cut off; what it had made is not what the store holds now
        for name, path in self._shared_files().items():
            if name not in stored:
                _remove(path, self.folder)
        self._files = kept
        self._write_state()
        wanted = {name: one for name, one in stored.items() if name not in kept}
        if wanted:
            size = sum(one.size for one in wanted.values()) / _MEGABYTE
            tells(f"{self.name}: bringing {len(wanted)} of {len(stored)} files, {size:,.1f} MB, to {self.folder}")
        try:
            jobs = ((1, lambda one=one, name=name: self._download(name, one)) for name, one in wanted.items())
            for name, copied in side_by_side(jobs, room=_TRANSFERS, at_most=_TRANSFERS):
                self._files[name] = copied
        finally:
            self._write_state()

    def _download(self, name: str, one: Stored) -> tuple[str, _Copied]:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial:
            found = self._bucket.download(one.name, partial, etag=one.etag)
        return name, _Copied.of(path, one.etag, found)

    def _shared_files(self) -> dict[str, Path]:
        found = {path.relative_to(self.folder).as_posix(): path for path in sorted(self.folder.rglob("*"))}
        return {name: path for name, path in found.items() if is_shared(name) and path.is_file()}

    def _is_known(self, name: str, path: Path) -> bool:
        return name in self._files and self._files[name].is_untouched(path)

    def _holds(self, name: str, found: str) -> bool:
        return name in self._files and self._files[name].fingerprint == found

    def _read_state(self) -> None:
        """Read what was the same on both sides; where nothing tells, what lies in the folder is not kept."""
        try:
            content: Any = json.loads((self.folder / _STATE_FILE).read_text(encoding="utf-8"))
            files = {str(name): _Copied(**one) for name, one in content["files"].items()}
            self._id, self._files = str(content["id"]), files
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            for path in self._shared_files().values():
                _remove(path, self.folder)
            self._files = {}
            self._write_state()

    def _write_state(self) -> None:
        content = {"id": self._id, "files": {name: asdict(one) for name, one in self._files.items()}}
        with written_whole(self.folder / _STATE_FILE) as partial:
            partial.write_text(json.dumps(content), encoding="utf-8")


def _remove(path: Path, folder: Path) -> None:
    """Remove a file, and the folders that it leaves empty."""
    path.unlink()
    for parent in path.parents:
        if parent == folder or any(parent.iterdir()):
            return
        parent.rmdir()
