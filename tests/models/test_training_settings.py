from __future__ import annotations

from pathlib import Path

import yaml

from purchase_pred.settings.nightly import NightlySettings
from purchase_pred.settings.training import TrainSettings

SHIPPED = Path(__file__).parents[2] / "configs" / "model_training.yaml"


def test_the_shipped_file_names_every_key_with_its_default():
    shipped = yaml.safe_load(SHIPPED.read_text())
    assert list(shipped) == ["train", "nightly"]
    assert shipped["train"] == TrainSettings().model_dump(mode="json")
    assert shipped["nightly"] == NightlySettings().model_dump(mode="json")
