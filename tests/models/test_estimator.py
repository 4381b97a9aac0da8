"""An estimator of scikit-learn in the place of a learner: judged like one, neither explained nor saved."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from frames import splits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier

import purchase_pred as pp
from purchase_pred.evaluation import feature_importance
from purchase_pred.models import save_bundle
from purchase_pred.report.tables import swarm_table

SPLITS = splits(rows=600)
SETTINGS = pp.load_settings(overrides={"train.threads": 1, "train.threshold.resamples": 0})
SPEC = pp.feature_spec(SPLITS["train"])
TREE = DecisionTreeClassifier(max_depth=3, random_state=0).fit(
    pp.design_matrix(SPLITS["train"], SPEC), SPLITS["train"]["label"]
)
MODEL = pp.from_estimator(TREE, SPLITS["train"], spec=SPEC, settings=SETTINGS)


def test_its_probabilities_are_those_of_predict_proba():
    expected = TREE.predict_proba(pp.design_matrix(SPLITS["test"], SPEC))[:, 1]
    assert MODEL.predict(SPLITS["test"]) == pytest.approx(expected, abs=1e-12)


def test_it_is_judged_beside_the_baselines():
    logistic = pp.train_models(
        SPLITS["train"], SPLITS["val"], settings=pp.load_settings(overrides={"train.models": ["logistic"]})
    )[0]
    document = pp.evaluate(MODEL, SPLITS, settings=SETTINGS, logistic=logistic)
    assert document["model"] == "DecisionTreeClassifier"
    assert document["splits"]["test"]["rows"] == SPLITS["test"].height
    assert document["baselines"]["logistic"]["average_precision"] is not None


def test_it_gives_no_contributions_and_says_so():
    with pytest.raises(pp.InputError, match="DecisionTreeClassifier gives no exact contributions"):
        pp.explain(MODEL, SPLITS["test"].head(1))
    assert feature_importance(MODEL, SPLITS["test"])["mean_absolute_shap"].sum() == 0.0
    assert swarm_table(MODEL, SPLITS["test"], features=[]).is_empty()


def test_it_cannot_be_saved_since_only_a_pickle_could_hold_it(tmp_path):
    with pytest.raises(pp.BundleError, match="DecisionTreeClassifier cannot be saved as a model of this program"):
        save_bundle(MODEL, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (MinMaxScaler(), "MinMaxScaler must have predict_proba"),
        (LogisticRegression(), "must be fitted on the labels 0 and 1, found the classes of none yet"),
        (DecisionTreeClassifier().fit(np.eye(3), ["a", "b", "a"]), "0 and 1"),
    ],
    ids=["no classifier", "not fitted", "other classes"],
)
def test_what_is_no_binary_classifier_is_refused(estimator, words):
    with pytest.raises(pp.InputError, match=words):
        pp.from_estimator(estimator, pl.DataFrame({"label": [0, 1]}), spec=SPEC, settings=SETTINGS)
