"""What the files of a saved model hold is checked by type and range, by whomever they were written."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from frames import splits

from purchase_pred.errors import BundleError
from purchase_pred.models import FittedModel, load_model, save_bundle, train_models
from purchase_pred.models.bundle import write_description
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("logistic", "xgboost", "lightgbm")
FEW = {"max_rounds": 3}


@pytest.fixture(scope="module")
def models() -> dict[str, FittedModel]:
    frames = splits(rows=2_000)
    asked = Settings.model_validate({"train": {"threads": 1, "xgboost": FEW, "lightgbm": FEW}})
    return {model.kind: model for model in train_models(frames["train"], frames["val"], settings=asked)}


def alter(path: Path, **changes: object) -> None:
    """Change a file of a bundle, and every hash with it, as whoever means harm would."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    described = path.with_name("model.json")
    description = json.loads(described.read_text())
    hashes = {
        name: hashlib.sha256(path.with_name(name).read_bytes()).hexdigest()
        for name in description.get("sha256", {})
        if name != "model.json"
    }
    write_description(path.parent, description | {"sha256": hashes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bundle_version": 99}, "bundle_version must be 2, found 99"),
        ({"bundle_version": 1}, r"must be 2, found 1: train again with this version \(`purchase-pred train`\)"),
        ({"kind": "oracle"}, "kind: .*'logistic', 'xgboost' or 'lightgbm', found 'oracle'"),
        ({"kind": "lightgbm"}, "must begin with the kind of the model, 'lightgbm'"),
        ({"name": "../../etc/passwd"}, "name: .*found '../../etc/passwd'"),
        ({"name": "xgboost_<script>"}, "name: "),
        ({"name": "xgboost_\x1b[2J"}, "name: "),
        ({"name": "logistic_20240801_120000"}, "must begin with the kind"),
        ({"name": "x" * 300}, "name: "),
        ({"odds_factor": 0}, "odds_factor: .*greater than 0, found 0"),
        ({"odds_factor": -1.5}, "odds_factor: "),
        ({"odds_factor": "1"}, "odds_factor: "),
        ({"learner_state": {"positive_weight": -1.0}}, "positive_weight: "),
        ({"learner_state": {}}, "positive_weight: .*found nothing"),
        ({"target": {"level": "shop", "horizon": "7d", "anchors": "calendar"}}, "target.level: "),
        ({"target": {"level": "user", "horizon": "soon", "anchors": "calendar"}}, "target.horizon: "),
        ({"training": {"rows": 0, "positives": 0}}, "training.rows: "),
        ({"training": {"rows": 5, "positives": 9}}, "more positives"),
        ({"features": [{"name": 5, "dtype": "Float64", "categories": None}]}, "features.0.name: "),
        ({"features": [{"name": "a", "dtype": "Enum", "categories": ["x", "x"]}]}, "a category stands twice"),
        ({"features": [{"name": "a", "dtype": "UInt8", "categories": None}] * 2}, "a feature stands twice"),
        ({"versions": {"xgboost": 3}}, "versions.xgboost: "),
        ({"versions": {"xgboost": "99.0.0"}}, "written by xgboost 99.0.0"),
        ({"versions": {}}, "lacks 'xgboost'"),
        ({"features": []}, "other features"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    models: dict[str, FittedModel], changes: dict, message: str, tmp_path: Path
):
    save_bundle(models["xgboost"], tmp_path)
    alter(tmp_path / "model.json", **changes)
    with pytest.raises(BundleError, match=message):
        load_model(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_features_of_another_order_than_the_booster_s_are_refused(
    models: dict[str, FittedModel], kind: str, tmp_path: Path
):
    save_bundle(models[kind], tmp_path)
    features = json.loads((tmp_path / "model.json").read_text())["features"]
    alter(tmp_path / "model.json", features=features[1:])
    with pytest.raises(BundleError, match="other features"):
        load_model(tmp_path)


def test_windows_named_as_by_earlier_versions_are_refused_with_the_command_that_makes_a_new_model(
    models: dict[str, FittedModel], tmp_path: Path
):
    save_bundle(models["logistic"], tmp_path)
    features = json.loads((tmp_path / "model.json").read_text())["features"]
    renamed = [feature | {"name": feature["name"].replace("noise", "view_count_24h")} for feature in features]
    alter(tmp_path / "model.json", features=renamed)
    rows = splits(rows=20)["test"].rename({"noise": "view_count_1d"})
    with pytest.raises(BundleError, match=r"^[^\n]*view_count_24h[^\n]*or train again \(`purchase-pred train`\)$"):
        load_model(tmp_path).predict(rows)


@pytest.mark.parametrize(
    ("method", "parameters", "message"),
    [
        ("magic", [], "found 'magic'"),
        ("none", [1.0], "none takes 0 parameters, and there are 1"),
        ("temperature", [], "temperature takes 1 parameters, and there are 0"),
        ("temperature", [0.0], "slopes above 0"),
        ("platt", [-1.0, 0.0], "slopes above 0"),
        ("beta", [1.0, -0.5, 0.0], "slopes above 0"),
        ("platt", ["1.0", 0.0], "parameters.0: "),
        ("platt", [True, 0.0], "parameters.0: "),
        ("isotonic", [], "as many centres as values"),
        ("isotonic", [1.0, 2.0, 3.0], "as many centres as values"),
        ("isotonic", [1.0, 1.0, 0.1, 0.2], "centres that increase"),
        ("isotonic", [1.0, 2.0, 0.2, 0.1], "values that increase"),
    ],
)
def test_a_calibrator_that_is_none_is_refused(
    models: dict[str, FittedModel], method: str, parameters: list, message: str, tmp_path: Path
):
    save_bundle(models["logistic"], tmp_path)
    alter(tmp_path / "calibrator.json", method=method, parameters=parameters)
    with pytest.raises(BundleError, match=message):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scales": [0.0]}, "scales.0: "),
        ({"intercept": None}, "intercept: "),
        ({"weights": []}, "as many numbers of each kind"),
        ({"indicated": [999]}, "as many numbers of each kind"),
        ({"category_weights": [[0.5]]}, "as many numbers of each kind"),
        ({"numeric": [0]}, "other features"),
        ({"numeric": [-1]}, "other features"),
        ({"code": "x"}, "code: "),
    ],
)
def test_coefficients_that_do_not_fit_are_refused(
    models: dict[str, FittedModel], changes: dict, message: str, tmp_path: Path
):
    save_bundle(models["logistic"], tmp_path)
    alter(tmp_path / "logistic.json", **changes)
    with pytest.raises(BundleError, match=message):
        load_model(tmp_path)
