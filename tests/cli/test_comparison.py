"""The sentence about the models that were judged says, where that is so, that it cannot be relied on."""

from __future__ import annotations

import numpy as np
import pytest
from purchase_pred_cli.comparison import verdict

from purchase_pred.metrics import metrics


def document(positives: int) -> dict:
    """What `evaluate` returns of a model with so many positives in test."""
    labels = (np.arange(400) < positives).astype(np.uint8)
    scores = np.linspace(0.9, 0.1, 400)
    found = metrics(labels, scores)
    baselines = dict.fromkeys(("prevalence", "carted_not_bought", "recency", "logistic"), found)
    return {
        "model": "lightgbm",
        "target": {"anchors": "session_close"},
        "splits": {"val": found, "test": found},
        "baselines": baselines,
        "ceiling": None,
    }


@pytest.mark.parametrize("positives", [1, 99])
def test_few_positives_are_said_to_be_too_few_to_judge_by(positives: int) -> None:
    assert verdict([document(positives)]).endswith(
        f" Too small to judge: {positives} positives in test, fewer than 100."
    )


def test_enough_positives_go_without_saying() -> None:
    assert "judge" not in verdict([document(100)])
