"""Work on a cluster of Dask: the same files, whoever dies; and one sentence where a cluster cannot be worked with."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import ExitStack, suppress
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

if find_spec("distributed") is None:
    pytest.skip("needs the extra: dask", allow_module_level=True)

from dask_processes import scheduler, worker

from purchase_pred.errors import ConfigError, WorkspaceError
from purchase_pred.execution import dask_cluster
from purchase_pred.execution.dask_cluster import dask_workers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from purchase_pred.execution.launcher import Launcher

HERE = Path(__file__)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler, to which each test brings workers of its own."""
    with scheduler(tmp_path_factory.mktemp("scheduler")) as address:
        yield address


def launcher(address: str | None, *, shared: Path = HERE) -> AbstractContextManager[Launcher]:
    return dask_workers(address, room=2, largest=1, program=0, shared=shared)


def greet(port: socket.socket, greeting: bytes) -> None:
    """Say something to whoever connects, and no more."""
    caller, _ = port.accept()
    with caller, suppress(OSError):
        caller.sendall(greeting)
        caller.recv(1 << 16)
        time.sleep(3)


def test_a_cluster_of_this_machine_does_the_jobs_in_order_and_is_closed() -> None:
    with launcher(None) as cluster:
        found = list(cluster.run((1, partial(pow, number, 2)) for number in range(10)))
        pids = set(cluster.run((1, os.getpid) for _ in range(4)))

    assert found == [number**2 for number in range(10)]
    assert os.getpid() not in pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_the_error_of_a_job_is_that_of_the_work(empty, tmp_path) -> None:
    with worker(empty, tmp_path), launcher(empty) as cluster, pytest.raises(ValueError, match="invalid literal"):
        list(cluster.run([(1, partial(int, "shard"))]))


def test_a_job_that_kills_its_workers_is_given_up(tmp_path) -> None:
    told = "died, one after the other; they may lack memory"
    with (
        scheduler(tmp_path, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as address,
        worker(address, tmp_path),
        launcher(address) as cluster,
        pytest.raises(WorkspaceError, match=told),
    ):
        list(cluster.run([(1, partial(os._exit, 1))]))


@pytest.mark.parametrize("greeting", [None, b"", b"SSH-2.0-OpenSSH_9.2 and more\r\n"], ids=["none", "silent", "other"])
def test_a_scheduler_that_does_not_answer_is_told(monkeypatch, greeting) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 1)
    with ExitStack() as stack:
        port = stack.enter_context(socket.socket())
        port.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{port.getsockname()[1]}"
        if greeting is not None:
            port.listen()
            threading.Thread(target=greet, args=(port, greeting), daemon=True).start()
        with pytest.raises(WorkspaceError, match=f"no scheduler of Dask answers at {address} within 1 s"):
            launcher(address).__enter__()


def test_a_scheduler_without_workers_is_told_with_the_command_that_starts_one(monkeypatch, empty) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(WorkspaceError, match=rf"{empty} has no workers; start some with `dask worker {empty}"):
        launcher(empty).__enter__()


def test_work_that_all_workers_have_left_ends(monkeypatch, empty, tmp_path) -> None:
    monkeypatch.setattr(dask_cluster, "DESERTED_SECONDS", 1)
    with ExitStack() as stack:
        started = stack.enter_context(worker(empty, tmp_path))
        cluster = stack.enter_context(launcher(empty))
        started.kill()
        with pytest.raises(WorkspaceError, match="has had no workers for 1 s; start some, and run the command again"):
            list(cluster.run([(1, os.getpid)]))


def test_a_scheduler_that_goes_ends_the_work(tmp_path) -> None:
    with ExitStack() as stack:
        running = ExitStack()
        address = running.enter_context(scheduler(tmp_path))
        stack.enter_context(worker(address, tmp_path))
        cluster = stack.enter_context(launcher(address))
        running.close()
        with pytest.raises(WorkspaceError, match=f"the scheduler at {address} has gone"):
            list(cluster.run([(1, os.getpid)]))


@pytest.mark.parametrize("name", ["purchase-pred", "polars"])
def test_a_worker_of_another_version_is_refused_with_both_versions(empty, tmp_path, name) -> None:
    metadata = tmp_path / f"{name.replace('-', '_')}-0.0.1.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.1\n")
    with worker(empty, tmp_path, PYTHONPATH=str(tmp_path)):
        told = f"same version of {name}: {version(name)} here, 0.0.1 on the worker tcp://"
        with pytest.raises(ConfigError, match=told):
            launcher(empty).__enter__()


def test_a_worker_that_joins_later_is_held_to_the_versions_too(monkeypatch, empty, tmp_path) -> None:
    with worker(empty, tmp_path), launcher(empty) as cluster:
        monkeypatch.setattr(dask_cluster, "version", lambda _: "0.0.1")
        with pytest.raises(ConfigError, match=r"0\.0\.1 here"):
            list(cluster.run([(1, os.getpid)]))


def test_workers_that_do_not_see_the_workspace_are_refused(empty, tmp_path) -> None:
    with worker(empty, tmp_path), pytest.raises(ConfigError, match=r"1 of 1 do not see .*nowhere"):
        launcher(empty, shared=tmp_path / "nowhere").__enter__()


@pytest.mark.parametrize(("told", "expected"), [({}, str(os.cpu_count())), ({"POLARS_MAX_THREADS": "7"}, "7")])
def test_polars_takes_the_share_of_the_cores_unless_it_is_told(empty, tmp_path, told: dict[str, Any], expected) -> None:
    with worker(empty, tmp_path, **{"POLARS_MAX_THREADS": "", **told}), launcher(empty) as cluster:
        assert list(cluster.run([(1, pl.thread_pool_size)])) == [int(expected)]
