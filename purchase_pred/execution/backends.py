"""Who does the jobs, as the settings say: threads of this process, or the workers of a Dask cluster."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from purchase_pred.errors import MissingExtraError
from purchase_pred.execution.dask_cluster import dask_workers
from purchase_pred.execution.launcher import threads
from purchase_pred.execution.memory import PROGRAM_BYTES, events_at_once, memory_limit

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from purchase_pred.execution.launcher import Launcher
    from purchase_pred.settings.execution import ExecutionSettings


def open_launcher(
    settings: ExecutionSettings, /, *, bytes_per_event: int, largest: int, shared: Path
) -> AbstractContextManager[Launcher]:
    """Give whoever does the jobs by the settings.

    Parameters
    ----------
    settings
        Whether threads or Dask do them, and how much memory they may take on this machine.
    bytes_per_event
        What a job takes for each event; the room that jobs take is counted in events.
    largest
        Events of the largest job.
    shared
        A file that all who do jobs read.

    Raises
    ------
    MissingExtraError
        Dask is asked for and not installed.
    ConfigError
        The workers of the cluster are of other versions, or do not see the file.
    WorkspaceError
        The cluster cannot be reached, or has no workers.
    """
    room = events_at_once(memory_limit(settings), bytes_per_event=bytes_per_event)
    if settings.backend == "local":
        return threads(room=room)
    check_backend(settings)
    return dask_workers(
        settings.dask.scheduler, room=room, largest=largest, program=PROGRAM_BYTES // bytes_per_event, shared=shared
    )


def check_backend(settings: ExecutionSettings, /) -> None:
    """Check that who is to do the jobs is installed.

    Raises
    ------
    MissingExtraError
        Dask is asked for and not installed.
    """
    if settings.backend == "local":
        return
    try:
        import_module("distributed")
    except ImportError as error:
        raise MissingExtraError(
            f"execution.backend dask needs Dask, which is not installed ({error}): pip install 'purchase-pred[dask]'"
        ) from error
