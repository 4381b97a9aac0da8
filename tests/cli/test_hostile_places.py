"""Paths that can be no names, places that cannot be written to, readers that have gone: one sentence each."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from installed_command import SMALL, purchase_pred

COMMAND = Path(sys.executable).with_name("purchase-pred")
EVENTS = "data/raw/clickstream_events.parquet"
FEW = ("--set", "dataset.num_users=40", "--set", "dataset.num_days=10")


def shell(script: str, folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which "$@" is the command."""
    program = ["bash", "-c", script, "bash", COMMAND, *arguments]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert "Traceback" not in done.stderr
    return done


def told(stderr: str) -> str:
    (line,) = stderr.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (b"shop\xff", r"must be UTF-8 text, found 'shop\udcff'"),
        (b"a" * 256, "each name in it 255, found 256 and 256"),
        (b"a/" * 2100 + b"a", "at most 4,095 bytes long"),
        (b"~no-such-user/x", "there is no home folder '~no-such-user/x'"),
    ],
)
@pytest.mark.parametrize("arguments", [["status", "-w"], ["generate", "-w"], ["config", "show", "-c"]])
def test_a_path_that_can_be_no_name_is_wrong_usage(
    tmp_path: Path, path: bytes, message: str, arguments: list[str]
) -> None:
    outcome = purchase_pred(*arguments, os.fsdecode(path), cwd=tmp_path)

    assert outcome.code == 2
    assert message in told(outcome.err)
    assert list(tmp_path.iterdir()) == []


def test_a_home_folder_that_the_shell_did_not_write_out_is_found(tmp_path: Path) -> None:
    outcome = purchase_pred("generate", "-w", "~/shop", *FEW, cwd=tmp_path, HOME=str(tmp_path / "home"))
    assert outcome.code == 2  # no such home folder
    (tmp_path / "home").mkdir()
    outcome = purchase_pred("generate", "-w", "~/shop", *FEW, cwd=tmp_path, HOME=str(tmp_path / "home"))
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "home/shop" / EVENTS).is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_working_folder_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = shell('cd gone && rmdir ../gone && "$@"', tmp_path, "status")

    assert done.returncode == 2
    assert "the working folder is gone" in told(done.stderr)


def test_a_closed_stdout_is_one_sentence_before_anything_runs(tmp_path: Path) -> None:
    done = shell('"$@" >&-', tmp_path, "generate", *FEW)

    assert done.returncode == 2
    assert "standard output is closed" in told(done.stderr)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("arguments", [["config", "show"], ["config", "show", "--json"], ["config", "schema"]])
def test_a_reader_that_has_gone_ends_the_command_quietly(tmp_path: Path, arguments: list[str]) -> None:
    done = shell('"$@" | true; echo "${PIPESTATUS[0]}"', tmp_path, *arguments)

    assert done.stdout == "141\n"
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [["status"], ["config", "show", "--json"]])
def test_a_full_disk_behind_stdout_is_one_sentence(tmp_path: Path, arguments: list[str]) -> None:
    done = shell('"$@" > /dev/full', tmp_path, *arguments)

    assert done.returncode == 1
    assert "no space left" in told(done.stderr)


def test_progress_that_nobody_can_read_stops_no_run(tmp_path: Path) -> None:
    done = shell('"$@" 2> /dev/full && "$@" 2>&-', tmp_path, "generate", *FEW, "-w", "shop")

    assert done.returncode == 0
    assert (tmp_path / "shop" / EVENTS).is_file()


def test_a_log_on_a_full_disk_stops_no_run_and_hides_no_error(tmp_path: Path) -> None:
    (tmp_path / "pipeline.log").symlink_to("/dev/full")

    failed = purchase_pred("sessionize", "-w", tmp_path)
    assert failed.code == 2
    assert "not found" in told(failed.err)
    made = purchase_pred("generate", "-w", tmp_path, *FEW)
    assert made.code == 0
    assert "Traceback" not in made.err


