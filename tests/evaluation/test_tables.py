from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from frames import CATEGORIES, feature_frame, splits
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_curve

from purchase_pred.evaluation import (
    calibration_table,
    cohort_table,
    earliness_table,
    explain,
    feature_importance,
    reliability_table,
    sample_rows,
    score_histogram,
    shap_values,
    threshold_curve,
)
from purchase_pred.metrics import metrics
from purchase_pred.models import FittedModel, design_matrix, train_models
from purchase_pred.settings import Settings
from purchase_pred.settings.training import ProfitSettings

KINDS = ("logistic", "xgboost", "lightgbm")
SPLITS = splits()
TEST = SPLITS["test"]
SETTINGS = Settings.model_validate({"train": {"threads": 1, "calibration": {"method": "platt"}}})


@pytest.fixture(scope="module")
def models() -> dict[str, FittedModel]:
    return {model.kind: model for model in train_models(SPLITS["train"], SPLITS["val"], settings=SETTINGS)}


@pytest.fixture(scope="module")
def probabilities(models: dict[str, FittedModel]) -> np.ndarray:
    return models["lightgbm"].predict(TEST)


def test_the_calibration_table_shows_every_split_before_and_after(models: dict[str, FittedModel]):
    table = calibration_table(models["xgboost"], SPLITS)
    stages = [(split, stage) for split in SPLITS for stage in ("before", "after")]
    assert table.select("split", "stage").rows() == stages
    assert table["method"].to_list() == ["none", "platt"] * 3
    before, after = table.filter(split="test").rows(named=True)
    labels = TEST["label"].to_numpy()
    for row, p in (
        (before, models["xgboost"].uncalibrated(TEST)),
        (after, models["xgboost"].predict(TEST)),
    ):
        found = metrics(labels, p)
        assert {name: row[name] for name in ("brier", "log_loss", "ece")} == pytest.approx(
            {name: found[name] for name in ("brier", "log_loss", "ece")}
        )
        z = np.log(p / (1 - p))[:, None]
        line = LogisticRegression(C=np.inf, tol=1e-10).fit(z, labels)
        assert (row["slope"], row["intercept"]) == pytest.approx((line.coef_[0, 0], line.intercept_[0]), abs=1e-3)


def test_a_split_of_one_class_has_no_slope(models: dict[str, FittedModel]):
    table = calibration_table(models["logistic"], {"test": TEST.filter(label=0)})
    assert table["slope"].to_list() == [None, None]


def test_the_reliability_table_equals_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    p = rng.random(1_000)
    labels = (rng.random(1_000) < p).astype(np.uint8)
    observed, predicted = calibration_curve(labels, p, n_bins=20, strategy="quantile")
    table = reliability_table(labels, p)
    np.testing.assert_allclose(table["predicted"], predicted)
    np.testing.assert_allclose(table["observed"], observed)
    assert table["rows"].sum() == 1_000


def test_the_threshold_curve_holds_the_curves_of_scikit_learn():
    rng = np.random.default_rng(1)
    p = rng.integers(0, 30, 400) / 30
    labels = (rng.random(400) < p / 3).astype(np.uint8)
    curve = threshold_curve(labels, p, profit=ProfitSettings(), points=None)
    precision, recall, thresholds = precision_recall_curve(labels, p)
    np.testing.assert_array_equal(curve["threshold"], thresholds[::-1])
    np.testing.assert_allclose(curve["precision"], precision[-2::-1])
    np.testing.assert_allclose(curve["recall"], recall[-2::-1])
    false_positive_rate, _, _ = roc_curve(labels, p, drop_intermediate=False)
    np.testing.assert_allclose(curve["false_positive_rate"], false_positive_rate[1:])
    np.testing.assert_allclose(curve["lift"], curve["precision"] / labels.mean())


def test_the_profit_of_each_threshold_is_the_sum_over_its_decisions():
    profit = ProfitSettings(true_positive=5, false_positive=-1, true_negative=0.5, false_negative=-2)
    curve = threshold_curve([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1], profit=profit)
    assert curve["profit"].to_list() == [5 - 2 + 1, 5 - 1 - 2 + 0.5, 10 - 1 + 0.5, 10 - 2]


def test_a_long_curve_is_thinned_but_keeps_its_ends():
    p = np.arange(1, 5_001) / 5_001
    labels = (np.arange(5_000) % 10 == 0).astype(np.uint8)
    curve = threshold_curve(labels, p, profit=ProfitSettings(), points=100)
    assert 50 < curve.height <= 100
    assert (curve["acted"][0], curve["acted"][-1]) == (1, 5_000)


@pytest.mark.parametrize(("labels", "missing"), [([0, 0], {"recall", "lift"}), ([1, 1], {"false_positive_rate"})])
def test_curves_of_one_class_leave_undefined_what_is_undefined(labels: list[int], missing: set[str]):
    curve = threshold_curve(labels, [0.2, 0.1], profit=ProfitSettings())
    assert {name for name in curve.columns if curve[name].is_null().all()} == missing
    assert threshold_curve([], [], profit=ProfitSettings()).is_empty()


def test_earliness_groups_rows_by_the_events_seen():
    frame = TEST.with_columns(session_events=pl.int_range(pl.len(), dtype=pl.UInt32) % 40 + 1)
    p = np.linspace(0.01, 0.9, frame.height)
    table = earliness_table(frame, p)
    assert table["rows"].sum() == frame.height
    assert table.row(0)[:2] == (1, 1)
    assert table.row(-1)[:2] == (30, None)
    five = frame.select(pl.col("session_events").is_between(5, 6))["session_events"].to_numpy()
    row = table.filter(events_from=5).row(0, named=True)
    assert row["events_to"] == 6
    assert row["average_precision"] == pytest.approx(average_precision_score(TEST["label"].to_numpy()[five], p[five]))
    assert earliness_table(TEST, p) is None


