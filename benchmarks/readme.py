"""Write the output of commands into README.md, between the marks that name them, so that none of it is typed.

Run `python -m benchmarks.readme`: it runs the commands in an empty workspace and replaces the blocks.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"<!-- output of: (?P<command>.+?) -->\n.*?<!-- end -->", re.DOTALL)


def output_of(command: str, folder: str) -> str:
    """Run a command of the program in `folder`, or a benchmark, and return what it prints, without trailing blanks."""
    program, *arguments = command.split()
    start = {"purchase-pred": ["-m", "purchase_pred"], "python": []}[program]
    done = subprocess.run(
        [sys.executable, *start, *arguments],
        cwd=README.parent if program == "python" else folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def main() -> None:
    """Replace every marked block of the README, as it stands once all commands have run."""
    commands = [block["command"] for block in BLOCK.finditer(README.read_text())]
    with tempfile.TemporaryDirectory() as folder:
        outputs = {command: output_of(command, folder) for command in commands}

    def fresh(block: re.Match[str]) -> str:
        command = block["command"]
        if command not in outputs:
            return block[0]
        return f"<!-- output of: {command} -->\n```\n{outputs[command]}\n```\n<!-- end -->"

    README.write_text(BLOCK.sub(fresh, README.read_text()))


if __name__ == "__main__":
    main()
