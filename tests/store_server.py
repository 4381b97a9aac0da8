"""A store as a process of its own on this machine, and workspaces on it as several machines see them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.store.copy import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

SECRET = "a-secret-of-nobody"  # noqa: S105  (and nobody's it is)
BUCKET = "shops"


@contextmanager
def store(log: Path) -> Iterator[str]:
    """Run moto's server, and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as said:
        started = subprocess.Popen(command, stdout=said, stderr=said)
        try:
            yield _answering(f"http://127.0.0.1:{port}", log)
        finally:
            started.kill()
            started.wait(10)


class Machine:
    """A machine of its own, which has nothing but its folder for copies."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cache: Path, prefix: str) -> None:
        self.monkeypatch = monkeypatch
        self.cache = cache
        self.prefix = prefix
        self.told: list[str] = []

    def workspace(self, **options: Any) -> Workspace:
        """Open the workspace as this machine."""
        self.monkeypatch.setenv("XDG_CACHE_HOME", str(self.cache))
        tells: Callable[[str], None] = self.told.append
        root = Path(f"s3://{BUCKET}/{self.prefix}")
        return opened(Workspace(root, command="purchase-pred run all", tells=tells, **options))


def _answering(address: str, log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urlopen(f"{address}/moto-api/", timeout=1):  # noqa: S310
                return address
        except (URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError(log.read_text())
