"""Settings can be shown with their origin, written as defaults, and checked by schema."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from installed_command import purchase_pred
from purchase_pred_cli.ingest_command import LogFormat
from purchase_pred_cli.stage_commands import ModelKind, RunTarget, SplitName

from purchase_pred.ingest import LOG_FORMATS
from purchase_pred.names import MODELS, SPLITS
from purchase_pred.pipeline.registry import STAGES
from purchase_pred.settings import Settings
from purchase_pred.settings.loading import flat_settings, resolve_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_show_prints_value_and_origin_of_every_setting(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("split:\n  train: 0.6\n")
    outcome = purchase_pred(
        *("config", "show", "--json", "-c", "mine.yaml", "--set", "split.val=0.2"),
        cwd=tmp_path,
        PURCHASE_PRED_DATASET__NUM_USERS="500",
    )

    shown = json.loads(outcome.out)
    assert list(shown) == list(flat_settings(Settings()))
    assert shown["split.train"] == {"value": 0.6, "origin": "mine.yaml:2"}
    assert shown["split.val"] == {"value": 0.2, "origin": "--set"}
    assert shown["dataset.num_users"] == {"value": 500, "origin": "environment PURCHASE_PRED_DATASET__NUM_USERS"}
    assert shown["target.horizon"] == {"value": "7d", "origin": "default"}


def test_show_prints_a_table_too(tmp_path: Path) -> None:
    outcome = purchase_pred("config", "show", "--set", "split.val=0.2", cwd=tmp_path)

    assert re.search(r"split\.val +0\.2 +--set", outcome.out)
    assert re.search(r'target\.horizon +"7d" +default', outcome.out)


def test_init_writes_the_defaults_and_refuses_to_overwrite_them(tmp_path: Path) -> None:
    first = purchase_pred("config", "init", cwd=tmp_path)
    written = sorted((tmp_path / "configs").iterdir())

    assert first.code == 0
    assert resolve_settings(files=written).settings == Settings()
    written[0].write_text("dataset: {num_users: 5}\n")
    again = purchase_pred("config", "init", cwd=tmp_path)
    assert again.code == 2
    assert "--force replaces them" in again.err
    assert written[0].read_text() == "dataset: {num_users: 5}\n"
    assert purchase_pred("config", "init", "--force", cwd=tmp_path).code == 0
    assert resolve_settings(files=written).settings == Settings()


def test_schema_names_every_section(tmp_path: Path) -> None:
    outcome = purchase_pred("config", "schema", cwd=tmp_path)

    assert list(json.loads(outcome.out)["properties"]) == list(Settings.model_fields)


def test_files_in_configs_are_not_read_unasked(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/data_generation.yaml").write_text("dataset: {num_users: 5}\n")
    outcome = purchase_pred("config", "show", "--json", cwd=tmp_path)

    assert json.loads(outcome.out)["dataset.num_users"] == {"value": 10_000, "origin": "default"}


def test_the_choices_of_the_command_line_are_those_of_the_library() -> None:
    assert [choice.value for choice in RunTarget] == ["all", *(stage.name for stage in STAGES)]
    assert [choice.value for choice in SplitName] == list(SPLITS)
    assert [choice.value for choice in ModelKind] == list(MODELS)
    assert sorted(choice.value for choice in LogFormat) == sorted(LOG_FORMATS)


def test_every_stage_names_a_function_that_exists() -> None:
    assert all(callable(stage.load()) for stage in STAGES)


def test_every_part_of_the_settings_belongs_to_a_stage() -> None:
    used = {key for stage in STAGES for unit in stage.units for key in stage.settings_of(unit, Settings())}
    unused = {key for key in flat_settings(Settings()) if key not in used}

    assert {key.partition(".")[0] for key in unused} == {"execution", "ingest", "monitor", "nightly", "train"}
    assert {key for key in unused if key.startswith("train")} == {"train.models"}
