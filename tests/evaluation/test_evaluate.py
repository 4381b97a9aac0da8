from __future__ import annotations

import json
from importlib import import_module

import numpy as np
import polars as pl
import pytest
from frames import splits
from sklearn.metrics import average_precision_score

from purchase_pred.evaluation import (
    attention_rule,
    cart_rule,
    carted_not_bought,
    comparison_table,
    evaluate,
    most_recent_view,
)
from purchase_pred.models import FittedModel, train_models
from purchase_pred.settings import Settings

SPLITS = splits(rows=3_000)
SETTINGS = Settings.model_validate({"train": {"threads": 1, "threshold": {"resamples": 50}}})
METRICS = {
    "rows",
    "positives",
    "prevalence",
    "average_precision",
    "roc_auc",
    "log_loss",
    "brier",
    "ece",
    *(f"{name}_at_{percent}pct" for name in ("precision", "recall", "lift") for percent in (1, 5, 10)),
}


@pytest.fixture(scope="module")
def models() -> dict[str, FittedModel]:
    return {model.kind: model for model in train_models(SPLITS["train"], SPLITS["val"], settings=SETTINGS)}


@pytest.fixture(scope="module")
def document(models: dict[str, FittedModel]) -> dict:
    return evaluate(models["lightgbm"], SPLITS, settings=SETTINGS)


def test_the_document_has_exactly_the_promised_keys(document: dict):
    assert list(document) == [
        "schema_version",
        "model",
        "target",
        "splits",
        "baselines",
        "ceiling",
        "threshold",
        "ranking",
    ]
    assert list(document["ranking"]) == ["users", "model", "carted_not_bought", "recency"]
    assert document["schema_version"] == 1
    assert document["model"] == "lightgbm"
    purchase = {
        "kind": "purchase",
        "level": "user_item",
        "horizon": "7d",
        "horizons": [],
        "sessions": None,
        "value": None,
    }
    assert document["target"] == {**purchase, "anchors": "session_close"}
    assert list(document["splits"]) == ["train", "val", "test"]
    assert list(document["baselines"]) == ["prevalence", "carted_not_bought", "recency", "logistic"]
    for found in (*document["splits"].values(), *document["baselines"].values()):
        assert set(found) == METRICS
    assert document["ceiling"] is None


def test_the_document_is_plain_json(document: dict):
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_the_metrics_are_those_of_the_models_predictions(models: dict[str, FittedModel], document: dict, split: str):
    frame = SPLITS[split]
    expected = average_precision_score(frame["label"], models["lightgbm"].predict(frame))
    assert document["splits"][split]["average_precision"] == pytest.approx(expected)
    assert document["splits"][split]["rows"] == frame.height
    assert document["splits"][split]["positives"] == frame["label"].sum()


def test_the_prevalence_baseline_predicts_the_share_of_train(document: dict):
    train, test = SPLITS["train"]["label"].mean(), SPLITS["test"]["label"].mean()
    found = document["baselines"]["prevalence"]
    assert found["average_precision"] == pytest.approx(test)
    assert found["roc_auc"] == 0.5
    assert found["log_loss"] == pytest.approx(-test * np.log(train) - (1 - test) * np.log(1 - train))


@pytest.mark.parametrize("name", ["carted_not_bought", "recency"])
def test_rules_are_ranked_but_make_no_statement_of_probability(document: dict, name: str):
    found = document["baselines"][name]
    assert found["average_precision"] > 0
    assert (found["log_loss"], found["brier"], found["ece"]) == (None, None, None)


def test_a_logistic_model_that_is_passed_in_gives_what_one_trained_here_gives(
    models: dict[str, FittedModel], document: dict
):
    passed = evaluate(models["lightgbm"], SPLITS, settings=SETTINGS, logistic=models["logistic"])
    assert passed == document
    own = evaluate(models["logistic"], SPLITS, settings=SETTINGS)
    assert own["splits"]["test"] == own["baselines"]["logistic"] == document["baselines"]["logistic"]


def test_a_logistic_baseline_is_trained_within_the_limit_of_memory(models: dict[str, FittedModel], monkeypatch):
    told = []
    monkeypatch.setattr(
        import_module("purchase_pred.evaluation.evaluate"),
        "train_models",
        lambda *_, memory, **__: told.append(memory) or [models["logistic"]],
    )
    limited = SETTINGS.model_copy(update={"execution": Settings().execution.model_copy(update={"memory_limit": "1GB"})})
    evaluate(models["lightgbm"], SPLITS, settings=limited)
    assert told == [600_000_000]


def test_the_ceiling_is_the_metrics_of_the_truth_on_test(models: dict[str, FittedModel]):
    truth = np.where(SPLITS["test"]["label"] == 1, 0.9, 0.01)
    found = evaluate(models["logistic"], SPLITS, settings=SETTINGS, truth=truth)
    assert found["ceiling"]["average_precision"] == 1.0


