"""Whatever goes wrong is one message, the documented exit code, and earlier outputs as they were."""

from __future__ import annotations

import errno
import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest
import typer
from installed_command import SMALL, purchase_pred
from polars.exceptions import PanicException
from purchase_pred_cli.failures import explain, reporting_failures

from purchase_pred.errors import (
    BundleError,
    ConfigError,
    GateError,
    InputError,
    MissingExtraError,
    PurchasePredError,
    SchemaError,
    UnsupportedTargetError,
    WorkspaceError,
)

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = "data/raw/clickstream_events.parquet"
SESSIONIZED = "data/processed/sessionized_events.parquet"


def raw_copy(shop: Path, folder: Path) -> Path:
    """A workspace with only the raw data of the shop, which counts as brought in."""
    target = folder / "data/raw"
    target.mkdir(parents=True)
    for path in (shop / "data/raw").glob("*.parquet"):
        shutil.copyfile(path, target / path.name)
    return folder


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (InputError("x"), 2),
        (SchemaError("x"), 2),
        (UnsupportedTargetError("x"), 2),
        (BundleError("x"), 2),
        (MissingExtraError("x"), 2),
        (WorkspaceError("x"), 1),
        (PurchasePredError("x"), 1),
        (GateError("x"), 3),
        (ValueError("x"), 1),
        (MemoryError(), 1),
        (PermissionError(errno.EACCES, "Permission denied", "/w/data"), 2),
        (OSError(errno.EROFS, "Read-only file system", "/w/data"), 2),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "/w/data"), 2),
        (OSError(errno.ENOSPC, "No space left on device", "/w/data"), 1),
        (pl.exceptions.ComputeError("No space left on device (os error 28)"), 1),
        (OSError("Permission denied (os error 13)"), 2),
    ],
)
def test_every_kind_of_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert explain(error)[0] == code


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), PanicException("called `Result::unwrap()` on an `Err` value: KeyboardInterrupt()")]
)
def test_an_interrupt_is_one_also_where_it_made_polars_panic(error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(typer.Exit) as ending, reporting_failures(tmp_path):
        raise error
    assert ending.value.exit_code == 130


def test_a_panic_of_polars_is_a_failed_stage(tmp_path: Path) -> None:
    with pytest.raises(typer.Exit) as ending, reporting_failures(tmp_path):
        raise PanicException("index out of bounds")
    assert ending.value.exit_code == 1


def test_a_full_disk_says_so_and_that_nothing_was_lost() -> None:
    _, message = explain(OSError(errno.ENOSPC, "No space left on device", "/w/data"))

    assert message == (
        "/w/data: no space left on the disk; earlier outputs are as they were: free some space, run again"
    )


def test_an_unexpected_error_is_one_line() -> None:
    assert explain(ValueError("first\nsecond"))[1] == "unexpected ValueError: first"


def test_an_unknown_key_ends_with_2_and_names_the_nearest(tmp_path: Path) -> None:
    outcome = purchase_pred("run", "all", "-w", tmp_path, "--set", "dataset.num_usres=5")

    assert outcome.code == 2
    assert outcome.err == "error: --set: unknown key 'dataset.num_usres'; did you mean 'dataset.num_users'?\n"
    assert not (tmp_path / "data").exists()


def test_markup_in_a_message_is_text(tmp_path: Path) -> None:
    path = tmp_path / "[bold]x.yaml"
    outcome = purchase_pred("run", "all", "-w", tmp_path, "-c", path)

    assert "[bold]x.yaml: no such file" in outcome.err


def test_a_missing_input_names_the_file(tmp_path: Path) -> None:
    outcome = purchase_pred("sessionize", "-w", tmp_path)

    assert outcome.code == 2
    assert lines(outcome.err) == outcome.err.splitlines()
    assert EVENTS in outcome.err


def test_a_missing_column_is_named_and_earlier_outputs_stay(shop: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "shop"
    shutil.copytree(shop, workspace)
    before = (workspace / SESSIONIZED).read_bytes()
    pl.read_parquet(workspace / EVENTS).drop("item_id").write_parquet(workspace / EVENTS)
    outcome = purchase_pred("run", "all", "--skip-data-gen", "-w", workspace, *SMALL)

    assert outcome.code == 2
    assert "column 'item_id' is missing" in outcome.err
    assert "Traceback" not in outcome.err
    assert "Traceback" in (workspace / "pipeline.log").read_text()
    assert (workspace / SESSIONIZED).read_bytes() == before
    assert not list(workspace.rglob("*.partial"))


def test_a_wrong_type_is_named(shop: Path, tmp_path: Path) -> None:
    workspace = raw_copy(shop, tmp_path)
    events = pl.read_parquet(workspace / EVENTS).with_columns(pl.col("timestamp").cast(pl.String))
    events.write_parquet(workspace / EVENTS)
    outcome = purchase_pred("sessionize", "-w", workspace)

    assert outcome.code == 2
    assert "column 'timestamp' must be Datetime" in outcome.err
    assert "found String" in outcome.err


@pytest.mark.parametrize(
    ("rows", "message"), [(0, "must hold events, and holds none"), (1, "if the log names purchases otherwise")]
)
def test_an_empty_log_and_one_event_are_said_to_be_too_little(
    shop: Path, tmp_path: Path, rows: int, message: str
) -> None:
    workspace = raw_copy(shop, tmp_path)
    pl.read_parquet(workspace / EVENTS).head(rows).write_parquet(workspace / EVENTS)
    outcome = purchase_pred("run", "all", "--skip-data-gen", "-w", workspace)

    assert outcome.code == 2
    assert message in outcome.err
    assert not (workspace / "models").exists()


def test_a_file_that_is_no_parquet_is_named(shop: Path, tmp_path: Path) -> None:
    workspace = raw_copy(shop, tmp_path)
    (workspace / EVENTS).write_text("user,item\n1,2\n")
    outcome = purchase_pred("sessionize", "-w", workspace)

    assert outcome.code == 2
    assert f"{EVENTS}: must be a Parquet file" in outcome.err


def test_raw_data_of_others_is_not_overwritten_unasked(shop: Path, tmp_path: Path) -> None:
    workspace = raw_copy(shop, tmp_path)
    before = (workspace / EVENTS).read_bytes()

    refused = purchase_pred("generate", "-w", workspace, "--set", "dataset.num_users=50")
    assert refused.code == 2
    assert "--skip-data-gen" in refused.err
    assert (workspace / EVENTS).read_bytes() == before
    assert purchase_pred("generate", "--force", "-w", workspace, "--set", "dataset.num_users=50").code == 0
    assert (workspace / EVENTS).read_bytes() != before


def test_a_horizon_that_does_not_fit_is_one_message_before_anything_is_trained(shop: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "shop"
    shutil.copytree(shop, workspace)
    shutil.rmtree(workspace / "models")
    outcome = purchase_pred("run", "all", "-w", workspace, *SMALL, "--set", "target.horizon=30d")

    assert outcome.code == 2
    (message,) = lines(outcome.err)
    assert "no complete label in val, test" in message
    assert not list(workspace.glob("models/*"))


def test_a_file_in_place_of_the_workspace_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    outcome = purchase_pred("generate", "-w", path, "--set", "dataset.num_users=50")

    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
    assert "cannot be written to" in outcome.err
