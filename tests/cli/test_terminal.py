"""On a terminal a live line shows the running stage; NO_COLOR takes the colours away."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7]m")


def on_a_terminal(*arguments: str | Path, **environment: str) -> str:
    """Run the installed command with a terminal for its messages and return what the terminal was sent."""
    ours, theirs = pty.openpty()
    command = [Path(sys.executable).with_name("purchase-pred"), *arguments]
    clean = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    environment = {**clean, "TERM": "xterm-256color", "COLUMNS": "120", **environment}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs) as running:
        os.close(theirs)
        sent = b""
        while True:
            try:
                block = os.read(ours, 4096)
            except OSError:  # how Linux says that the other side has closed
                break
            if not block:
                break
            sent += block
        running.communicate(timeout=120)
    os.close(ours)
    assert running.returncode == 0, sent
    return sent.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_shows_the_running_stage(tmp_path: Path, environment: dict[str, str], *, coloured: bool) -> None:
    sent = on_a_terminal("generate", "-w", tmp_path, "--set", "dataset.num_users=200", **environment)

    assert re.search(r"generate +running \d+ s.*peak \d+ MB", sent)
    assert re.search(r"done.* in \d+\.\d s: [\d,]+ rows", sent)
    assert bool(COLOUR.search(sent)) is coloured
