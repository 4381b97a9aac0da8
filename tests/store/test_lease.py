"""The lease: one run writes at a time, others are told who or wait, and the dead hold nothing."""

from __future__ import annotations

import json
import os
import socket
import threading
from datetime import timedelta
from importlib.util import find_spec

import pytest
from store_server import BUCKET

from purchase_pred.errors import WorkspaceError
from purchase_pred.pipeline.store import lease
from purchase_pred.pipeline.store.bucket import Bucket

if find_spec("boto3") is None or find_spec("moto") is None:
    pytest.skip("needs the extra s3, and moto[server]", allow_module_level=True)

HELD = rf"another run is writing to this workspace \(process {os.getpid()} on {socket.gethostname()}, since 20.* UTC"


def test_a_second_writer_is_told_who_holds_the_workspace_since_when_and_for_what(machines):
    with (
        machines[0].workspace().locked(),
        pytest.raises(WorkspaceError, match=rf"{HELD}, purchase-pred run all\); wait until it has ended"),
    ):
        machines[1].workspace().locked().__enter__()
    with machines[1].workspace().locked() as held:
        assert held.is_held


def test_a_second_writer_may_wait(machines, monkeypatch):
    monkeypatch.setattr(lease, "_POLL_SECONDS", 0.05)
    first, second = machines[0].workspace().locked(), machines[1].workspace(patience=timedelta(seconds=30))
    first.__enter__()
    ending = threading.Timer(0.3, first.__exit__, (None, None, None))
    ending.start()
    with second.locked() as held:
        assert held.is_held
    ending.join()
    assert [told.endswith("waiting until it has ended") for told in machines[1].told] == [True]


def test_patience_ends(machines, monkeypatch):
    monkeypatch.setattr(lease, "_POLL_SECONDS", 0.05)
    second = machines[1].workspace(patience=timedelta(seconds=0.2))
    with machines[0].workspace().locked(), pytest.raises(WorkspaceError, match=r"still after waiting for 0:00:00\.2"):
        second.locked().__enter__()


def leave(client, machine, **holder):
    """Leave a lease behind as a process that was killed does."""
    content = {"pid": 1, "since": "yesterday", "command": "purchase-pred nightly", "host": "gone", **holder}
    client.put_object(Bucket=BUCKET, Key=f"{machine.prefix}/{lease.LEASE}", Body=json.dumps(content).encode())


def test_a_run_that_died_on_this_copy_does_not_hold_it(client, machines):
    with machines[0].workspace().locked() as held:
        found = json.loads((held.root / ".purchase_pred.copy.json").read_text())
    leave(client, machines[0], host=socket.gethostname(), copy=found["id"])
    with machines[0].workspace().locked():
        pass
    assert (
        machines[0]
        .told[-1]
        .endswith(
            f": taken over from process 1 on {socket.gethostname()}, since yesterday, purchase-pred nightly, "
            "which has ended without giving it back"
        )
    )


def test_a_lease_that_is_not_renewed_runs_out(client, machines, monkeypatch):
    leave(client, machines[0])
    with pytest.raises(WorkspaceError, match=r"process 1 on gone, .*its lease ends 90 s after"):
        machines[0].workspace().locked().__enter__()
    monkeypatch.setattr(lease, "EXPIRY_SECONDS", -1)
    with machines[0].workspace().locked():
        pass


def test_a_lease_that_is_damaged_runs_out_too(client, machines, monkeypatch):
    client.put_object(Bucket=BUCKET, Key=f"{machines[0].prefix}/{lease.LEASE}", Body=b"[1")
    monkeypatch.setattr(lease, "EXPIRY_SECONDS", -1)
    with machines[0].workspace().locked():
        pass


def test_a_lease_is_renewed_while_it_is_held(client, machines, monkeypatch):
    renewed = threading.Event()
    monkeypatch.setattr(lease, "RENEWAL_SECONDS", 0.01)
    write = Bucket.write

    def renews(self, *arguments, over=None):
        if over is not None:
            renewed.set()
        return write(self, *arguments, over=over)

    monkeypatch.setattr(Bucket, "write", renews)
    with machines[0].workspace().locked():
        assert renewed.wait(10)
    assert "Contents" not in client.list_objects_v2(Bucket=BUCKET, Prefix=f"{machines[0].prefix}/")


def test_who_has_lost_the_lease_writes_nothing_any_more(client, machines):
    held = machines[0].workspace().locked()
    held.__enter__().path("monitor.html").write_text("late")
    leave(client, machines[0])
    with pytest.raises(WorkspaceError, match="another has taken the workspace over"):
        held.__exit__(None, None, None)
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=f"{machines[0].prefix}/")["Contents"]
    assert [row["Key"].rpartition("/")[2] for row in found if "staged" not in row["Key"]] == [lease.LEASE]