def test_the_score_histogram_counts_every_row_once():
    p, labels = np.array([0.001, 0.01, 0.5, 1.0]), np.array([0, 0, 1, 1])
    table = score_histogram(labels, p, bins=5)
    assert table.group_by("label").agg(pl.col("rows").sum()).sort("label")["rows"].to_list() == [2, 2]


def test_cohorts_share_the_rows_out_without_loss(probabilities: np.ndarray):
    table = cohort_table(TEST, probabilities, train=SPLITS["train"])
    assert table["cohort"].unique(maintain_order=True).to_list() == ["all", "user", "item", "category", "week"]
    assert set(table.group_by("cohort").agg(pl.col("rows").sum())["rows"]) == {TEST.height}
    whole = metrics(TEST["label"].to_numpy(), probabilities)
    assert table.filter(cohort="all").drop("cohort", "value", "mean_probability").row(0, named=True) == whole


def test_each_cohort_has_the_metrics_of_its_own_rows(probabilities: np.ndarray):
    table = cohort_table(TEST, probabilities, train=SPLITS["train"]).filter(cohort="category")
    assert table["value"].to_list() == list(CATEGORIES)
    members = (TEST["item_category"] == "music").to_numpy()
    found = table.filter(value="music").row(0, named=True)
    assert found["average_precision"] == pytest.approx(
        average_precision_score(TEST["label"].to_numpy()[members], probabilities[members])
    )
    assert found["mean_probability"] == pytest.approx(probabilities[members].mean())


def test_who_and_what_has_no_row_in_train_is_new(probabilities: np.ndarray):
    train = SPLITS["train"].filter(pl.col("user_id") < 10, pl.col("item_id") != "item_3")
    table = cohort_table(TEST, probabilities, train=train)
    rows = {(cohort, value): count for cohort, value, count in table.select("cohort", "value", "rows").rows()}
    assert rows["user", "returning"] == (TEST["user_id"] < 10).sum()
    assert rows["user", "new"] == (TEST["user_id"] >= 10).sum()
    assert rows["item", "cold"] == TEST.filter(~pl.col("item_id").is_in(train["item_id"].unique().implode())).height


def test_personas_come_from_the_users_and_may_be_unknown(probabilities: np.ndarray):
    users = pl.DataFrame({"user_id": range(100), "persona": ["buyer", "browser"] * 50})
    table = cohort_table(TEST, probabilities, train=SPLITS["train"], users=users).filter(cohort="persona")
    assert table["value"].to_list() == ["browser", "buyer", "unknown"]
    assert table.filter(value="unknown")["rows"].item() == (TEST["user_id"] >= 100).sum()


@pytest.mark.parametrize("kind", KINDS)
def test_importance_names_what_the_labels_were_made_of(models: dict[str, FittedModel], kind: str):
    table = feature_importance(models[kind], TEST)
    assert set(table["feature"]) == set(models[kind].spec.names)
    assert table["shap_share"].sum() == pytest.approx(1.0)
    assert table["gain_share"].sum() == pytest.approx(1.0)
    assert set(table["feature"].head(2)) == {"user_item_view_count", "hours_since_last_purchase"}
    assert table.filter(feature="empty")["shap_share"].item() == 0.0
    values = np.abs(shap_values(models[kind], TEST)).mean(axis=0)
    assert dict(table.select("feature", "mean_absolute_shap").rows()) == pytest.approx(
        dict(zip(models[kind].spec.names, values, strict=True))
    )


def test_a_sample_keeps_the_order_and_the_seed_decides():
    frame = feature_frame(500, seed=3).with_row_index()
    drawn = sample_rows(frame, rows=50, seed=1)
    assert drawn.height == 50
    assert drawn["index"].is_sorted()
    assert drawn.equals(sample_rows(frame, rows=50, seed=1))
    assert not drawn.equals(sample_rows(frame, rows=50, seed=2))
    assert sample_rows(frame, rows=500).equals(frame)


@pytest.mark.parametrize("kind", KINDS)
def test_an_explanation_adds_up_to_the_score(models: dict[str, FittedModel], kind: str):
    model, row = models[kind], TEST[17:18]
    found = explain(model, row, top=3)[0]
    assert found.probability == model.predict(row)[0]
    assert found.uncalibrated_probability == model.uncalibrated(row)[0]
    base = math.log(found.base_probability / (1 - found.base_probability))
    total = base + sum(part.log_odds for part in found.contributions) + found.rest_log_odds
    assert total == pytest.approx(model.log_odds(row)[0], abs=1e-4)
    sizes = [abs(part.log_odds) for part in found.contributions]
    assert sizes == sorted(sizes, reverse=True)
    everything = np.abs(model.learner.contributions(design_matrix(row, model.spec))[0, :-1])
    assert sizes == pytest.approx(np.sort(everything)[::-1][:3])


def test_an_explanation_is_told_in_plain_words(models: dict[str, FittedModel]):
    row = TEST.filter(user_item_in_cart=1)[:1]
    found = explain(models["logistic"], row, meanings={"user_item_in_cart": "the item lies in the cart"})[0]
    text = "\n".join(found.sentences)
    assert f"a probability of {found.probability:.2%}: {found.uncalibrated_probability:.2%} before calibration" in text
    assert "the item lies in the cart = 1: multiplies the odds by" in text
    assert "empty = unknown: hardly matters" in text


def test_several_rows_are_explained_one_by_one_in_their_order(models: dict[str, FittedModel]):
    model = models["logistic"]
    assert explain(model, TEST[:3], top=2) == [
        explain(model, TEST[number : number + 1], top=2)[0] for number in range(3)
    ]
    assert explain(model, TEST[:0]) == []
