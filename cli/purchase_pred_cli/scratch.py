"""A place for what drawing needs on the disk, where the system offers none."""

import os
import tempfile
from pathlib import Path

_CACHE = ".cache/matplotlib"


def offer_scratch(workspace: Path, /) -> None:
    """Let matplotlib keep its list of fonts in the workspace if no temporary folder can be written to.

    Without any folder it would refuse to be imported, and no report could be drawn.
    """
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        os.environ["MPLCONFIGDIR"] = str(workspace.absolute() / _CACHE)
