"""Whether something else is running: how many cores others keep busy while this process waits."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

STAT: Final = Path("/proc/stat")
BUSY: Final = 0.3
"""Cores busy before a run, above which its seconds on the clock are too many."""


def busy_cores(seconds: float = 2.0, /) -> float:
    """Return how many cores are busy on average over so many seconds; the mean load where the kernel does not tell."""
    if not STAT.is_file():
        return os.getloadavg()[0]
    started, before = time.monotonic(), _busy_ticks()
    time.sleep(seconds)
    ticks = (_busy_ticks() - before) / os.sysconf("SC_CLK_TCK")
    return round(ticks / (time.monotonic() - started), 2)


def _busy_ticks() -> int:
    """Return the ticks of all cores since the start, but for those idle or waiting for a disk."""
    ticks = [int(word) for word in STAT.read_text().splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4]
