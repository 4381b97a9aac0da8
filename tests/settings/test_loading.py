"""Settings come from --set, the environment, files and defaults, in that order, and say where from."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from purchase_pred.errors import ConfigError
from purchase_pred.settings.keys import leaves
from purchase_pred.settings.loading import flat_settings, resolve_settings
from purchase_pred.settings.simulator import PersonaSettings
from purchase_pred.settings.tree import Settings
from purchase_pred.settings.yaml_files import read_yaml, shipped_config_files

if TYPE_CHECKING:
    from pathlib import Path

THRESHOLD = "session.inactivity_threshold_minutes"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("PURCHASE_PRED_"):
            monkeypatch.delenv(name)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_files_together_are_the_defaults() -> None:
    resolved = resolve_settings(files=shipped_config_files())

    assert resolved.settings == Settings()
    assert [key for key, origin in resolved.origins.items() if origin == "default"] == []


def test_every_key_stands_in_exactly_one_shipped_file() -> None:
    keys = [key for path in shipped_config_files() for key, _ in leaves(Settings, read_yaml(path)[0])]

    assert sorted(keys) == sorted(flat_settings(Settings()))


def test_assignments_win_over_environment_over_files_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "session: {inactivity_threshold_minutes: 10}\nsplit: {train: 0.5, val: 0.2}\ntarget: {horizon: 3d}\n"
    path = write(tmp_path / "mine.yaml", text)
    monkeypatch.setenv("PURCHASE_PRED_SESSION__INACTIVITY_THRESHOLD_MINUTES", "20")
    monkeypatch.setenv("PURCHASE_PRED_SPLIT__VAL", "0.25")

    resolved = resolve_settings(files=[path], assignments=[f"{THRESHOLD}=40"])

    assert resolved.settings.session.inactivity_threshold_minutes == 40
    assert (resolved.settings.split.train, resolved.settings.split.val) == (0.5, 0.25)
    assert resolved.settings.target.horizon == timedelta(days=3)
    assert resolved.origins[THRESHOLD] == "--set"
    assert resolved.origins["split.val"] == "environment PURCHASE_PRED_SPLIT__VAL"
    assert resolved.origins["split.train"] == f"{path}:2"
    assert resolved.origins["target.horizon"] == f"{path}:3"
    assert resolved.origins["split.align"] == "default"


def test_later_files_are_merged_deeply_into_earlier_ones(tmp_path: Path) -> None:
    first = write(tmp_path / "first.yaml", "split:\n  train: 0.5\n  val: 0.2\n")
    second = write(tmp_path / "second.yaml", "split:\n  val: 0.3\n")

    resolved = resolve_settings(files=[first, second])

    assert (resolved.settings.split.train, resolved.settings.split.val) == (0.5, 0.3)
    assert resolved.origins["split.val"] == f"{second}:2"


@pytest.mark.parametrize(
    ("assignment", "key", "value"),
    [
        ("features.windows=[1d, 14d]", "features.windows", ["1d", "14d"]),
        ("target.sessions=2", "target.sessions", 2),
        ("target.sessions=null", "target.sessions", None),
        ("dataset.start_date=2023-01-31", "dataset.start_date", "2023-01-31"),
        ("split.align=none", "split.align", "none"),
        ("ingest.time_format=%d.%m.%Y", "ingest.time_format", "%d.%m.%Y"),
        ("ingest.time_format=null", "ingest.time_format", None),
        ("ingest.decimal=,", "ingest.decimal", ","),
    ],
)
def test_assigned_values_are_yaml(assignment: str, key: str, value: object) -> None:
    assert flat_settings(resolve_settings(assignments=[assignment]).settings)[key] == value


def test_a_list_in_the_environment_is_yaml_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PURCHASE_PRED_FEATURES__WINDOWS", "[2d, 3d]")
    monkeypatch.setenv("PURCHASE_PRED_TARGET__SESSIONS", "null")

    settings = resolve_settings().settings

    assert settings.features.windows == (timedelta(days=2), timedelta(days=3))
    assert settings.target.sessions is None


def test_a_section_left_empty_keeps_its_defaults(tmp_path: Path) -> None:
    path = write(tmp_path / "empty.yaml", "session:\nsplit:\n  # train: 0.5\n")

    assert resolve_settings(files=[path]).settings == Settings()


def test_an_empty_file_keeps_the_defaults(tmp_path: Path) -> None:
    assert resolve_settings(files=[write(tmp_path / "empty.yaml", "# nothing\n")]).settings == Settings()


@pytest.mark.parametrize(
    ("assignment", "nearest"),
    [
        ("session.inactivity_treshold=15", THRESHOLD),
        ("sesion.inactivity_threshold_minutes=15", "did you mean 'session'"),
        ("num_users=5", "dataset.num_users"),
        ("target.horizon.days=7", None),
    ],
)
def test_an_unknown_key_names_the_nearest_one(assignment: str, nearest: str | None) -> None:
    with pytest.raises(ConfigError, match=nearest or r"target\.horizon") as raised:
        resolve_settings(assignments=[assignment])

    assert "--set" in str(raised.value)


def test_an_unknown_key_in_a_file_names_file_and_line(tmp_path: Path) -> None:
    path = write(tmp_path / "typo.yaml", "split:\n  train: 0.6\n  vall: 0.2\n")

    with pytest.raises(ConfigError, match=r"typo\.yaml:3: unknown key 'split\.vall'; did you mean 'split\.val'\?"):
        resolve_settings(files=[path])


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("PURCHASE_PRED_DATASET__NUM_USRES", "dataset.num_users"),
        ("PURCHASE_PRED_DATSET__NUM_USERS", "dataset.num_users"),
    ],
)
def test_an_unknown_key_in_the_environment_names_the_variable(
    name: str, nearest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "5")

    with pytest.raises(ConfigError, match=f"environment {name}: unknown key .*did you mean '{nearest}'"):
        resolve_settings()


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "dataset.personas.byer.share=0.1",
            "unknown key 'dataset.personas.byer'; did you mean 'dataset.personas.buyer'",
        ),
        ("dataset.categories.beuty={}", "did you mean 'dataset.categories.beauty'.* season_amplitude, found none"),
        ("dataset.personas.vip={share: 0.1, intent: -3.0}", "A new one needs share, idle.*, found share, intent"),
        ("dataset.personas.buyer.shar=0.1", "did you mean 'dataset.personas.buyer.share'"),
        ("dataset={personas: {vip: {shar: 0.1}}}", "did you mean 'dataset.personas.vip.share'"),
        ("personas.buyer.share=0.1", "did you mean 'dataset.personas'"),
        ("dataset.personas.buyer=0.1", r"dataset\.personas\.buyer: .* found 0\.1"),
    ],
)
def test_a_mistyped_row_is_one_message_that_names_the_nearest(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"--set: .*{message}") as raised:
        resolve_settings(assignments=[assignment])

    assert "Field required" not in str(raised.value)
    assert str(raised.value).count("--set") == 1


def test_a_mistyped_row_in_the_environment_or_a_file_names_the_variable_or_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "typo.yaml", "dataset:\n  personas:\n    byer:\n      share: 0.1\n")
    with pytest.raises(ConfigError, match=r"typo\.yaml:3: unknown key 'dataset\.personas\.byer'"):
        resolve_settings(files=[path])
    name = "PURCHASE_PRED_DATASET__PERSONAS__BYER__SHARE"
    monkeypatch.setenv(name, "0.1")
    with pytest.raises(ConfigError, match=rf"environment {name}: unknown key 'dataset\.personas\.byer'"):
        resolve_settings()


def test_every_value_of_a_row_has_an_origin_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = json.dumps(dict.fromkeys(PersonaSettings.model_fields, 1))
    path = write(tmp_path / "mine.yaml", f"dataset: {{personas: {{\n  buyer: {{share: 0.1}},\n  vip: {row}}}}}\n")
    monkeypatch.setenv("PURCHASE_PRED_DATASET__CATEGORIES__HOME__SHARE", "0.3")
    resolved = resolve_settings(files=[path], assignments=["dataset.personas.vip.intent=-2.5"])

    set_by = {key.removeprefix("dataset."): origin for key, origin in resolved.origins.items() if origin != "default"}
    assert set_by == {
        "personas.buyer.share": f"{path}:2",
        **{f"personas.vip.{field}": f"{path}:3" for field in PersonaSettings.model_fields},
        "personas.vip.intent": "--set",
        "categories.home.share": "environment PURCHASE_PRED_DATASET__CATEGORIES__HOME__SHARE",
    }
    personas = resolved.settings.dataset.personas
    assert (personas["vip"].intent, personas["buyer"].share, personas["buyer"].intent) == (-2.5, 0.1, -3.1)


def test_a_section_given_as_one_value_is_the_origin_of_what_it_holds() -> None:
    resolved = resolve_settings(
        assignments=["dataset={num_users: 7, personas: {buyer: {share: 0.1}}}", "ingest.columns.price=cost"]
    )

    set_by = [key for key, origin in resolved.origins.items() if origin == "--set"]
    assert set_by == ["dataset.num_users", "dataset.personas.buyer.share", "ingest.columns"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("split:\n  train: many\n", r"wrong\.yaml:2: split\.train: .*valid number.*found 'many'"),
        ("dataset: 5\n", r"wrong\.yaml:1: 'dataset' must be a mapping of .*num_users.*found 5"),
        ("split:\n  train: 0.9\n  val: 0.2\n", r"wrong\.yaml:1: split: train \+ val must be below 1.*1\.1"),
        ("target:\n  horizon: soon\n", r"wrong\.yaml:2: target\.horizon: a duration is a whole number and a unit"),
        ("features:\n  windows: 1d\n", r"wrong\.yaml:2: features\.windows: .*a list is written \[a, b\]"),
        ("split:\n  train: 0.6\n  train: 0.7\n", r"wrong\.yaml:3: key 'split\.train' stands twice, first on line 2"),
        ("split: [\n", r"wrong\.yaml:2: this is not YAML"),
        ("split:\n\ttrain: 0.5\n", r"wrong\.yaml:2: this is not YAML"),
        ("- a\n", r"wrong\.yaml:1: the file must hold a mapping of settings, found list"),
        ("30: 5\n", r"wrong\.yaml:1: a key must be a word, found '30'"),
    ],
)
def test_a_wrong_file_is_one_message_with_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve_settings(files=[write(tmp_path / "wrong.yaml", text)])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: no such file"):
        resolve_settings(files=[tmp_path / "absent.yaml"])


def test_a_folder_or_a_binary_file_in_place_of_yaml_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        resolve_settings(files=[tmp_path])
    with pytest.raises(ConfigError, match=r"binary\.yaml: cannot be read: it is not UTF-8 text"):
        resolve_settings(files=[binary])


@pytest.mark.parametrize("assignment", ["split.train", "=5", "features.windows=[1d"])
def test_a_malformed_assignment_says_how_to_write_one(assignment: str) -> None:
    with pytest.raises(ConfigError, match=r"--set .*must be"):
        resolve_settings(assignments=[assignment])


def test_a_wrong_value_in_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PURCHASE_PRED_SPLIT__TRAIN", "lots")

    with pytest.raises(ConfigError, match=r"environment PURCHASE_PRED_SPLIT__TRAIN: split\.train: .*'lots'"):
        resolve_settings()


def test_an_impossible_date_in_a_file_or_the_environment_names_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "mine.yaml", "dataset:\n  start_date: 2024-13-45\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml:2: dataset\.start_date: .*found '2024-13-45'"):
        resolve_settings(files=[path])
    monkeypatch.setenv("PURCHASE_PRED_ANCHORS__START", "2024-02-30")
    with pytest.raises(ConfigError, match=r"environment PURCHASE_PRED_ANCHORS__START: .*found '2024-02-30'"):
        resolve_settings()
