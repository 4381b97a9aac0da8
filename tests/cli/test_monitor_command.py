"""The command monitor: its verdict as a table and as JSON, and the exit code that a scheduler understands."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from installed_command import purchase_pred

from purchase_pred.errors import InputError
from purchase_pred.models import load_model, save_bundle
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.tasks.monitor import monitor
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from pathlib import Path

FEW = (
    "--no-page",
    "--set",
    "train.threads=1",
    "--set",
    "monitor.users=150",
    "--set",
    "monitor.limits.adversarial_auc=null",
)


def test_a_quiet_shop_ends_with_0_and_every_figure_as_json(shop: Path) -> None:
    outcome = purchase_pred("monitor", "-w", shop, "--json", *FEW)
    found = json.loads(outcome.out)

    assert outcome.code == 0, outcome.err
    assert (found["quiet"], found["limits_passed"]) == (True, [])
    assert {row["check"] for row in found["findings"]} >= {"volume", "price", "hours", "psi", "estimated_drop"}
    assert {row["period"] for row in found["performance"]} == {"validation", "matured", "new"}
    model = json.loads((shop / "models" / found["model"] / "model.json").read_text())
    assert {row["feature"] for row in found["features"]} == {row["name"] for row in model["features"]}


def test_a_limit_that_is_passed_ends_with_3_and_names_the_check(shop: Path) -> None:
    limits = ("--set", "monitor.limits.deviation=0.1", "--set", "monitor.limits.volume=1.01")
    outcome = purchase_pred("monitor", "-w", shop, *FEW, *limits, "--as-of", "2024-09-29")

    assert outcome.code == 3
    assert "findings beyond a limit: volume" in outcome.err
    assert "ALARM" in outcome.out
    assert "as of 2024-09-29 00:00 UTC" in outcome.out
    assert "PR-AUC: estimated from probabilities" in outcome.out


def test_a_moment_that_the_model_has_learnt_from_is_refused(shop: Path) -> None:
    outcome = purchase_pred("monitor", "-w", shop, "--as-of", "2024-09-01")

    assert outcome.code == 2
    assert "has learnt from days up to 2024-09-" in outcome.err
    assert "choose a later --as-of" in outcome.err


def test_a_model_that_does_not_tell_its_days_is_refused_with_the_command_that_trains_one(
    shop: Path, tmp_path: Path
) -> None:
    model = load_model(next((shop / "models").glob("logistic_*/")))
    before = {key: value for key, value in model.training.items() if key != "periods"}
    save_bundle(replace(model, training=before), tmp_path / "old")

    with pytest.raises(InputError, match="does not tell from which days it has learnt") as raised:
        monitor(Workspace(shop), resolve_settings(), model=tmp_path / "old")
    assert "`purchase-pred train --force` trains one that does" in str(raised.value)
