"""Leases: one run at a time writes to a workspace on a store, and one that has died does not hold it for ever."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from purchase_pred.errors import PurchasePredError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import timedelta

    from purchase_pred.pipeline.store.bucket import Bucket, Note

LEASE: Final = ".purchase_pred.lease.json"
EXPIRY_SECONDS: Final = 90
"""How old a lease may get, by the clock of the store, before others may take it over."""
RENEWAL_SECONDS: Final = 20

_POLL_SECONDS: Final = 1.0


class Lease:
    """The right to write, renewed by a thread while it is held."""

    def __init__(self, bucket: Bucket, text: str, etag: str, /) -> None:
        """Hold the lease that was written as `text`."""
        self._bucket = bucket
        self._text = text
        self._etag: str | None = etag
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew_again, daemon=True)
        self._renewing.start()

    def check(self) -> None:
        """Renew the lease now.

        Raises
        ------
        WorkspaceError
            Another run has taken it over.
        """
        self._renew()
        if self._etag is None:
            raise WorkspaceError(
                f"{self._bucket.address.text}: this run did not reach the store for more than {EXPIRY_SECONDS} s, and "
                "another has taken the workspace over; what was not yet written there stays unwritten: run again"
            )

    def give_back(self) -> None:
        """Let others write."""
        self._ended.set()
        self._renewing.join()
        with suppress(PurchasePredError):  # it then ends by itself
            self._renew()
            if self._etag is not None:
                self._bucket.delete([LEASE])

    def _renew_again(self) -> None:
        while not self._ended.wait(RENEWAL_SECONDS):
            with suppress(PurchasePredError):  # the next time, or the next change, tells
                self._renew()

    def _renew(self) -> None:
        with self._lock:
            if self._etag is not None:
                self._etag = self._bucket.write(LEASE, self._text, over=self._etag)


@contextmanager
def leased(
    bucket: Bucket,
    holder: Mapping[str, object],
    /,
    *,
    copy: str,
    patience: timedelta,
    tells: Callable[[str], None],
) -> Iterator[Lease]:
    """Hold the lease of a workspace; `copy` names the copy that this run, and no other, works on.

    Raises
    ------
    WorkspaceError
        Another run holds it, and still does when patience ends.
    """
    mine = {**holder, "host": socket.gethostname(), "copy": copy, "token": uuid4().hex}
    lease = _take(bucket, mine, patience, tells)
    try:
        yield lease
    finally:
        lease.give_back()


def _take(bucket: Bucket, mine: Mapping[str, object], patience: timedelta, tells: Callable[[str], None]) -> Lease:
    text = json.dumps(mine)
    ends = time.monotonic() + patience.total_seconds()
    waits = False
    while True:
        etag = bucket.write(LEASE, text)
        found = None if etag else bucket.read(LEASE)
        if found is not None and _is_over(found, mine):
            etag = bucket.write(LEASE, text, over=found.etag)
            if etag:
                tells(f"{bucket.address.text}: taken over from {_told(found)}, which has ended without giving it back")
        if etag:
            return Lease(bucket, text, etag)
        if found is None:  # it has just been given back
            continue
        held = f"{bucket.address.text}: another run is writing to this workspace ({_told(found)})"
        if time.monotonic() >= ends:
            raise WorkspaceError(_refusal(held, patience))
        if not waits:
            tells(f"{held}; waiting until it has ended")
            waits = True
        time.sleep(_POLL_SECONDS)


def _refusal(held: str, patience: timedelta) -> str:
    ends = f"if it has died, its lease ends {EXPIRY_SECONDS} s after"
    if patience:
        return f"{held}, still after waiting for {patience}; wait longer, or stop it; {ends}"
    return f"{held}; wait until it has ended, by --wait for instance, or stop it; {ends}"


def _is_over(found: Note, mine: Mapping[str, object]) -> bool:
    """Tell whether a holder has gone: it has not renewed, or worked on the copy whose lock is ours now."""
    holder = _read(found)
    return found.age > EXPIRY_SECONDS or all(holder.get(name) == mine[name] for name in ("host", "copy"))


def _told(found: Note) -> str:
    holder = _read(found)
    doing = f", {holder['command']}" if holder.get("command") else ""
    return f"process {holder.get('pid')} on {holder.get('host')}, since {holder.get('since')}{doing}"


def _read(found: Note) -> dict[str, object]:
    with suppress(ValueError, RecursionError):
        holder = json.loads(found.text)
        if isinstance(holder, dict):
            return holder
    return {}
