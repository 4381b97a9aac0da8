"""The doctor ends with 0 where all is well and with 1 where something is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from installed_command import absent, purchase_pred

if TYPE_CHECKING:
    from pathlib import Path


def test_a_sound_installation_ends_with_0(tmp_path: Path) -> None:
    outcome = purchase_pred("doctor", "-w", tmp_path, "--json")
    checks = {check["name"]: check["state"] for check in json.loads(outcome.out)["checks"]}

    assert outcome.code == 0, outcome.out
    names = {"python", "purchase-pred", "polars", "lightgbm", "xgboost", "scikit-learn", "memory", "disk", "self-test"}
    assert {checks[name] for name in names} == {"right"}


def test_a_library_that_cannot_be_loaded_ends_with_1_and_is_named(tmp_path: Path) -> None:
    outcome = purchase_pred("doctor", "-w", tmp_path, **absent("xgboost", tmp_path))

    assert outcome.code == 1
    assert "cannot be loaded (xgboost is not there)" in outcome.out
    assert "Traceback" not in outcome.err