@pytest.mark.parametrize("kilobytes", [1, 4, 8])
def test_a_disk_that_fills_while_files_are_written_is_said_to_and_earlier_outputs_stay(
    tmp_path: Path, shop: Path, kilobytes: int
) -> None:
    shutil.copytree(shop / "data", tmp_path / "data")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")}

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes << 10, kilobytes << 10))

    program = [COMMAND, "run", "sessionize", "--force", "-w", tmp_path, *SMALL]
    done = subprocess.run(program, capture_output=True, text=True, check=False, preexec_fn=limit)
    assert done.returncode == 1
    assert "no space left on the disk; earlier outputs are as they were" in told(done.stderr)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")} == before
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("moment", ["0001-01-01", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "9999-12-31"])
def test_a_moment_at_the_end_of_time_is_one_sentence(shop: Path, moment: str) -> None:
    outcome = purchase_pred("score", "-w", shop, *SMALL, "--as-of", moment)

    assert outcome.code == 2
    told(outcome.err)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (["status", "--set", "dataset.num_usres=5"], "ConfigError", "unknown key"),
        (["sessionize"], "InputError", "not found"),
        (["status", "-w", "~no-such-user/x"], "UsageError", "no home folder"),
        (["status", "--no-such-option"], "UsageError", "No such option"),
        (["score", "--top", "0"], "UsageError", "Invalid value for '--top'"),
    ],
)
def test_with_json_an_error_is_the_one_document(tmp_path: Path, arguments: list[str], kind: str, message: str) -> None:
    outcome = purchase_pred(*arguments, "--json", cwd=tmp_path)

    assert outcome.code == 2
    document = json.loads(outcome.out)
    assert list(document) == ["schema_version", "error"]
    assert (document["error"]["type"], document["error"]["exit_code"]) == (kind, 2)
    assert message in document["error"]["message"]
    assert document["error"]["message"] in outcome.err


def test_with_json_a_missed_gate_leaves_the_document_as_it_is(tmp_path: Path) -> None:
    outcome = purchase_pred("status", "--check", "--json", cwd=tmp_path)

    assert outcome.code == 3
    assert list(json.loads(outcome.out)) == ["schema_version", "stages"]


def test_a_look_at_an_empty_folder_leaves_it_empty(tmp_path: Path) -> None:
    assert purchase_pred("status", "--check", cwd=tmp_path).code == 3
    assert purchase_pred("run", "all", "--dry-run", cwd=tmp_path).code == 0
    assert purchase_pred("config", "show", cwd=tmp_path).code == 0
    assert list(tmp_path.iterdir()) == []


def test_what_would_control_a_terminal_is_shown_as_text(shop: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "shop"
    shutil.copytree(shop, workspace)
    path = workspace / "data/processed/sessionized_events.parquet"
    events = pl.read_parquet(path)
    events.with_columns(pl.format("\x1b[31m=item {}", "item_id").alias("item_id")).write_parquet(path)
    catalog = workspace / "data/raw/item_catalog.parquet"
    items = pl.read_parquet(catalog)
    items.with_columns(pl.format("\x1b[31m=item {}", "item_id").alias("item_id")).write_parquet(catalog)
    outcome = purchase_pred("score", "-w", workspace, *SMALL, "--model", "logistic", "--top", "5")

    assert "\x1b" not in outcome.out + outcome.err
    assert (outcome.code, r"\x1b[31m=item" in outcome.out) == (0, True), outcome.err


def test_charts_are_drawn_where_no_temporary_folder_can_be_written_to(tmp_path: Path) -> None:
    program = (
        "import sys, tempfile\n"
        "from pathlib import Path\n"
        "def nowhere(): raise FileNotFoundError('no usable temporary directory')\n"
        "tempfile._get_default_tempdir = nowhere\n"
        "if sys.argv[1:]:\n"
        "    from purchase_pred_cli.scratch import offer_scratch\n"
        "    offer_scratch(Path(sys.argv[1]))\n"
        "import purchase_pred.report.plots\n"
    )
    clean = {name: value for name, value in os.environ.items() if name not in {"MPLCONFIGDIR", "XDG_CONFIG_HOME"}}
    codes = [
        subprocess.run(
            [sys.executable, "-c", program, *workspace],
            env=clean | {"HOME": "/proc/none"},
            capture_output=True,
            check=False,
        ).returncode
        for workspace in ((), (str(tmp_path),))
    ]
    assert codes == [1, 0]
