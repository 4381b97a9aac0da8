"""Training tells what it learnt from, and warns of scores that nothing could make into probabilities."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from installed_command import SMALL, purchase_pred

if TYPE_CHECKING:
    from pathlib import Path

TINY = (*SMALL, "--set", "dataset.num_users=60", "--set", "train.models=[logistic]")


def test_scores_that_are_not_calibrated_are_warned_of_and_model_json_says_why(tmp_path: Path) -> None:
    outcome = purchase_pred("run", "all", "-w", tmp_path, *TINY)

    assert outcome.code == 0, outcome.err
    described = json.loads(next(tmp_path.glob("models/*/model.json")).read_text())["training"]
    why = described["calibration"]["why"]
    assert "rows to calibrate on are positive" in why
    log = (tmp_path / "pipeline.log").read_text()
    assert (
        f"warning: {next(tmp_path.glob('models/logistic_*/')).name}: its scores are not calibrated: {why}"
        in outcome.err
    )
    assert f"its scores are not calibrated: {why}" in log
    assert f"learnt from {described['rows']:,} of {described['rows']:,} rows: {described['sampling']['why']}" in log
