"""A small workspace made by the installed command, once for all tests of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from installed_command import SMALL, purchase_pred

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with everything made; tests must not change it."""
    workspace = tmp_path_factory.mktemp("shop")
    outcome = purchase_pred("run", "all", "-w", workspace, *SMALL)
    assert outcome.code == 0, outcome.err
    return workspace
