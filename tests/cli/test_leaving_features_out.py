"""Feature columns that are left out of the models: by setting, through every command that uses a model."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest
from installed_command import SMALL, purchase_pred

if TYPE_CHECKING:
    from pathlib import Path

LEAVE_OUT = 'train.leave_out=[prediction_hour, "*_30d"]'


@pytest.fixture(scope="module")
def lean_shop(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shop whose LightGBM was trained again without some columns; tests must not change it."""
    workspace = tmp_path_factory.mktemp("lean") / "shop"
    shutil.copytree(shop, workspace)
    outcome = purchase_pred("train", "--model", "lightgbm", "-w", workspace, *SMALL, "--set", LEAVE_OUT)
    assert outcome.code == 0, outcome.err
    return workspace


def newest(workspace: Path) -> Path:
    return max(workspace.glob("models/lightgbm_*/"))


def test_the_models_are_stale_and_the_features_are_not(shop: Path) -> None:
    outcome = purchase_pred("status", "--json", "-w", shop, *SMALL, "--set", LEAVE_OUT)

    stages = {stage["stage"]: stage for stage in json.loads(outcome.out)["stages"]}
    states = {name: stage["state"] for name, stage in stages.items()}
    assert states == dict.fromkeys(("generate", "sessionize", "split", "features"), "fresh") | {"train": "stale"}
    assert "train.leave_out [] -> [prediction_hour, *_30d]" in json.dumps(stages["train"])


def test_the_model_and_its_report_say_what_was_left_out(lean_shop: Path) -> None:
    features = pl.read_parquet_schema(lean_shop / "data/features/train_features.parquet").names()[6:]
    taken = [name for name in features if name == "prediction_hour" or name.endswith("_30d")]
    description = json.loads((newest(lean_shop) / "model.json").read_text())

    assert len(taken) > 5
    assert description["left_out"] == taken
    assert [feature["name"] for feature in description["features"]] == [name for name in features if name not in taken]
    page = (newest(lean_shop) / "report.html").read_text()
    assert f"Left out by train.leave_out: {len(taken)} features ({', '.join(taken)})" in page


def test_what_judges_and_uses_the_model_works_without_them_whatever_the_settings_say(lean_shop: Path) -> None:
    arguments = ("--model", newest(lean_shop), "-w", lean_shop, *SMALL, "--json")
    judged = purchase_pred("evaluate", "--no-report", *arguments, "--set", LEAVE_OUT)
    (best,) = json.loads(purchase_pred("score", "--top", "1", *arguments).out)["scores"]
    asked = ("--user", str(best["user_id"]), "--item", str(best["item_id"]), "--top", "500")
    explained = json.loads(purchase_pred("explain", *asked, *arguments, "--set", LEAVE_OUT).out)

    assert judged.code == 0, judged.err
    assert json.loads(judged.out) == json.loads((newest(lean_shop) / "metrics.json").read_text())
    assert explained["probability"] == best["score"]
    named = {contribution["feature"] for contribution in explained["contributions"]}
    assert "prediction_weekday" in named
    assert not any(name == "prediction_hour" or name.endswith("_30d") for name in named)


@pytest.mark.parametrize(
    ("leave_out", "message"),
    [
        (
            "[prediction_huor]",
            "train.leave_out: no feature is called 'prediction_huor'; did you mean 'prediction_hour'?",
        ),
        ("prediction_hour", "--set: train.leave_out: Input should be a valid tuple, found 'prediction_hour'"),
        ("[*_90d]", "--set train.leave_out: the value must be YAML, such as 30 or [1d, 7d]: "),
    ],
)
def test_what_cannot_be_left_out_is_yours_to_mend(lean_shop: Path, leave_out: str, message: str) -> None:
    asked = ("--set", f"train.leave_out={leave_out}")
    outcome = purchase_pred("train", "--model", "lightgbm", "-w", lean_shop, *SMALL, *asked)

    assert outcome.code == 2
    assert message in outcome.err


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("train.leave_out=[prediction_huor]", "train.leave_out: no feature is called 'prediction_huor'; did you mean"),
        ("train.monotone={item_age_dais: 1}", "train.monotone: no feature is called 'item_age_dais'; did you mean"),
        ("train.interactions=[[view_count_7d, views]]", "train.interactions: no feature is called 'views'"),
    ],
)
def test_a_name_that_is_no_feature_is_told_before_the_first_stage_runs(
    tmp_path: Path, assignment: str, message: str
) -> None:
    outcome = purchase_pred("run", "all", "-w", tmp_path, *SMALL, "--set", assignment)

    assert outcome.code == 2
    assert message in outcome.err
    assert not (tmp_path / "data").exists()