def test_a_rule_without_its_columns_has_counts_and_nothing_else():
    names = ["user_id", "prediction_time", "label", "noise", "item_category"]
    frames = {name: frame.select(names) for name, frame in SPLITS.items()}
    asked = SETTINGS.model_copy(update={"train": SETTINGS.train.model_copy(update={"models": ("logistic",)})})
    model = train_models(frames["train"], frames["val"], settings=asked)[0]
    found = evaluate(model, frames, settings=asked)["baselines"]["recency"]
    assert found["rows"] == SPLITS["test"].height
    assert found["average_precision"] is None


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"user_item_in_cart": [1, 0]}, [1.0, 0.0]),
        ({"user_item_add_to_cart_count": [2, 1], "user_item_purchase_count": [1, 1]}, [1.0, 0.0]),
        ({"session_add_to_cart_count": [0, 1], "session_purchase_count": [0, 0]}, [0.0, 1.0]),
        (
            {
                "add_to_cart_count_7d": [1, 0],
                "purchase_count_7d": [0, 0],
                "add_to_cart_count_30d": [1, 1],
                "purchase_count_30d": [1, 0],
            },
            [0.0, 1.0],
        ),
    ],
)
def test_carted_not_bought_reads_the_most_specific_columns(columns: dict, expected: list[float]):
    unsigned = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.UInt32))
    assert carted_not_bought(unsigned).tolist() == expected


def test_recency_reads_the_item_first_then_the_user_then_purchases():
    both = pl.DataFrame({"hours_since_last_view": [1.0], "hours_since_user_item_view": [2.0]})
    assert most_recent_view(both).tolist() == [-2.0]
    assert most_recent_view(both.drop("hours_since_user_item_view")).tolist() == [-1.0]
    no_views = pl.DataFrame(
        {"hours_since_last_view": [None], "hours_since_last_purchase": [3.0]},
        schema={"hours_since_last_view": pl.Float64, "hours_since_last_purchase": pl.Float64},
    )
    assert most_recent_view(no_views).tolist() == [-3.0]


def test_one_table_compares_rules_models_and_ceiling(models: dict[str, FittedModel]):
    truth = np.where(SPLITS["test"]["label"] == 1, 0.9, 0.01)
    documents = [
        evaluate(model, SPLITS, settings=SETTINGS, logistic=models["logistic"], truth=truth)
        for model in models.values()
    ]
    table = comparison_table(documents)
    assert table["name"].to_list()[:3] == ["prevalence", "carted_not_bought", "recency"]
    assert table["kind"].to_list() == ["baseline"] * 3 + ["model"] * 3 + ["ceiling"]
    precision = dict(table.select("name", "average_precision").rows())
    assert table.filter(kind="model")["average_precision"].is_sorted(descending=True)
    best_rule = max(precision["carted_not_bought"], precision["recency"])
    assert table["times_best_rule"].to_list() == pytest.approx([value / best_rule for value in precision.values()])
    assert table["share_of_ceiling"].to_list() == pytest.approx(list(precision.values()))


def test_a_single_booster_is_compared_with_the_logistic_baseline(document: dict):
    table = comparison_table([document])
    assert table["name"].to_list() == ["prevalence", "carted_not_bought", "recency", "logistic", "lightgbm"]
    assert table["share_of_ceiling"].null_count() == table.height


def test_within_sessions_attention_is_what_was_viewed_most():
    within = {"anchors": "in_session"}
    test = SPLITS["test"].with_columns(session_view_count=pl.int_range(pl.len()))
    assert attention_rule(test, target=within).tolist() == list(range(test.height))
    of_item = test.with_columns(session_item_view_count=pl.lit(2))
    assert set(attention_rule(of_item, target=within).tolist()) == {2.0}
    assert attention_rule(SPLITS["test"], target=within) is None
    for anchors in ("session_close", "calendar"):
        assert np.array_equal(attention_rule(test, target={"anchors": anchors}), most_recent_view(test))


def test_of_churn_the_rule_is_the_longest_silence_and_a_cart_says_nothing():
    churn = {"kind": "churn", "anchors": "calendar"}
    silent = pl.DataFrame({"hours_since_last_view": [2.0, None, 30.0], "user_item_in_cart": [1, 0, 0]})
    assert attention_rule(silent, target=churn).tolist() == [2.0, float("inf"), 30.0]
    assert cart_rule(silent, target=churn) is None
    assert cart_rule(silent, target={"anchors": "calendar"}).tolist() == [1.0, 0.0, 0.0]


def test_within_sessions_the_rule_of_attention_is_called_what_it_is(models: dict[str, FittedModel]):
    document = evaluate(models["logistic"], SPLITS, settings=SETTINGS)
    assert "recency" in comparison_table([document])["name"].to_list()
    session = dict(document, target=dict(document["target"], level="session", anchors="in_session"))
    names = comparison_table([session])["name"].to_list()
    assert "most_viewed" in names
    assert "recency" not in names
    assert list(session["baselines"]) == ["prevalence", "carted_not_bought", "recency", "logistic"]
