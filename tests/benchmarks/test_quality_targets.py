"""A target is met when its whole interval says so, missed when not, and open when nothing was measured."""

from __future__ import annotations

from importlib import import_module

import pytest


@pytest.fixture
def targets():
    return import_module("benchmarks.quality.targets").targets


def difference(mean: float, low: float | None, least: float) -> dict:
    return {"mean": mean, "low": low, "high": None, "least": least, "most": mean}


def met(found: list[dict], beginning: str) -> bool | None:
    (target,) = (target for target in found if target["target"].startswith(beginning))
    return target["met"]


def test_nothing_measured_leaves_every_target_open(targets) -> None:
    assert {target["met"] for target in targets({})} == {None}


@pytest.mark.parametrize(
    ("low", "least", "expected"),
    [(0.01, 0.02, True), (-0.01, 0.02, False), (0.01, -0.02, False), (None, 0.02, False)],
)
def test_a_difference_over_seeds_must_be_clear_and_hold_for_each(targets, low, least, expected) -> None:
    over = {
        "share_of_ceiling": difference(0.71, None, 0.6),
        "booster - logistic": difference(0.03, low, least),
        "logistic - rule": difference(0.3, 0.2, 0.2),
        "ece": {**difference(0.004, None, 0.003), "most": 0.006},
    }
    found = targets({"seeds": {"over_seeds": over}})
    assert met(found, "default world: PR-AUC of best booster - logistic") is expected
    assert met(found, "default world: PR-AUC of logistic - best rule") is True
    assert met(found, "default world: PR-AUC of the best booster / ceiling") is True
    assert met(found, "default world: ECE of the best booster, mean") is True
    assert met(found, "default world: ECE of the best booster, worst seed") is False


def test_on_cdnow_the_model_that_validation_chose_is_held_against_every_rival(targets) -> None:
    rows = [
        {"ours": ours, "rival": "BG/NBD", "figure": figure, "mean": 0.1, "low": low, "high": 0.2}
        for ours, low in (("logistic", 0.05), ("lightgbm", -0.05))
        for figure in ("average_precision", "log_loss")
    ]
    eces = {"logistic": 0.02, "BG/NBD": 0.01, "recency/frequency": 0.03, "recency/frequency/age": 0.04}
    models = [{"name": name, "ece": ece} for name, ece in eces.items()]
    found = targets({"cdnow": {"chosen": "logistic", "differences": rows, "models": models}})
    assert met(found, "CDNOW, PR-AUC: ours - BG/NBD") is True
    assert met(found, "CDNOW, log-loss: less than BG/NBD") is True
    assert met(found, "CDNOW, PR-AUC: ours - recency/frequency/age") is None
    assert met(found, "CDNOW: ECE") is False


def test_the_head_of_otto_needs_a_verdict_from_the_program(targets) -> None:
    assert met(targets({"otto": {"verdict": None, "positives": 3}}), "OTTO") is False
    assert met(targets({"otto": {"verdict": "Too small to judge.", "positives": 3}}), "OTTO") is True


def test_training_may_take_a_quarter_more_than_the_bare_booster(targets) -> None:
    found = targets({"training": {"lightgbm": {"times_bare": 1.25}, "xgboost": {"times_bare": 1.26}}})
    assert met(found, "training time: lightgbm") is True
    assert met(found, "training time: xgboost") is False


def test_only_targets_that_were_measured_are_counted(targets) -> None:
    in_words = import_module("benchmarks.quality.tables").in_words
    assert list(in_words({"parts": {}, "targets": targets({})})) == []
    one = {"target": "this", "met": True}, {"target": "that", "met": False}, {"target": "other", "met": None}
    assert list(in_words({"parts": {}, "targets": one})) == ["1 of 2 targets met; missed: that"]
