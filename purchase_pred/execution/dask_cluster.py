"""Jobs done by the workers of a Dask cluster, which see the same files as this process."""

from __future__ import annotations

import asyncio
import logging
import os
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from purchase_pred.errors import ConfigError, WorkspaceError
from purchase_pred.execution.launcher import Launcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

CONNECT_SECONDS: Final = 10
"""How long a scheduler may take to answer, and then how long its first worker may take to be there."""
DESERTED_SECONDS: Final = 60
"""How long work waits for a worker where there is none any more."""

_PACKAGES: Final = ("purchase-pred", "polars")
_THREADS: Final = "POLARS_MAX_THREADS"
_LOOK_SECONDS: Final = 2
_GO_ON: Final = "run the command again: shards that are finished are not made again"
_SILENT: Final = logging.CRITICAL + 1
_LOGGERS: Final = ("distributed", "distributed.client", "tornado", "tornado.application")
"""Those that Dask gives handlers of their own on stderr; what they tell comes as an error of ours."""


@contextmanager
def dask_workers(
    scheduler: str | None, /, *, room: int, largest: int, program: int, shared: Path
) -> Iterator[Launcher]:
    """Give the workers of the cluster with that scheduler, or of one on this machine that is closed at the end.

    A job whose worker dies is done again by another. On this machine there are as many workers as cores, and as there
    is room for, each with the largest job and the program; elsewhere every worker needs room for a job per thread.

    Parameters
    ----------
    scheduler
        Its address; None: a cluster on this machine.
    room, largest, program
        What there is on this machine, and what the largest job and the program itself take of it.
    shared
        A file that all workers must see.

    Raises
    ------
    ConfigError, WorkspaceError
        As `open_launcher`.
    """
    with ExitStack() as stack:
        for name in _LOGGERS:
            silenced = _dask("distributed.utils").silence_logging_cmgr(_SILENT, root=name)
            stack.enter_context(silenced)
        workers = max(1, min(_cores(), room // (largest + program)))
        address = scheduler or stack.enter_context(_local_cluster(workers)).scheduler_address
        client = stack.enter_context(_connected(address))
        _check_workers(client, address, shared)
        _share_cores(client)
        submit = partial(_submit, client, address)
        if scheduler:
            yield Launcher(submit, room=float("inf"), at_most=float("inf"))
        else:  # one job more than there are workers, so that none waits for the next
            yield Launcher(submit, room=room - workers * program, at_most=workers + 1)


def _dask(module: str = "distributed") -> Any:
    """Return a module of Dask's, which is no dependency of the program and so has no types here."""
    return import_module(module)


def _cores() -> int:
    """Return the cores that this process may use."""
    return int(_dask("dask.system").CPU_COUNT)


def _local_cluster(workers: int) -> Any:
    """Return a cluster of processes on this machine that share its cores."""
    return _dask().LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",  # of any port; none at all would be that of every cluster
        memory_limit=0,  # the number of workers follows from the limit; one that is killed would only begin anew
        silence_logs=_SILENT,
        preload=["import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"],  # Ctrl-C is for this process alone
        env={_THREADS: str(max(1, _cores() // workers))},
    )


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    try:
        asyncio.run(_greet(address))
        client = _dask().Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, MemoryError) as error:  # the latter two where something else answers
        raise WorkspaceError(
            f"execution.dask.scheduler: no scheduler of Dask answers at {address} within {CONNECT_SECONDS} s; "
            "start one with `dask scheduler`, or name where one runs"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            raise WorkspaceError(
                f"the scheduler at {address} has no workers; start some with `dask worker {address} --nthreads 1`"
            ) from error
        yield client


async def _greet(address: str) -> None:
    """Exchange greetings with a scheduler; a client of Dask waits for them for ever."""
    async with asyncio.timeout(CONNECT_SECONDS):
        comm = await _dask("distributed.comm").connect(address, timeout=CONNECT_SECONDS)
        await comm.close()


def _check_workers(client: Any, address: str, shared: Path) -> None:
    """Check with functions of Python's own library alone, since nothing else need be the same there."""
    for name in _PACKAGES:
        found = client.run(version, name, on_error="return")
        for worker, there in sorted(found.items()):
            _check_version(name, here=version(name), there=there, worker=worker)
    seen: Mapping[str, bool] = client.run(os.path.isfile, str(shared))
    blind = sorted(worker for worker, sees in seen.items() if not sees)
    if blind:
        raise ConfigError(
            f"the workers of {address} must see the workspace under the same path, and {len(blind)} of {len(seen)} do "
            f"not see {shared} (such as {blind[0]}); put the workspace on a file system that all of them share"
        )


def _check_version(name: str, *, here: str, there: str | Exception, worker: str) -> None:
    if there != here:
        found = "none" if isinstance(there, PackageNotFoundError) else there
        raise ConfigError(
            f"client and workers must run the same version of {name}: {here} here, {found} on the worker {worker}; "
            "install the same there, and start it anew"
        )


def _share_cores(client: Any) -> None:
    """Let the workers of a machine share its cores, unless they were told; Polars heeds it at its first import."""
    workers = client.scheduler_info()["workers"]
    told = client.run(os.getenv, _THREADS)
    cores = client.run(os.cpu_count)
    hosts = [worker["host"] for worker in workers.values()]
    for address, worker in workers.items():
        if told.get(address) is None and cores.get(address):
            share = max(1, cores[address] // hosts.count(worker["host"]))
            client.run(os.putenv, _THREADS, str(share), workers=[address])


def _submit(client: Any, address: str, job: Callable[[], Any]) -> _Task:
    versions = {name: version(name) for name in _PACKAGES}
    return _Task(client, address, client.submit(_run_checked, job, versions, pure=False))


def _run_checked(job: Callable[[], Any], versions: Mapping[str, str]) -> Any:
    """Do a job, unless this worker has joined later and is of another version."""
    for name, there in versions.items():
        _check_version(name, here=there, there=version(name), worker=_dask().get_worker().address)
    return job()


@dataclass(frozen=True)
class _Task:
    """A job on the cluster."""

    client: Any
    scheduler: str
    future: Any

    def result(self) -> Any:
        """Wait for the job, and for a worker to do it, which may not take for ever."""
        deserted = 0.0
        while not self._is_done():
            deserted = 0.0 if self._has_workers() else deserted + _LOOK_SECONDS
            if deserted > DESERTED_SECONDS:
                raise WorkspaceError(
                    f"the scheduler at {self.scheduler} has had no workers for {DESERTED_SECONDS} s; start some, and "
                    f"{_GO_ON}"
                )
        try:
            return self.future.result()
        except _dask().KilledWorker as error:
            raise WorkspaceError(
                "the workers that took up one of the shards died, one after the other; they may lack memory: start "
                f"fewer of them on a machine, each with one thread, and {_GO_ON}"
            ) from error
        except CancelledError as error:
            raise self._gone() from error

    def _is_done(self) -> bool:
        """Wait a little, and tell whether the job is done."""
        try:
            _dask().wait([self.future], timeout=_LOOK_SECONDS)
        except TimeoutError:
            return False
        except CancelledError as error:
            raise self._gone() from error
        return True

    def _has_workers(self) -> bool:
        try:
            return bool(self.client.nthreads())
        except (OSError, RuntimeError, ValueError) as error:
            raise self._gone() from error

    def _gone(self) -> WorkspaceError:
        return WorkspaceError(f"the scheduler at {self.scheduler} has gone; start it and its workers, and {_GO_ON}")
