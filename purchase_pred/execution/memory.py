"""How much memory the work may take, and how many events of a log fit it at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from purchase_pred.sizes import parse_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purchase_pred.settings.execution import ExecutionSettings

PROGRAM_BYTES: Final = 400_000_000
"""What the program takes before it holds any event: the libraries, and the buffers of what streams."""
SMALLEST_SHARD: Final = 100_000
"""Events that are always taken at once; with fewer, a shard would cost more than it saves."""

EVENTS_PER_SHARD: Final = 250_000
"""Larger shards of features are no faster. Not a matter of memory: a shard is a row group of the feature files."""
BYTES_PER_EVENT: Final = 2_000
"""What the features of a shard take while they are made, for each of its events."""

_AUTO_SHARE: Final = 0.75
_CGROUPS: Final = Path("/sys/fs/cgroup")
_OWN_CGROUPS: Final = Path("/proc/self/cgroup")
_LIMIT_FILES: Final = ("memory.max", "memory.limit_in_bytes")


def memory_limit(settings: ExecutionSettings, /) -> int:
    """Return the bytes that the work may take.

    Examples
    --------
    >>> from purchase_pred.settings.execution import ExecutionSettings
    >>> memory_limit(ExecutionSettings(memory_limit="4GB"))
    4000000000
    """
    if settings.memory_limit == "auto":
        return int(machine_memory() * _AUTO_SHARE)
    return parse_size(settings.memory_limit)


def machine_memory(*, cgroups: Path = _CGROUPS, own: Path = _OWN_CGROUPS) -> int:
    """Return the bytes of memory of this machine, or of the tightest of the cgroups that this process is in."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_cgroup_limits(cgroups, own)])


def events_at_once(limit: int, /, *, bytes_per_event: float) -> int:
    """Return how many events fit the memory that is left beside the program, and at least `SMALLEST_SHARD`.

    Examples
    --------
    >>> events_at_once(4_000_000_000, bytes_per_event=2_000)
    1800000
    """
    return max(SMALLEST_SHARD, int((limit - PROGRAM_BYTES) / bytes_per_event))


def _cgroup_limits(cgroups: Path, own: Path) -> Iterator[int]:
    """Yield the limits of this process's cgroups and of those around them, of either version."""
    yield from _limits_in(cgroups)  # in a container its own cgroup is mounted there
    try:
        lines = own.read_text(encoding="ascii").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        folder = cgroups / "memory" if controllers else cgroups
        for part in Path(path.lstrip("/")).parts:
            folder /= part
            yield from _limits_in(folder)


def _limits_in(folder: Path) -> Iterator[int]:
    for name in _LIMIT_FILES:
        try:
            text = (folder / name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():  # "max" is no limit
            yield int(text)
