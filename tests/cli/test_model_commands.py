"""Saved models are judged, used and gated by command."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import polars as pl
from installed_command import SMALL, purchase_pred

from purchase_pred.models import load_model

if TYPE_CHECKING:
    from pathlib import Path


def test_evaluate_gives_the_metrics_that_training_wrote(shop: Path) -> None:
    outcome = purchase_pred("evaluate", "--model", "lightgbm", "-w", shop, *SMALL, "--json")

    (folder,) = (shop / "models").glob("lightgbm_*/")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out) == json.loads((folder / "metrics.json").read_text())


def test_the_gate_ends_with_3_when_it_is_missed_and_with_0_when_it_is_not(shop: Path) -> None:
    arguments = ("evaluate", "--no-report", "--model", "logistic", "-w", shop, *SMALL, "--json", "--min-pr-auc")

    missed = purchase_pred(*arguments, "0.99")
    assert missed.code == 3
    assert re.search(r"gate missed: PR-AUC of logistic_\d+_\d+ on test is 0\.\d+, required 0\.99", missed.err)
    assert purchase_pred(*arguments, "0.0001").code == 0


def test_scores_come_highest_first_and_are_written_where_asked(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    outcome = purchase_pred("score", "--top", "5", "--output", path, "-w", shop, *SMALL, "--json")

    assert outcome.code == 0, outcome.err
    scores = json.loads(outcome.out)["scores"]
    keys = ["user_id", "session_index", "item_id", "prediction_time", "label_end"]
    assert list(scores[0]) == [*keys, "score", "model", "as_of", "probability", "rank", "expected_value"]
    assert len(scores) == 5
    assert [row["score"] for row in scores] == sorted((row["score"] for row in scores), reverse=True)
    assert pl.read_csv(path)["score"].to_list() == [row["score"] for row in scores]


def test_a_list_to_act_on_names_reasons_and_is_the_same_in_every_format(shop: Path, tmp_path: Path) -> None:
    rules = ("--top-per-user", "1", "--threshold", "model", "--exclude-bought", "30d", "--reasons", "2", "--top", "4")
    arguments = ("score", *rules, "--model", "lightgbm", "-w", shop, "--json", "--output")
    paths = [tmp_path / f"list.{ending}" for ending in ("parquet", "ndjson", "csv")]
    documents = [json.loads(purchase_pred(*arguments, path).out) for path in paths]
    parquet, ndjson, csv = pl.read_parquet(paths[0]), pl.read_ndjson(paths[1]), pl.read_csv(paths[2])

    scores = documents[0]["scores"]
    assert documents == [documents[0]] * 3
    assert parquet["user_id"].is_unique().all()
    assert parquet["rank"].to_list() == ndjson["rank"].to_list() == csv["rank"].to_list() == [1, 2, 3, 4]
    for name in ("user_id", "probability", "expected_value", "reason_1", "reason_2"):
        told = [row[name] for row in scores]
        assert parquet[name].to_list() == ndjson[name].to_list() == csv[name].to_list() == told
    asked = ("--user", str(scores[0]["user_id"]), "--item", str(scores[0]["item_id"]), "--top", "2")
    explained = json.loads(purchase_pred("explain", *asked, "--model", "lightgbm", "-w", shop, "--json").out)
    for number, one in enumerate(explained["contributions"], 1):
        assert scores[0][f"reason_{number}"].startswith(one["feature"].replace("_", " "))


def test_scores_as_of_a_moment_do_not_depend_on_what_came_later(shop: Path, tmp_path: Path) -> None:
    arguments = ("score", "--as-of", "2024-09-10T12:00:00Z", "--model", "lightgbm", *SMALL, "--json")
    whole = json.loads(purchase_pred(*arguments, "-w", shop).out)
    cut = tmp_path / "data/processed/sessionized_events.parquet"
    cut.parent.mkdir(parents=True)
    events = pl.read_parquet(shop / "data/processed/sessionized_events.parquet")
    events.filter(pl.col("timestamp") < pl.datetime(2024, 9, 10, 12, time_zone="UTC")).write_parquet(cut)
    for name in ("users", "item_catalog"):
        path = tmp_path / f"data/raw/{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((shop / f"data/raw/{name}.parquet").read_bytes())
    (folder,) = (shop / "models").glob("lightgbm_*/")
    known = json.loads(purchase_pred(*arguments[:3], "--model", folder, *SMALL, "--json", "-w", tmp_path).out)

    assert whole["scores"]
    assert whole == known


def test_a_model_of_another_target_is_refused(shop: Path) -> None:
    outcome = purchase_pred("score", "-w", shop, *SMALL, "--set", "target.horizon=2d")

    assert outcome.code == 2
    assert "was trained with target.horizon 3d, --set gives 2d: leave it out" in outcome.err


def test_a_model_brings_the_settings_that_its_features_depend_on(shop: Path) -> None:
    arguments = ("score", "--top", "3", "-w", shop, "--json")

    assert purchase_pred(*arguments).out == purchase_pred(*arguments, *SMALL).out
    refused = purchase_pred(*arguments, PURCHASE_PRED_FEATURES__AVAILABILITY_LAG="1d")
    assert refused.code == 2
    assert (
        "was trained with features.availability_lag 0s, environment PURCHASE_PRED_FEATURES__AVAILABILITY_LAG gives 1d"
    ) in refused.err


def test_features_of_another_target_are_not_trained_on(shop: Path) -> None:
    models = sorted((shop / "models").iterdir())
    outcome = purchase_pred("train", "-w", shop, *SMALL, "--set", "target.horizon=2d")

    assert outcome.code == 2
    assert "train_features.parquet was made with target.horizon 3d, and this command asks for target.horizon 2d; " in (
        outcome.err
    )
    assert f"`purchase-pred features -w {shop} --set target.horizon=2d` makes it anew" in outcome.err
    assert sorted((shop / "models").iterdir()) == models


def test_scores_as_of_the_time_of_a_test_row_are_the_probabilities_of_the_rows_of_that_time(shop: Path) -> None:
    (folder,) = (shop / "models").glob("lightgbm_*/")
    test = pl.read_parquet(shop / "data/features/test_features.parquet")
    time = test["prediction_time"].sort()[len(test) // 2]
    outcome = purchase_pred("score", "--as-of", time.isoformat(), "--model", folder, "-w", shop, "--json")
    rows = test.filter(pl.col("prediction_time") == time)
    expected = {
        (row["user_id"], row["item_id"]): probability
        for row, probability in zip(rows.to_dicts(), load_model(folder).predict(rows).tolist(), strict=True)
    }

    scores = json.loads(outcome.out)["scores"]
    found = [row for row in scores if row["prediction_time"] == time.isoformat()]
    assert expected
    assert {(row["user_id"], row["item_id"]): row["score"] for row in found} == expected


def test_an_unknown_model_names_those_that_there_are(shop: Path) -> None:
    outcome = purchase_pred("evaluate", "--model", "catboost", "-w", shop, *SMALL)

    assert outcome.code == 2
    assert re.search(r"no model 'catboost', .* there are: logistic_\d+_\d+, lightgbm_\d+_\d+", outcome.err)


def test_a_moment_before_the_log_or_of_no_known_form_is_refused(shop: Path) -> None:
    early = purchase_pred("score", "--as-of", "2020-01-01", "-w", shop, *SMALL)
    odd = purchase_pred("score", "--as-of", "tomorrow", "-w", shop, *SMALL)

    assert (early.code, odd.code) == (2, 2)
    assert "no event is known before 2020-01-01 00:00:00 UTC" in early.err
    assert "a moment is written 2024-09-01" in odd.err


def test_status_tells_fresh_from_stale_and_check_ends_with_3(shop: Path) -> None:
    fresh = purchase_pred("status", "--check", "-w", shop, *SMALL)
    stale = purchase_pred("status", "--check", "-w", shop, *SMALL, "--set", "features.windows=[1d]", "--json")

    assert fresh.code == 0, fresh.err
    assert stale.code == 3
    states = {stage["stage"]: stage["state"] for stage in json.loads(stale.out)["stages"]}
    expected = {"generate": "fresh", "sessionize": "fresh", "split": "fresh", "features": "stale", "train": "stale"}
    assert states == expected
    assert stale.err == "error: not up to date: features, train; `purchase-pred run all` makes them\n"


def test_status_of_an_empty_workspace_finds_everything_missing_and_writes_nothing(tmp_path: Path) -> None:
    outcome = purchase_pred("status", "--json", "-w", tmp_path)

    assert {stage["state"] for stage in json.loads(outcome.out)["stages"]} == {"missing"}
    assert not list(tmp_path.iterdir())


def test_the_shop_has_no_leak(shop: Path) -> None:
    outcome = purchase_pred("check-leakage", "--users", "15", "-w", shop, *SMALL, "--json")

    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    assert report["clean"] is True
    assert report["anchors"] > 0


def test_the_feature_dictionary_names_every_feature_of_the_files(shop: Path) -> None:
    outcome = purchase_pred("features", "--describe", "--json", "-w", shop)

    described = {feature["name"] for feature in json.loads(outcome.out)["features"]}
    columns = pl.read_parquet_schema(shop / "data/features/val_features.parquet").names()
    assert described == set(columns[6:])


def test_a_lone_document_of_json_is_all_that_stdout_gets(shop: Path) -> None:
    for command in (("status",), ("config", "show"), ("score", "--top", "1"), ("run", "all")):
        outcome = purchase_pred(*command, "--json", "-w", shop, *SMALL)
        json.loads(outcome.out)


def test_a_score_is_explained_by_its_largest_contributions(shop: Path) -> None:
    arguments = ("-w", shop, *SMALL, "--model", "lightgbm", "--json")
    (best,) = json.loads(purchase_pred("score", "--top", "1", *arguments).out)["scores"]
    asked = ("--user", str(best["user_id"]), "--item", str(best["item_id"]), "--top", "3")
    explained = json.loads(purchase_pred("explain", *asked, *arguments).out)

    assert explained["probability"] == best["score"]
    assert len(explained["contributions"]) == 3
    told = purchase_pred("explain", *asked, *arguments[:-1])
    assert len(told.out.splitlines()) == 5
    assert explained["contributions"][0]["feature"] in told.out.splitlines()[1]


def test_explaining_what_is_not_predicted_says_so(shop: Path) -> None:
    outcome = purchase_pred("explain", "--user", "no-one", "-w", shop, *SMALL)

    assert outcome.code == 2
    assert "no prediction is open for user_id no-one" in outcome.err
