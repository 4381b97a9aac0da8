"""The installed command makes what is due, says why, and leaves a workspace whole."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from installed_command import SMALL, purchase_pred

from purchase_pred import schema
from purchase_pred.names import SPLITS

OUTPUTS = (
    "data/raw/users.parquet",
    "data/raw/item_catalog.parquet",
    "data/raw/clickstream_events.parquet",
    "data/processed/sessionized_events.parquet",
    *(f"data/processed/{split}_events.parquet" for split in SPLITS),
    *(f"data/features/{split}_features.parquet" for split in SPLITS),
)
STAGES = ("generate", "sessionize", "split", "features", "train")


def copy_of(shop: Path, folder: Path) -> Path:
    shutil.copytree(shop, folder / "shop")
    return folder / "shop"


def bytes_of(workspace: Path) -> dict[str, bytes]:
    files = (path for path in workspace.rglob("*") if path.is_file() and path.name != "pipeline.log")
    return {path.relative_to(workspace).as_posix(): path.read_bytes() for path in files}


def stage_states(text: str) -> dict[str, str]:
    return {stage["stage"]: stage["state"] for stage in json.loads(text)["stages"]}


def test_run_all_writes_every_file_with_a_manifest(shop: Path) -> None:
    for name in OUTPUTS:
        path = shop / name
        manifest = json.loads(path.with_suffix(".manifest.json").read_text())
        assert pl.scan_parquet(path).select(pl.len()).collect().item() == manifest["rows"] > 0
        assert path.stat().st_size == manifest["bytes"]


def test_run_all_writes_a_folder_and_a_pickle_per_model(shop: Path) -> None:
    folders = sorted(path.name for path in (shop / "models").iterdir() if path.is_dir())

    assert [re.sub(r"_\d{8}_\d{6}$", "_T", name) for name in folders] == ["lightgbm_T", "logistic_T"]
    for name in folders:
        assert {"model.json", "metrics.json", "manifest.json"} <= {
            path.name for path in (shop / "models" / name).iterdir()
        }
        assert not list((shop / "models" / name).glob("*.pkl"))
        assert (shop / "models" / f"{name}.pkl").is_file()


def test_files_carry_the_columns_of_the_schema(shop: Path) -> None:
    sessionized = pl.scan_parquet(shop / "data/processed/sessionized_events.parquet")
    schema.require(sessionized, schema.SESSIONIZED, what="sessionized events")
    features = pl.read_parquet_schema(shop / "data/features/val_features.parquet")

    assert list(features)[:6] == ["user_id", "session_index", "item_id", "prediction_time", "label_end", "label"]
    assert {"split", "purged"}.isdisjoint(features)


def test_the_splits_hold_every_session_once(shop: Path) -> None:
    key = ["user_id", "session_index"]
    sessionized = pl.read_parquet(shop / "data/processed/sessionized_events.parquet")
    parts = [pl.read_parquet(shop / f"data/processed/{split}_events.parquet") for split in SPLITS]

    assert sum(part.height for part in parts) == sessionized.height
    assert sum(part.select(key).n_unique() for part in parts) == sessionized.select(key).n_unique()


def test_a_second_run_does_nothing(shop: Path) -> None:
    before = bytes_of(shop)
    outcome = purchase_pred("run", "all", "-w", shop, *SMALL, "--json")

    assert outcome.code == 0
    assert stage_states(outcome.out) == dict.fromkeys(STAGES, "fresh")
    assert bytes_of(shop) == before


def test_the_log_has_the_known_format(shop: Path) -> None:
    first, *_ = (shop / "pipeline.log").read_text().splitlines()

    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - purchase_pred\.[\w.]+ - INFO - .+", first)


def test_another_threshold_reruns_exactly_what_depends_on_it(shop: Path, tmp_path: Path) -> None:
    workspace = copy_of(shop, tmp_path)
    outcome = purchase_pred(
        *("run", "all", "-w", workspace, *SMALL, "--set", "train.models=[logistic]"),
        *("--set", "session.inactivity_threshold_minutes=15", "--json"),
    )

    states = stage_states(outcome.out)
    assert states == {"generate": "fresh"} | dict.fromkeys(STAGES[1:], "ran")
    reasons = {stage["stage"]: stage["reasons"] for stage in json.loads(outcome.out)["stages"]}
    assert reasons["sessionize"] == ["stale: session.inactivity_threshold_minutes 30 -> 15"]


def test_a_dry_run_changes_nothing_and_says_what_would_run(shop: Path) -> None:
    before = bytes_of(shop)
    outcome = purchase_pred("run", "all", "-w", shop, *SMALL, "--set", "split.train=0.6", "--dry-run")

    assert outcome.code == 0
    assert bytes_of(shop) == before
    assert "stale: split.train 0.7 -> 0.6" in outcome.out
    assert re.search(r"sessionize\s+up to date", outcome.out)
    assert re.search(r"split\s+would run", outcome.out)


def test_features_of_one_split_are_made_alone_and_the_same(shop: Path, tmp_path: Path) -> None:
    workspace = copy_of(shop, tmp_path)
    shutil.rmtree(workspace / "data/features")
    outcome = purchase_pred("features", "--split", "val", "-w", workspace, *SMALL)

    assert outcome.code == 0
    assert [path.name for path in (workspace / "data/features").glob("*.parquet")] == ["val_features.parquet"]
    name = "data/features/val_features.parquet"
    assert pl.read_parquet(workspace / name).equals(pl.read_parquet(shop / name))


def test_the_same_settings_give_the_same_bytes(shop: Path, tmp_path: Path) -> None:
    outcome = purchase_pred("run", "split", "generate", "sessionize", "-w", tmp_path, *SMALL, POLARS_MAX_THREADS="1")

    assert outcome.code == 0
    for name in OUTPUTS[:7]:
        assert (tmp_path / name).read_bytes() == (shop / name).read_bytes(), name


def test_one_line_per_stage_without_colour_where_there_is_no_terminal(tmp_path: Path) -> None:
    outcome = purchase_pred("run", "generate", "sessionize", "-w", tmp_path, *SMALL, FORCE_COLOR="")

    lines = outcome.err.splitlines()
    assert [line.split()[0] for line in lines] == ["generate", "sessionize"]
    assert "\x1b" not in outcome.err + outcome.out
    assert outcome.out == ""


def test_quiet_says_nothing(tmp_path: Path) -> None:
    outcome = purchase_pred("generate", "-q", "-w", tmp_path, *SMALL)

    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_training_prints_one_table_and_who_won(shop: Path) -> None:
    outcome = purchase_pred("train", "--force", "--model", "logistic", "-w", shop, *SMALL, "--dry-run")
    assert re.search(r"train\s+would run\s+--force", outcome.out)

    outcome = purchase_pred("evaluate", "--model", "lightgbm", "-w", shop, *SMALL)
    for word in ("no model", "carted, not bought", "latest view", "logistic", "lightgbm", "PR-AUC", "lift at 10 %"):
        assert word in outcome.out
    assert re.search(r"On test lightgbm_\d+_\d+ reaches 0\.\d+: \d+\.\d+ x no model", outcome.out)


def test_skip_data_gen_without_data_says_what_to_do(tmp_path: Path) -> None:
    outcome = purchase_pred("run", "all", "--skip-data-gen", "-w", tmp_path)

    assert outcome.code == 2
    assert "there is none" in outcome.err
    assert "purchase-pred ingest" in outcome.err


def test_skip_data_gen_keeps_the_data_whatever_the_settings_say(shop: Path, tmp_path: Path) -> None:
    workspace = copy_of(shop, tmp_path)
    before = bytes_of(workspace / "data/raw")
    outcome = purchase_pred("run", "generate", "sessionize", "--skip-data-gen", "-w", workspace, "--json")

    assert stage_states(outcome.out) == {"generate": "kept", "sessionize": "fresh"}
    assert bytes_of(workspace / "data/raw") == before


def test_a_workspace_of_an_earlier_version_is_stale_with_the_reason_and_run_all_makes_it_anew(
    shop: Path, tmp_path: Path
) -> None:
    workspace = copy_of(shop, tmp_path)
    for path in (workspace / "data").glob("*/*_events.manifest.json"):
        manifest = json.loads(path.read_text())
        if manifest["stage"] == "split":
            kept = {key: value for key, value in manifest["settings"].items() if key != "split.by"}
            path.write_text(json.dumps(manifest | {"settings": kept | {"split.gap_days": 2}}))
    told = json.loads(purchase_pred("status", "-w", workspace, *SMALL, "--json").out)["stages"]
    reasons = {stage["stage"]: stage["reasons"] for stage in told if stage["state"] != "fresh"}
    assert reasons == {"split": ["stale: split.gap_days 2 -> null", "stale: split.by null -> time"]}

    outcome = purchase_pred("run", "all", "-w", workspace, *SMALL)
    assert outcome.code == 0, outcome.err
    again = purchase_pred("status", "-w", workspace, *SMALL, "--check", "--json")
    assert (again.code, set(stage_states(again.out).values())) == (0, {"fresh"})
    manifest = json.loads((workspace / "data/processed/train_events.manifest.json").read_text())
    assert (
        manifest["settings"] == json.loads((shop / "data/processed/train_events.manifest.json").read_text())["settings"]
    )


def test_an_interrupt_ends_with_130_and_the_next_run_completes(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("purchase-pred")
    arguments = ["run", "generate", "sessionize", "-w", str(tmp_path), "--set", "dataset.num_users=20000"]
    with subprocess.Popen([command, *arguments], stderr=subprocess.PIPE, text=True) as running:
        while not list(tmp_path.glob("data/raw/.*.partial")):
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=120)

    assert running.returncode == 130
    assert "interrupted" in told
    assert "Traceback" not in told
    assert not list(tmp_path.glob("data/raw/*.parquet"))
    assert purchase_pred("run", "generate", "sessionize", "-w", tmp_path, *SMALL).code == 0


@pytest.mark.parametrize("arguments", [("run", "everything"), ("generat",), ("run",), ("features", "--split", "dev")])
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    outcome = purchase_pred(*arguments, cwd=tmp_path)

    assert outcome.code == 2
    assert "Traceback" not in outcome.err


def test_verbose_shows_the_log_as_it_is_written(tmp_path: Path) -> None:
    outcome = purchase_pred("generate", "-v", "-w", tmp_path, *SMALL)

    assert "purchase_pred.pipeline.engine.runner: generate starts: missing" in outcome.err.splitlines()


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_status_of_an_empty_folder_writes_nothing(tmp_path: Path, options: tuple[str, ...]) -> None:
    outcome = purchase_pred("status", *options, "-w", tmp_path)

    assert outcome.code == (3 if options else 0)
    assert list(tmp_path.iterdir()) == []
