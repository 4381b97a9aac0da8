"""A fitted model gives each row its own probability, whatever rows stand beside it."""

from __future__ import annotations

import pytest
from frames import splits

from purchase_pred.models import train_models
from purchase_pred.settings import Settings
from purchase_pred.settings.carried import carried_settings

SMALL = Settings.model_validate(
    {
        "train": {"threads": 1, "lightgbm": {"max_rounds": 10}, "xgboost": {"max_rounds": 10}},
        "target": {"horizon": "1d"},
    }
)
PARTS = splits(rows=2_000)


@pytest.fixture(scope="module")
def models():
    return train_models(PARTS["train"], PARTS["val"], settings=SMALL)


@pytest.mark.parametrize("size", [1, 2, 7, 333])
def test_a_probability_is_the_same_to_the_last_bit_alone_and_among_others(models, size):
    for model in models:
        whole = model.predict(PARTS["test"])
        for start in (0, 5, 401):
            rows = slice(start, start + size)
            assert model.predict(PARTS["test"][rows]).tolist() == whole[rows].tolist(), model.kind


def test_a_model_carries_every_setting_that_its_features_depend_on(models):
    assert [model.feature_settings for model in models] == [carried_settings(SMALL)] * 3
