"""Changes to a workspace on a store: staged beside it, decided by a claim, then carried out, by whoever comes next.

As with the claims of a folder: from the claim on all of the change is there, before it none, for whoever reads by
`objects`; others see outputs first and manifests last.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from purchase_pred.errors import WorkspaceError
from purchase_pred.execution.launcher import side_by_side
from purchase_pred.pipeline.engine.fingerprint import MANIFEST_NAME
from purchase_pred.pipeline.engine.workspace import LOG_FILE, PARTIAL
from purchase_pred.pipeline.store.bucket import ChangedMeanwhileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from purchase_pred.pipeline.store.bucket import Bucket, Found, Note

CLAIM: Final = ".purchase_pred.claim.json"
STAGED: Final = ".purchase_pred.staged/"

_OF_THIS_MACHINE: Final = (PARTIAL, ".claim", ".shards")
_TRANSFERS: Final = 4


@dataclass(frozen=True)
class Stored:
    """Where the content of a file of the workspace lies now."""

    name: str
    etag: str
    size: int


def is_shared(name: str, /) -> bool:
    """Tell whether a file belongs on the store: none of a run in progress, nor the log and locks of a machine.

    Examples
    --------
    >>> [is_shared(name) for name in ("data/raw/users.parquet", "pipeline.log", "data/../../x", "models/.m.partial/a")]
    [True, False, False, False]
    """
    parts = name.split("/")
    plain = PurePosixPath(name).as_posix() == name and not name.startswith("/") and name.isprintable()
    of_machine = name == LOG_FILE or parts[0].startswith(".") or any(part.endswith(_OF_THIS_MACHINE) for part in parts)
    return plain and ".." not in parts and not of_machine


def objects(bucket: Bucket, /) -> dict[str, Stored]:
    """Return where each file of the workspace lies, a change that is decided and not carried out included.

    Raises
    ------
    ChangedMeanwhileError
        A change was carried out while this looked.
    """
    listing = bucket.listing()
    stored = {name: Stored(name, found.etag, found.size) for name, found in listing.items() if is_shared(name)}
    if CLAIM not in listing:
        return stored
    staged, removed = _claimed(bucket.read(CLAIM), listing)
    changed = {name: Stored(at, listing[at].etag, listing[at].size) for name, at in staged.items()}
    return {name: one for name, one in (stored | changed).items() if name not in removed}


def change(
    bucket: Bucket, files: Mapping[str, Path], removed: Iterable[str], /, *, check: Callable[[], None]
) -> dict[str, str]:
    """Write files and remove others, all or none, and return the ETags of what was written.

    `check` raises where this run may no longer write.
    """
    folder = f"{STAGED}{uuid4().hex}/"
    staged = {name: f"{folder}{number:06}" for number, name in enumerate(sorted(files))}
    _each(bucket.upload, [(files[name], at) for name, at in staged.items()])
    check()
    if bucket.write(CLAIM, json.dumps({"folder": folder, "staged": staged, "removed": sorted(removed)})) is None:
        raise WorkspaceError(f"{bucket.address.text}: another run has begun to write meanwhile; run the command again")
    return _carry_out(bucket, staged, removed, check)


def finish(bucket: Bucket, /, *, check: Callable[[], None]) -> None:
    """Carry out what a run had decided when it was cut off, and remove what it had only staged."""
    listing = bucket.listing()
    if CLAIM in listing:
        with suppress(ChangedMeanwhileError):
            _carry_out(bucket, *_claimed(bucket.read(CLAIM), listing), check)
    left = [name for name in bucket.listing() if name.startswith(STAGED) or name == CLAIM]
    bucket.delete(left)


def _carry_out(
    bucket: Bucket, staged: Mapping[str, str], removed: Iterable[str], check: Callable[[], None]
) -> dict[str, str]:
    first = {name: at for name, at in staged.items() if not name.endswith(MANIFEST_NAME)}
    last = {name: at for name, at in staged.items() if name not in first}
    etags: dict[str, str] = {}
    for names in (first, last):
        written = _each(bucket.copy, [(at, name) for name, at in names.items()])
        etags |= dict(zip(names, written, strict=True))
    bucket.delete(removed)
    check()
    bucket.delete([CLAIM])
    bucket.delete(staged.values())
    return etags


def _each(does: Callable[..., str | None], calls: Iterable[tuple[object, ...]]) -> list[str]:
    """Make calls side by side, and return in order what they return."""
    jobs = ((1, lambda call=call: does(*call)) for call in calls)
    return [str(result) for result in side_by_side(jobs, room=_TRANSFERS, at_most=_TRANSFERS)]


def _claimed(note: Note | None, listing: Mapping[str, Found]) -> tuple[dict[str, str], list[str]]:
    """Return what a claim says, if it is one of ours and all that it names is there."""
    if note is None:
        raise ChangedMeanwhileError(CLAIM)
    try:
        content = json.loads(note.text)
        staged = {str(name): str(at) for name, at in content["staged"].items()}
        removed = [str(name) for name in content["removed"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}, []
    if not all(at.startswith(STAGED) for at in staged.values()) or not all(map(is_shared, [*staged, *removed])):
        return {}, []
    if not all(at in listing for at in staged.values()):
        raise ChangedMeanwhileError(CLAIM)
    return staged, removed
