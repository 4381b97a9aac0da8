"""The peak memory of this process, as the kernel counts it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_PROCESS = Path("/proc/self")


class Peak:
    """A context that measures resident memory: `bytes_before`, and `bytes` at its peak inside.

    Linux only: the kernel's high-water mark is set back on entry, so that what reading took does not hide what
    computing takes.
    """

    def __enter__(self) -> Self:
        (_PROCESS / "clear_refs").write_text("5")
        self.bytes_before = _status("VmRSS")
        self.bytes = self.bytes_before
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bytes = _status("VmHWM")


def _status(name: str) -> int:
    """Return a size of /proc/self/status in bytes."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", (_PROCESS / "status").read_text(), flags=re.MULTILINE)
    if found is None:
        raise OSError(f"/proc/self/status must name {name}: peak memory is measured on Linux only")
    return int(found[1]) * 1024
