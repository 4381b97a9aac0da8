"""Scores are made only of files that belong together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from purchase_pred.errors import ConfigError, InputError
from purchase_pred.pipeline.engine.fingerprint import fingerprint
from purchase_pred.pipeline.engine.manifest import describe, manifest_path, write_manifest
from purchase_pred.pipeline.engine.workspace import CATALOG_FILE, EVENTS_FILE, SESSIONIZED_FILE, Workspace
from purchase_pred.pipeline.tasks.scoring.input_checks import check_inputs
from purchase_pred.pipeline.tasks.scoring.open_predictions import open_predictions
from purchase_pred.schema import CATALOG, EVENT_TYPE_DTYPE
from purchase_pred.settings import Settings
from purchase_pred.settings.loading import flat_settings

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2024, 8, 1, tzinfo=UTC)
END = START + timedelta(days=20)
SESSIONS = pl.DataFrame(
    {"event_id": [0, 1], "user_id": 7, "timestamp": [START, END], "event_type": "view", "item_id": 3,
     "duration_seconds": 1.0, "price": 2.0, "session_index": [1, 2]},
    schema_overrides={"event_id": pl.UInt64, "timestamp": pl.Datetime("us", "UTC"), "event_type": EVENT_TYPE_DTYPE,
                      "duration_seconds": pl.Float32, "session_index": pl.UInt32},
)  # fmt: skip
ITEMS = pl.DataFrame(
    {"item_id": [3], "category": ["toys"], "base_price": 2.0, "discount_pct": 0.0, "current_price": 2.0,
     "created_at": START},
    schema_overrides={"item_id": pl.Int32, "created_at": pl.Datetime("us", "UTC")},
)  # fmt: skip


def put(workspace: Workspace, output: str, frame: pl.DataFrame, *, stage: str, settings: dict, **inputs: str) -> None:
    path = workspace.path(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)
    made = describe(
        path, stage=stage, output=output, settings=settings, inputs=inputs, rows=1, counts={}, attachments={}
    )
    write_manifest(made, manifest_path(path))


def put_sessions(workspace: Workspace, *, minutes: float = 30.0) -> None:
    settings = flat_settings(Settings.model_validate({"session": {"inactivity_threshold_minutes": minutes}}))
    session = {key: value for key, value in settings.items() if key.startswith("session.")}
    raw = fingerprint(workspace.path(EVENTS_FILE))
    put(workspace, SESSIONIZED_FILE, SESSIONS, stage="sessionize", settings=session, **{EVENTS_FILE: raw})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Log, sessions and catalog that belong together."""
    made = Workspace(tmp_path)
    put(made, EVENTS_FILE, SESSIONS.drop("session_index"), stage="generate", settings={"dataset.random_seed": 42})
    put(made, CATALOG_FILE, ITEMS, stage="generate", settings={"dataset.random_seed": 42})
    put_sessions(made)
    return made


def refuse(message: str) -> None:
    raise AssertionError(message)


def test_files_that_belong_together_pass_without_a_word(workspace: Workspace):
    assert set(ITEMS.columns) == set(CATALOG)
    check_inputs(workspace, Settings(), warns=refuse)


def test_a_log_that_is_newer_than_its_sessions_is_refused(workspace: Workspace):
    put(workspace, EVENTS_FILE, SESSIONS.drop("session_index").head(1), stage="ingest", settings={})
    with pytest.raises(InputError, match=r"clickstream_events\.parquet has changed .* `purchase-pred sessionize -w"):
        check_inputs(workspace, Settings(), warns=refuse)


def test_sessions_of_another_gap_are_refused(workspace: Workspace):
    put_sessions(workspace, minutes=15.0)
    with pytest.raises(ConfigError, match=r"minutes 15\.0, and the model with 30\.0"):
        check_inputs(workspace, Settings(), warns=refuse)


def test_a_catalog_made_with_another_log_is_refused(workspace: Workspace):
    put(workspace, CATALOG_FILE, ITEMS, stage="generate", settings={"dataset.random_seed": 43})
    with pytest.raises(InputError, match="is the catalog of another log"):
        check_inputs(workspace, Settings(), warns=refuse)


def test_a_catalog_that_knows_no_item_of_the_log_is_refused(workspace: Workspace):
    put(workspace, CATALOG_FILE, ITEMS.with_columns(item_id=4), stage="generate", settings={"dataset.random_seed": 42})
    with pytest.raises(InputError, match="is the catalog of another log"):
        check_inputs(workspace, Settings(), warns=refuse)


def test_sessions_put_there_by_hand_are_warned_of(workspace: Workspace):
    manifest_path(workspace.path(SESSIONIZED_FILE)).unlink()
    warnings: list[str] = []
    check_inputs(workspace, Settings(), warns=warnings.append)
    (warning,) = warnings
    assert "has no manifest that tells" in warning


def test_a_moment_past_the_end_of_the_log_is_told_of_and_one_past_the_horizon_refused(workspace: Workspace):
    warnings: list[str] = []

    def rows_after(past: timedelta) -> int:
        predictions = open_predictions(workspace, Settings(), as_of=END + past, warns=warnings.append)
        return sum(rows.height for rows in predictions.features())

    assert rows_after(timedelta(hours=23)) == 1
    assert warnings == []
    assert rows_after(timedelta(days=6)) == 1
    assert len(warnings) == 1
    assert "the log ends at 2024-08-21 00:00:00 UTC, 6 days before --as-of" in warnings[0]
    with pytest.raises(InputError, match=r"past the end of the log, 2024-08-21 00:00:00 UTC, by more than"):
        rows_after(timedelta(days=8))
