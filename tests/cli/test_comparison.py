"""The sentence about the models that were judged says, where that is so, that it cannot be relied on."""

from __future__ import annotations

import numpy as np
import pytest
from purchase_pred_cli.comparison import print_comparison, verdict

from purchase_pred.evaluation.spend import MEAN_AMOUNT, spend_metrics
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


def test_of_expected_spend_error_and_money_in_the_top_are_shown_beside_the_rule(
    capsys: pytest.CaptureFixture[str],
) -> None:
    realised = [0.0] * 95 + [20.0] * 5
    test = spend_metrics(realised, [1.0] * 90 + [8.0] * 10)
    rule = spend_metrics(realised, [2.0] * 100)
    print_comparison([document(100) | {"spend": {"test": test, MEAN_AMOUNT: rule}}])

    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    start = lines.index("test, expected spend of 100 rows")
    figures = [line.split("  ") for line in lines[start + 1 : start + 4]]
    assert [[cell.strip() for cell in row if cell.strip()] for row in figures] == [
        ["mean amount", "lightgbm"],
        ["mean absolute error", f"{rule['mean_absolute_error']:.2f}", f"{test['mean_absolute_error']:.2f}"],
        ["money in the top 10 %", "0.1000", "1.00"],
    ]


def test_models_without_expected_spend_have_no_table_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_comparison([document(100)])
    assert "spend" not in capsys.readouterr().out


def test_of_several_horizons_the_ceiling_is_said_to_be_that_of_the_longest() -> None:
    one = document(100) | {"ceiling": document(100)["splits"]["test"]}
    one["target"] = {"anchors": "session_close", "horizon": "7d"}
    several = one | {"horizons": {"14h": {}, "7d": {}}}

    assert verdict([several]).endswith(" The ceiling is that of the longest horizon, 7d.")
    assert "horizon" not in verdict([one])
    assert "horizon" not in verdict([several | {"ceiling": None}])
