"""Features made shard by shard: the same rows, of which an interruption costs no more than the shards at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from stages_of_text import Recorder

import purchase_pred as pp
from purchase_pred.execution.days_in_memory import days_in_memory
from purchase_pred.names import SPLITS
from purchase_pred.pipeline.engine.runner import Request, run_stages
from purchase_pred.pipeline.engine.workspace import SESSIONIZED_FILE, Workspace, features_file
from purchase_pred.pipeline.feature_files import named_features
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.pipeline.stages import days
from purchase_pred.pipeline.stages import features as stage
from purchase_pred.settings.features import FeatureSettings
from purchase_pred.settings.loading import resolve_settings
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.simulation import simulate_catalog, simulate_clickstream, simulate_users

if TYPE_CHECKING:
    from pathlib import Path

    from purchase_pred.windows.event_tables import EventTables

DATASET = DatasetSettings(num_users=80, num_items=40, num_days=30)
ASSIGN = ("target.horizon=1d", "features.windows=[1d]")
FEW = ("anchors.kind=calendar", "anchors.every=2d", "target.level=user")
"""Of users alone there are the fewest features, soonest made."""


@pytest.fixture(scope="module")
def sessionized() -> pl.DataFrame:
    users, catalog = simulate_users(DATASET), simulate_catalog(DATASET)
    log = pp.sessionize(pl.concat(list(simulate_clickstream(DATASET, users, catalog))).lazy()).collect()
    heavy = log["user_id"].value_counts(sort=True)["user_id"].head(5).to_list()
    return log.with_columns(pl.col("user_id").replace(heavy, heavy[0])).pipe(
        lambda one: pp.sessionize(one.drop("session_index").lazy()).collect()
    )


def workspace_of(folder: Path, sessionized: pl.DataFrame) -> Workspace:
    workspace = Workspace(folder)
    workspace.path(SESSIONIZED_FILE).parent.mkdir(parents=True)
    sessionized.write_parquet(workspace.path(SESSIONIZED_FILE))
    return workspace


def run(workspace: Workspace, *assign: str) -> tuple[dict[str, pl.DataFrame], Any]:
    settings = resolve_settings(assignments=["execution.memory_limit=4GB", *ASSIGN, *assign]).settings
    recorder = Recorder()
    run_stages([Request(STAGE_BY_NAME["features"])], workspace=workspace, settings=settings, observer=recorder)
    return {split: pl.read_parquet(workspace.path(features_file(split))) for split in SPLITS}, recorder


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "EVENTS_PER_SHARD", 500)


def assert_same(found: dict[str, pl.DataFrame], expected: dict[str, pl.DataFrame]) -> None:
    for split in SPLITS:
        assert expected[split].height > 0
        assert_frame_equal(found[split], expected[split], check_exact=True)


def test_what_all_shards_look_up_in_the_days_is_computed_once(tmp_path, monkeypatch, sessionized) -> None:
    computed = []

    def counted(*frames: pl.LazyFrame, **options: Any) -> dict[str, EventTables]:
        computed.append(1)
        return days_in_memory(*frames, **options)

    monkeypatch.setattr(days, "days_in_memory", counted)
    for number in (1, 2):
        _, heard = run(workspace_of(tmp_path / str(number), sessionized))
        assert len(heard.shards) > 5
        assert len(computed) == number


@pytest.mark.parametrize(
    "assign",
    [
        (),
        FEW,
        ("anchors.kind=in_session", "target.level=session"),
        ("target.sessions=2",),
    ],
    ids=["session close", "calendar", "in session", "next sessions"],
)
def test_shards_of_users_give_the_features_of_the_whole_log(tmp_path, monkeypatch, sessionized, assign) -> None:
    by_shard, heard = run(workspace_of(tmp_path / "shards", sessionized), *assign)
    monkeypatch.setattr(stage, "EVENTS_PER_SHARD", 10**9)
    whole, once = run(workspace_of(tmp_path / "once", sessionized), *assign)

    assert_same(by_shard, whole)
    rows = sum(frame.height for frame in whole.values())
    assert heard.shards[-1] == (len(heard.shards) - 1, len(heard.shards) - 1, rows)
    assert len(heard.shards) > 5
    assert once.shards == [(0, 1, 0), (1, 1, rows)]


@pytest.mark.parametrize(
    "other", ["execution.memory_limit=500MB", "execution.engine=streaming", "execution.engine=in-memory"]
)
def test_files_do_not_depend_on_how_the_work_is_done(tmp_path, sessionized, other) -> None:
    one, another = (workspace_of(tmp_path / name, sessionized) for name in ("one", "another"))
    run(one, *FEW)
    run(another, *FEW, other)

    for split in SPLITS:
        assert one.path(features_file(split)).read_bytes() == another.path(features_file(split)).read_bytes()


def test_files_name_the_features_of_the_dictionary(tmp_path, sessionized) -> None:
    workspace = workspace_of(tmp_path, sessionized)
    frames, _ = run(workspace)
    expected = pp.describe_features(FeatureSettings(windows=("1d",)))["name"].to_list()

    for split in SPLITS:
        assert named_features(workspace.path(features_file(split))) == expected
        assert frames[split].columns[-len(expected) :] == expected


def test_shards_finished_before_an_interruption_are_not_made_again(tmp_path, monkeypatch, sessionized) -> None:
    expected, _ = run(workspace_of(tmp_path / "once", sessionized), *FEW)
    workspace = workspace_of(tmp_path / "shards", sessionized)
    made: list[int] = []

    def interrupted(*frames: pl.LazyFrame, **options: Any) -> pl.LazyFrame:
        if len(made) == 4:
            raise KeyboardInterrupt
        made.append(1)
        return pp.build_features(*frames, **options)

    monkeypatch.setattr(stage, "build_features", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(workspace, *FEW)
    assert not workspace.path(features_file("train")).exists()
    made.clear()
    made.extend([1] * 5)  # no more interruptions
    resumed, heard = run(workspace, *FEW)

    assert_same(resumed, expected)
    assert heard.shards[0][0] == 4
    assert len(made) - 5 == heard.shards[0][1] - 4
    assert not workspace.path("data/.features.shards").exists()


def test_features_asked_for_differently_do_not_take_what_was_left(tmp_path, monkeypatch, sessionized) -> None:
    workspace = workspace_of(tmp_path / "shards", sessionized)

    def fail(*_frames: pl.LazyFrame, **_options: Any) -> pl.LazyFrame:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(stage, "build_features", fail)
        with pytest.raises(KeyboardInterrupt):
            run(workspace, *FEW)
    found, heard = run(workspace, *FEW, "target.horizon=2d")
    expected, _ = run(workspace_of(tmp_path / "once", sessionized), *FEW, "target.horizon=2d")

    assert heard.shards[0][0] == 0
    assert_same(found, expected)
