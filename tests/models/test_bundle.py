from __future__ import annotations

import hashlib
import json
import os
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from frames import splits

from purchase_pred.errors import BundleError
from purchase_pred.models import FittedModel, load_model, save_bundle, save_pickle, train_models
from purchase_pred.models.bundle import write_description
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("logistic", "xgboost", "lightgbm")
SPLITS = splits(rows=3_000)


@pytest.fixture(scope="module")
def models() -> dict[str, FittedModel]:
    asked = Settings.model_validate({"train": {"threads": 1, "calibration": {"method": "isotonic"}}})
    return {model.kind: model for model in train_models(SPLITS["train"], SPLITS["val"], settings=asked)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_reloaded_model_predicts_the_same_bits(models: dict[str, FittedModel], kind: str, tmp_path: Path):
    save_bundle(models[kind], tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert np.array_equal(loaded.predict(SPLITS["test"]), models[kind].predict(SPLITS["test"]))
    assert np.array_equal(loaded.log_odds(SPLITS["test"]), models[kind].log_odds(SPLITS["test"]))
    assert (loaded.name, loaded.spec, loaded.calibrator) == (
        models[kind].name,
        models[kind].spec,
        models[kind].calibrator,
    )
    assert (loaded.target, loaded.settings, loaded.training) == (
        models[kind].target,
        models[kind].settings,
        models[kind].training,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_saving_a_reloaded_model_writes_the_same_bytes(models: dict[str, FittedModel], kind: str, tmp_path: Path):
    save_bundle(models[kind], tmp_path / "one")
    save_bundle(load_model(tmp_path / "one"), tmp_path / "two")
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_without_some_features_is_saved_with_their_names(kind: str, tmp_path: Path):
    asked = Settings.model_validate({"train": {"threads": 1, "models": [kind], "leave_out": ["noise", "hours_*"]}})
    model = train_models(SPLITS["train"], SPLITS["val"], settings=asked)[0]
    save_bundle(model, tmp_path)
    loaded, test = load_model(tmp_path), SPLITS["test"]
    assert loaded.spec == model.spec
    assert loaded.spec.left_out == ("hours_since_user_item_view", "hours_since_last_purchase", "noise")
    assert loaded.settings["leave_out"] == ["noise", "hours_*"]
    for frame in (test, test.drop(loaded.spec.left_out), test.with_columns(noise=0.0)):
        assert np.array_equal(loaded.predict(frame), model.predict(test))


def test_a_model_saved_before_features_could_be_left_out_is_read(models: dict[str, FittedModel], tmp_path: Path):
    save_bundle(models["logistic"], tmp_path)
    description = json.loads((tmp_path / "model.json").read_text())
    del description["left_out"]
    write_description(tmp_path, description)
    assert load_model(tmp_path).spec == models["logistic"].spec


@pytest.mark.parametrize("kind", KINDS)
def test_no_file_of_a_bundle_is_a_pickle(models: dict[str, FittedModel], kind: str, tmp_path: Path):
    save_bundle(models[kind], tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".txt"}
    for path in tmp_path.iterdir():
        with pytest.raises((pickle.UnpicklingError, ValueError, KeyError, IndexError, EOFError, AttributeError)):
            pickle.loads(path.read_bytes())  # noqa: S301  (the point is that it is none)


@pytest.mark.parametrize("kind", KINDS)
def test_the_pickle_for_notebooks_is_the_whole_model(models: dict[str, FittedModel], kind: str, tmp_path: Path):
    save_pickle(models[kind], tmp_path / "models" / "model.pkl")
    loaded = pickle.loads((tmp_path / "models" / "model.pkl").read_bytes())  # noqa: S301  (written one line above)
    assert np.array_equal(loaded.predict(SPLITS["test"]), models[kind].predict(SPLITS["test"]))


@pytest.mark.parametrize("kind", KINDS)
def test_every_missing_file_is_named(models: dict[str, FittedModel], kind: str, tmp_path: Path):
    names = ("model.json", "calibrator.json", models[kind].learner.file_name)
    for name in names:
        save_bundle(models[kind], tmp_path / name)
        (tmp_path / name / name).unlink()
        with pytest.raises(BundleError, match=name):
            load_model(tmp_path / name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", [b"", b"{}", b"nonsense", b"\xff\xfe\x00", b"[1, 2]"])
def test_a_file_with_other_content_is_refused(
    models: dict[str, FittedModel], kind: str, content: bytes, tmp_path: Path
):
    for name in ("model.json", "calibrator.json", models[kind].learner.file_name):
        save_bundle(models[kind], tmp_path / name)
        (tmp_path / name / name).write_bytes(content)
        with pytest.raises(BundleError):
            load_model(tmp_path / name)


@pytest.mark.parametrize("kind", KINDS)
def test_one_altered_byte_of_the_booster_is_noticed(models: dict[str, FittedModel], kind: str, tmp_path: Path):
    save_bundle(models[kind], tmp_path)
    path = tmp_path / models[kind].learner.file_name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match="not the one that"):
        load_model(tmp_path)


def test_a_calibrator_with_another_slope_is_noticed(models: dict[str, FittedModel], tmp_path: Path):
    save_bundle(models["logistic"], tmp_path)
    path = tmp_path / "calibrator.json"
    path.write_text(json.dumps({"method": "platt", "parameters": [3.0, 0.0]}))
    with pytest.raises(BundleError, match=r"calibrator\.json: the file is not the one that model\.json describes"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    "changes", [{"odds_factor": 2.5}, {"target": {"level": "user", "horizon": "3d", "anchors": "calendar"}}]
)
def test_an_edited_description_is_noticed(models: dict[str, FittedModel], changes: dict, tmp_path: Path):
    save_bundle(models["logistic"], tmp_path)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(BundleError, match=r"model\.json: it has been changed since the model was saved"):
        load_model(tmp_path)


def test_a_booster_of_another_model_is_noticed(models: dict[str, FittedModel], tmp_path: Path):
    other = Settings.model_validate({"train": {"threads": 1, "models": ["lightgbm"], "random_seed": 7}})
    save_bundle(models["lightgbm"], tmp_path / "one")
    save_bundle(train_models(SPLITS["train"], SPLITS["val"], settings=other)[0], tmp_path / "two")
    (tmp_path / "one" / "booster.txt").write_bytes((tmp_path / "two" / "booster.txt").read_bytes())
    with pytest.raises(BundleError, match=r"booster\.txt: the file is not the one that"):
        load_model(tmp_path / "one")


@pytest.mark.parametrize("name", ["model.json", "calibrator.json", "logistic.json"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": ' + "[" * 200_000, "nests too deep"),
        ('{"parameters": [NaN]}', "NaN is no number of JSON"),
        ('{"parameters": [-Infinity]}', "-Infinity is no number of JSON"),
        ('{"name": 1, "name": 2}', "a key stands twice"),
        ('{"bundle_version": 1' + "0" * 5_000 + "}", "not JSON"),
    ],
)
def test_hostile_json_is_refused_in_one_sentence(
    models: dict[str, FittedModel], name: str, content: str, message: str, tmp_path: Path
):
    save_bundle(models["logistic"], tmp_path)
    (tmp_path / name).write_text(content)
    if name != "model.json":
        description = json.loads((tmp_path / "model.json").read_text())
        hashed = description["sha256"] | {name: hashlib.sha256(content.encode()).hexdigest()}
        write_description(tmp_path, description | {"sha256": hashed})
    with pytest.raises(BundleError, match=message) as told:
        load_model(tmp_path)
    assert "\n" not in str(told.value)


def test_an_oversized_file_is_read_no_farther_than_allowed(models: dict[str, FittedModel], tmp_path: Path):
    save_bundle(models["logistic"], tmp_path)
    with (tmp_path / "calibrator.json").open("wb") as file:
        file.truncate(40_000_000_000)
    with pytest.raises(BundleError, match=r"calibrator\.json: must have at most 50,000,000 bytes"):
        load_model(tmp_path)


def test_a_pipe_in_place_of_a_file_is_not_waited_for(models: dict[str, FittedModel], tmp_path: Path):
    save_bundle(models["logistic"], tmp_path)
    (tmp_path / "logistic.json").unlink()
    os.mkfifo(tmp_path / "logistic.json")
    with pytest.raises(BundleError, match="needs a plain file here"):
        load_model(tmp_path)
