"""The truth is asked for every target, of a generated shop alone, and only where it belongs to the rows."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from stages_of_text import run

from purchase_pred.errors import InputError, UnsupportedTargetError
from purchase_pred.metrics import metrics
from purchase_pred.pipeline.engine.manifest import manifest_path
from purchase_pred.pipeline.engine.workspace import EVENTS_FILE, TRUTH_FILE, Workspace, features_file
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.pipeline.stages.ingest import ingest_stage
from purchase_pred.pipeline.tasks.ceiling import true_probabilities
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from pathlib import Path

    from purchase_pred.settings import Settings

SMALL = ("dataset.num_users=300", "dataset.num_days=60", "target.horizon=3d", "features.windows=[1d]")
LEVELS = {
    "user_item": (),
    "user": ("target.level=user",),
    "session": ("target.level=session", "anchors.kind=in_session", "anchors.every_events=5"),
    "user_item, three sessions": ("target.sessions=3",),
    "user, three sessions": ("target.level=user", "target.sessions=3"),
    "user_item, the session and one more": ("target.sessions=1", "anchors.kind=in_session", "anchors.every_events=3"),
}
TO_FEATURES = tuple(STAGE_BY_NAME[name] for name in ("generate", "sessionize", "features"))


def settings(*assignments: str) -> Settings:
    return resolve_settings(assignments=(*SMALL, *assignments)).settings


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A shop with its features; tests must leave raw data and sessions as they are."""
    workspace = Workspace(tmp_path_factory.mktemp("shop"))
    run(workspace, *TO_FEATURES, assign=SMALL)
    return workspace


@pytest.mark.parametrize("level", LEVELS)
def test_the_truth_knows_more_than_chance_and_is_right_on_average(shop: Workspace, level: str) -> None:
    run(shop, *TO_FEATURES, assign=(*SMALL, *LEVELS[level]))
    test = pl.read_parquet(shop.path(features_file("test")))
    p = true_probabilities(shop, settings(*LEVELS[level]), test)

    found = metrics(test["label"].to_numpy(), p)
    deviation = np.sqrt((p * (1 - p)).sum()) / len(p)
    assert found["average_precision"] > 0.5 > 3 * found["prevalence"]
    assert abs(p.mean() - found["prevalence"]) < 3 * deviation


def test_rows_are_answered_in_their_order(shop: Workspace) -> None:
    run(shop, *TO_FEATURES, assign=SMALL)
    test = pl.read_parquet(shop.path(features_file("test")))
    shuffled = test.with_row_index("row").sample(fraction=1.0, shuffle=True, seed=1)

    answered = true_probabilities(shop, settings(), shuffled)
    assert answered.tolist() == true_probabilities(shop, settings(), test)[shuffled["row"].to_numpy()].tolist()


@pytest.mark.parametrize(
    ("assignment", "fault"),
    [
        ("dataset.random_seed=43", "dataset.random_seed 42 -> 43"),
        ("session.inactivity_threshold_minutes=15", "session.inactivity_threshold_minutes 30 -> 15"),
        ("target.horizon=2d", "target.horizon 3d -> 2d"),
    ],
)
def test_settings_that_made_another_log_or_other_rows_are_refused(shop: Workspace, assignment: str, fault: str) -> None:
    run(shop, *TO_FEATURES, assign=SMALL)
    with pytest.raises(InputError, match=f"--oracle needs log, truth and features made with these settings.*{fault}"):
        true_probabilities(shop, settings(assignment), pl.DataFrame())


def test_a_truth_that_is_gone_is_named(shop: Workspace, tmp_path: Path) -> None:
    copy = Workspace(tmp_path / "copy")
    shutil.copytree(shop.root, copy.root)
    copy.path(TRUTH_FILE).unlink()

    with pytest.raises(InputError, match=f"found: {TRUTH_FILE} is missing; .*purchase-pred run all"):
        true_probabilities(copy, settings(), pl.DataFrame())


def test_a_target_that_counts_very_short_sessions_is_refused(tmp_path: Path) -> None:
    short = ("dataset.num_users=60", "session.inactivity_threshold_minutes=15", "target.sessions=2")
    workspace = Workspace(tmp_path)
    run(workspace, *TO_FEATURES, assign=(*SMALL, *short))
    test = pl.read_parquet(workspace.path(features_file("test")))
    with pytest.raises(UnsupportedTargetError, match=r"of 16 minutes or more, found 15"):
        true_probabilities(workspace, settings(*short), test)


def test_a_real_log_has_no_truth(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("user_id,timestamp,event_type,item_id\n7,2024-08-01 10:00:00,view,3\n")
    workspace = Workspace(tmp_path)
    run(workspace, ingest_stage("table", [log]))

    with pytest.raises(InputError, match=f"{EVENTS_FILE} is an ingested log: leave --oracle out"):
        true_probabilities(workspace, settings(), pl.DataFrame())
    manifest_path(workspace.path(EVENTS_FILE)).unlink()
    with pytest.raises(InputError, match=f"{EVENTS_FILE} was not written by this program"):
        true_probabilities(workspace, settings(), pl.DataFrame())
