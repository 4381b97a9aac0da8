"""Feature files are read only by who asks for what they were made with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from purchase_pred.errors import ConfigError, InputError
from purchase_pred.pipeline.engine.fingerprint import fingerprint
from purchase_pred.pipeline.engine.manifest import describe, manifest_path, read_manifest, write_manifest
from purchase_pred.pipeline.engine.workspace import SESSIONIZED_FILE, Workspace, features_file
from purchase_pred.pipeline.feature_files import naming, older_than_inputs, read_split, read_splits
from purchase_pred.settings import Settings
from purchase_pred.settings.carried import carried_settings

if TYPE_CHECKING:
    from pathlib import Path

MADE = Settings.model_validate({"target": {"horizon": "3d"}})
ROWS = pl.DataFrame(
    {"prediction_time": [datetime(2024, 8, 1, tzinfo=UTC)], "label": [1]},
    schema={"prediction_time": pl.Datetime("us", "UTC"), "label": pl.UInt8},
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with three feature files of one row."""
    for split in ("train", "val", "test"):
        output = features_file(split)
        path = tmp_path / output
        path.parent.mkdir(parents=True, exist_ok=True)
        ROWS.write_parquet(path)
        vouch_for(path, output)
    return Workspace(tmp_path)


def vouch_for(path: Path, output: str) -> None:
    """Write the manifest of a feature file as it is."""
    made = describe(
        path,
        stage="features",
        output=output,
        settings=carried_settings(MADE),
        inputs={SESSIONIZED_FILE: "f1"},
        rows=1,
        counts={},
        attachments={},
    )
    write_manifest(made, manifest_path(path))


def test_features_of_the_same_settings_are_read(workspace: Workspace):
    assert {split: frame.collect().height for split, frame in read_splits(workspace, MADE).items()} == dict.fromkeys(
        ("train", "val", "test"), 1
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "target.horizon 3d, and this command asks for target.horizon 7d"),
        ({"target": {"horizon": "3d", "level": "user"}}, "target.level user_item, and this command asks for"),
        ({"target": {"horizon": "3d"}, "anchors": {"kind": "calendar"}}, "anchors.kind session_close"),
        ({"target": {"horizon": "3d"}, "split": {"embargo": "1d"}}, "split.embargo 0s"),
        (
            {"target": {"horizon": "3d"}, "session": {"inactivity_threshold_minutes": 15}},
            "session.inactivity_thres",
        ),
        ({"target": {"horizon": "3d"}, "features": {"availability_lag": "1d"}}, "features.availability_lag 0s"),
    ],
)
def test_features_of_other_settings_are_refused_with_both_sides_and_the_command(workspace, asked, found):
    with pytest.raises(ConfigError) as refusal:
        read_splits(workspace, Settings.model_validate(asked))
    assert f"train_features.parquet was made with {found}" in str(refusal.value)
    assert f"`purchase-pred features -w {workspace.root}" in str(refusal.value)


def test_settings_of_the_learners_are_no_business_of_the_features(workspace: Workspace):
    asked = MADE.model_copy(update={"train": MADE.train.model_copy(update={"random_seed": 7})})
    assert read_split(workspace, asked, "train").collect().height == 1


def test_features_of_which_nothing_tells_what_they_were_made_with_are_refused(workspace: Workspace):
    manifest_path(workspace.path(features_file("val"))).unlink()
    with pytest.raises(InputError, match=r"val_features\.parquet has no manifest.*makes it anew"):
        read_splits(workspace, MADE)


def test_features_that_something_else_has_changed_are_refused(workspace: Workspace):
    pl.concat([ROWS, ROWS]).write_parquet(workspace.path(features_file("test")))
    with pytest.raises(InputError, match="is not the file that its manifest describes"):
        read_splits(workspace, MADE)


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (["views"], "names 1 features, and holds beside them 'stray'"),
        (["views", "stray", "carts", "buys"], "names 4 features, and lacks of them 'carts', 'buys'"),
        (["carts"], "and holds beside them 'views', 'stray' and lacks of them 'carts'"),
    ],
)
def test_a_file_whose_columns_are_not_the_features_that_it_names_is_refused(workspace, named, found) -> None:
    output = features_file("train")
    path = workspace.path(output)
    ROWS.with_columns(views=3, stray=1.5).write_parquet(path, metadata=naming(named))
    vouch_for(path, output)
    with pytest.raises(InputError, match=rf"train_features\.parquet .*{found}; `purchase-pred features .*it anew"):
        read_split(workspace, MADE, "train")


def test_a_file_that_names_its_features_is_read(workspace) -> None:
    output = features_file("train")
    path = workspace.path(output)
    ROWS.with_columns(views=3).write_parquet(path, metadata=naming(["views"]))
    vouch_for(path, output)
    assert read_split(workspace, MADE, "train").collect_schema().names() == [*ROWS.columns, "views"]


def test_features_that_are_older_than_their_inputs_are_told_of(workspace: Workspace):
    assert older_than_inputs(workspace, MADE) == (
        f"the features were made before {SESSIONIZED_FILE} changed; "
        f"`purchase-pred features -w {workspace.root} --set target.horizon=3d` makes them anew"
    )
    path = workspace.path(SESSIONIZED_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"sessions")
    for split in ("train", "val", "test"):
        file = workspace.path(features_file(split))
        manifest = read_manifest(file)
        assert manifest is not None
        write_manifest(replace(manifest, inputs={SESSIONIZED_FILE: fingerprint(path)}), manifest_path(file))
    assert older_than_inputs(workspace, MADE) is None
