from __future__ import annotations

import itertools
import sys
from datetime import timedelta

import polars as pl
import pytest
import yaml
from frames import START, splits

from purchase_pred.errors import MissingExtraError, UnsupportedTargetError
from purchase_pred.models import tuning
from purchase_pred.models.rows.folds import later_folds, rolling_folds
from purchase_pred.models.tuning import TuningStep, tune, with_settings
from purchase_pred.settings import Settings

TRAIN = splits(rows=3_000)["train"]
SETTINGS = Settings.model_validate(
    {
        "train": {
            "threads": 1,
            "xgboost": {"max_rounds": 20},
            "lightgbm": {"max_rounds": 20},
            "early_stopping_rounds": 5,
        }
    }
)


@pytest.mark.parametrize("folds", [1, 2, 5])
def test_each_fold_fits_before_it_stops_and_stops_before_it_scores(folds: int):
    found = rolling_folds(TRAIN, folds=folds)
    times, ends = TRAIN["prediction_time"], TRAIN["label_end"]
    assert len(found) == folds
    for fold in found:
        assert ends[fold.fit].max() <= times[fold.stop].min()
        assert times[fold.stop].max() < times[fold.score].min()
        assert min(len(fold.fit), len(fold.stop), len(fold.score)) > 0
    for earlier, later in itertools.pairwise(found):
        assert times[earlier.score].max() < times[later.stop].min()
        assert set(earlier.fit) < set(later.fit)


def test_rows_whose_label_is_not_yet_known_are_purged_from_the_fit():
    days = [START + timedelta(days=day) for day in range(10)]
    frame = pl.DataFrame({"prediction_time": days, "label_end": [day + timedelta(days=3) for day in days]})
    fold = rolling_folds(frame, folds=1)[0]
    assert fold.fit.tolist() == [0, 1, 2]
    assert fold.stop.tolist() == [5, 6]
    assert fold.score.tolist() == [7, 8, 9]


def test_an_embargo_keeps_the_rows_after_each_cut_out_of_what_stops_and_scores():
    days = [START + timedelta(days=day) for day in range(20)]
    frame = pl.DataFrame({"prediction_time": days, "label_end": [day + timedelta(days=1) for day in days]})
    plain, waiting = (rolling_folds(frame, folds=1, embargo=embargo)[0] for embargo in ("0s", "2d"))
    assert waiting.fit.tolist() == plain.fit.tolist()
    assert waiting.stop.tolist() == plain.stop.tolist()[2:]
    assert waiting.score.tolist() == plain.score.tolist()[2:]


def test_settings_of_one_learner_are_changed_and_no_other():
    changed = with_settings(SETTINGS.train, "xgboost", {"max_depth": 3})
    assert changed.xgboost.max_depth == 3
    assert changed.model_copy(update={"xgboost": SETTINGS.train.xgboost}) == SETTINGS.train


def test_without_optuna_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'purchase-pred\[tune\]'"):
        tune(TRAIN, kind="logistic", settings=SETTINGS)


@pytest.mark.parametrize("kind", ["logistic", "xgboost", "lightgbm"])
def test_a_search_is_never_worse_than_its_start_and_decided_by_the_seed(kind):
    found = tune(TRAIN, kind=kind, settings=SETTINGS, trials=4, folds=2)
    assert found.trials.height == 4
    assert found.score == found.trials["average_precision"].max() >= found.starting_score
    start = getattr(SETTINGS.train, kind).model_dump(mode="json")
    assert {name: found.trials[name][0] for name in found.best} == {name: start[name] for name in found.best}
    again = tune(TRAIN, kind=kind, settings=SETTINGS, trials=4, folds=2)
    assert again.trials.equals(found.trials)


def test_every_trial_is_told_as_it_is_done():
    steps: list[TuningStep] = []
    found = tune(TRAIN, kind="logistic", settings=SETTINGS, trials=3, folds=1, on_step=steps.append)
    assert [(step.trial, step.trials) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert [step.score for step in steps] == found.trials["average_precision"].to_list()
    assert [step.best for step in steps] == found.trials["average_precision"].cum_max().to_list()


@pytest.mark.parametrize("later", [0.3, 0.4, 0.5])
def test_what_is_no_better_on_folds_that_chose_nothing_is_not_taken(monkeypatch: pytest.MonkeyPatch, later: float):
    """The search folds always favour another setting; the later ones know it as so good beside a start of 0.4."""
    parts = rolling_folds(TRAIN, folds=2 + later_folds(2))
    searched = {len(fold.fit) for fold in parts[:2]}
    judged: list[int] = []
    start = SETTINGS.train.logistic.inverse_regularisation

    def score(kind, fold, rows, settings):
        del kind, rows
        asked = settings.logistic.inverse_regularisation
        if len(fold.fit) in searched:
            return 0.2 if asked == start else 0.6
        judged.append(len(fold.fit))
        return 0.4 if asked == start else later

    monkeypatch.setattr(tuning, "_score", score)
    found = tune(TRAIN, kind="logistic", settings=SETTINGS, trials=3, folds=2)
    assert judged == [len(parts[2].fit)] * 2
    assert (found.score, found.starting_score) == (0.6, pytest.approx(0.2))
    assert (found.later_score, found.later_starting_score) == (later, 0.4)
    assert found.is_better == (later > 0.4)
    assert (found.best["inverse_regularisation"] == start) == (later <= 0.4)
    assert found.found["inverse_regularisation"] != start
    assert ("the start is kept" in found.yaml) == (later <= 0.4)


def test_a_search_does_not_see_what_is_left_out():
    without = SETTINGS.model_copy(update={"train": SETTINGS.train.model_copy(update={"leave_out": ("*view*",)})})
    columns = [name for name in TRAIN.columns if "view" not in name]
    left, dropped = (
        tune(frame, kind="logistic", settings=asked, trials=1, folds=1).score
        for frame, asked in ((TRAIN, without), (TRAIN.select(columns), SETTINGS))
    )
    assert left == dropped < tune(TRAIN, kind="logistic", settings=SETTINGS, trials=1, folds=1).score


def test_the_result_is_a_configuration_file():
    found = tune(TRAIN, kind="lightgbm", settings=SETTINGS, trials=2, folds=1)
    settings = Settings.model_validate(yaml.safe_load(found.yaml))
    assert {name: getattr(settings.train.lightgbm, name) for name in found.best} == found.best


def test_a_fold_without_positives_is_refused_with_a_cure():
    with pytest.raises(UnsupportedTargetError, match="fewer folds"):
        tune(TRAIN.with_columns(label=pl.lit(0, dtype=pl.UInt8)), kind="logistic", settings=SETTINGS)
