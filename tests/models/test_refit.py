from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from frames import splits

from purchase_pred.errors import BundleError
from purchase_pred.evaluation import evaluate
from purchase_pred.evaluation.calibration_table import calibration_table
from purchase_pred.models import FittedModel, load_model, save_bundle, train_models
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("logistic", "xgboost", "lightgbm")
SPLITS = splits(rows=3_000)
OWN = {"threads": 1, "xgboost": {"max_rounds": 30}, "lightgbm": {"max_rounds": 30}, "threshold": {"resamples": 0}}


def settings(*, refit: bool) -> Settings:
    return Settings.model_validate({"train": {**OWN, "refit": refit}})


def trained(*, refit: bool) -> dict[str, FittedModel]:
    found = train_models(SPLITS["train"], SPLITS["val"], settings=settings(refit=refit))
    return {model.kind: model for model in found}


@pytest.fixture(scope="module")
def plain() -> dict[str, FittedModel]:
    return trained(refit=False)


@pytest.fixture(scope="module")
def refitted() -> dict[str, FittedModel]:
    return trained(refit=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_refit_learns_from_both_splits_with_the_rounds_and_the_calibrator_of_the_first_fit(
    plain: dict[str, FittedModel], refitted: dict[str, FittedModel], kind: str
):
    model, first = refitted[kind], plain[kind]
    assert model.training["refit"]["rows_fitted"] == SPLITS["train"].height + SPLITS["val"].height
    assert (model.learner.rounds, model.calibrator) == (first.learner.rounds, first.calibrator)
    assert model.learner.to_bytes() != first.learner.to_bytes()
    assert model.first_fit.learner.to_bytes() == first.learner.to_bytes()
    assert model.training["validation_average_precision"] == first.training["validation_average_precision"]


@pytest.mark.parametrize("kind", KINDS)
def test_validation_and_the_threshold_are_judged_by_the_fit_that_has_not_seen_it(
    plain: dict[str, FittedModel], refitted: dict[str, FittedModel], kind: str
):
    before, after = (
        evaluate(found[kind], SPLITS, settings=settings(refit=False), logistic=plain["logistic"])
        for found in (plain, refitted)
    )
    assert after["splits"]["val"] == before["splits"]["val"]
    assert after["threshold"]["threshold"] == before["threshold"]["threshold"]
    assert after["splits"]["test"] != before["splits"]["test"]
    rows = [calibration_table(found[kind], SPLITS).filter(split="val").rows() for found in (plain, refitted)]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_refitted_model_is_saved_with_its_first_fit_and_predicts_the_same_bits(
    refitted: dict[str, FittedModel], kind: str, tmp_path: Path
):
    save_bundle(refitted[kind], tmp_path)
    loaded = load_model(tmp_path)
    for one, other in ((loaded, refitted[kind]), (loaded.first_fit, refitted[kind].first_fit)):
        assert np.array_equal(one.predict(SPLITS["test"]), other.predict(SPLITS["test"]))


def test_a_first_fit_of_another_model_is_refused(
    plain: dict[str, FittedModel], refitted: dict[str, FittedModel], tmp_path: Path
):
    save_bundle(refitted["logistic"], tmp_path)
    save_bundle(plain["lightgbm"], tmp_path / "first_fit")
    with pytest.raises(BundleError, match=r"is not the one that model\.json describes"):
        load_model(tmp_path)


def test_a_first_fit_that_has_another_is_refused(refitted: dict[str, FittedModel], tmp_path: Path):
    nested = replace(refitted["logistic"], first_fit=refitted["logistic"])
    save_bundle(nested, tmp_path)
    with pytest.raises(BundleError, match="a model within a model has none of its own"):
        load_model(tmp_path)
