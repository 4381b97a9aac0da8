"""The features stage on a cluster of Dask: the bytes of one machine, also where a worker dies in the middle."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from stages_of_text import Recorder

import purchase_pred as pp
from purchase_pred.pipeline.engine.runner import Request, run_stages
from purchase_pred.pipeline.engine.workspace import SESSIONIZED_FILE, Workspace, features_file
from purchase_pred.pipeline.registry import SPLITS, STAGE_BY_NAME
from purchase_pred.pipeline.stages import features as stage
from purchase_pred.settings.loading import resolve_settings
from purchase_pred.settings.simulator import DatasetSettings
from purchase_pred.simulation import simulate_catalog, simulate_clickstream, simulate_users

if find_spec("distributed") is None:
    pytest.skip("needs the extra: dask", allow_module_level=True)

from dask_processes import scheduler, worker

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import Popen

DATASET = DatasetSettings(num_users=40, num_items=40, num_days=30)
ASSIGN = (
    *("target.horizon=1d", "features.windows=[1d]", "execution.memory_limit=4GB"),
    *("anchors.kind=calendar", "anchors.every=2d", "target.level=user"),
)


class Killer(Recorder):
    """Kills a worker when a shard is done."""

    def __init__(self, victim: Popen[bytes]) -> None:
        super().__init__()
        self.victim = victim

    def shards_done(self, done: int, /, *, of: int, rows: int) -> None:
        super().shards_done(done, of=of, rows=rows)
        if done == 1:
            self.victim.kill()


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "EVENTS_PER_SHARD", 300)


@pytest.fixture(scope="module")
def sessionized() -> pl.DataFrame:
    users, catalog = simulate_users(DATASET), simulate_catalog(DATASET)
    return pp.sessionize(pl.concat(list(simulate_clickstream(DATASET, users, catalog))).lazy()).collect()


def workspace_of(folder: Path, sessionized: pl.DataFrame) -> Workspace:
    workspace = Workspace(folder)
    workspace.path(SESSIONIZED_FILE).parent.mkdir(parents=True)
    sessionized.write_parquet(workspace.path(SESSIONIZED_FILE))
    return workspace


def run(workspace: Workspace, *assign: str, observer: Any) -> list[bytes]:
    settings = resolve_settings(assignments=[*ASSIGN, *assign]).settings
    run_stages([Request(STAGE_BY_NAME["features"])], workspace=workspace, settings=settings, observer=observer)
    return [workspace.path(features_file(split)).read_bytes() for split in SPLITS]


def test_a_worker_killed_in_the_middle_costs_no_row_and_doubles_none(tmp_path, sessionized) -> None:
    local = run(workspace_of(tmp_path / "local", sessionized), observer=Recorder())
    workspace = workspace_of(tmp_path / "shop", sessionized)
    with (
        scheduler(tmp_path) as address,
        worker(address, tmp_path, name="first", POLARS_MAX_THREADS="1") as victim,
        worker(address, tmp_path, name="second", POLARS_MAX_THREADS="2"),
    ):
        heard = Killer(victim)
        backend = ("execution.backend=dask", f"execution.dask.scheduler={address}")
        distributed = run(workspace, *backend, observer=heard)
        assert victim.wait(10) != 0

    assert distributed == local
    assert heard.shards[-1][0] == heard.shards[-1][1] > 3
    assert not workspace.path("data/.features.shards").exists()
    assert workspace.leftovers() == []


def test_who_did_the_work_makes_nothing_stale(tmp_path, sessionized) -> None:
    workspace = workspace_of(tmp_path / "shop", sessionized)
    run(workspace, observer=Recorder())
    heard = Recorder()
    run(workspace, "execution.backend=dask", "execution.dask.scheduler=tcp://127.0.0.1:1", observer=heard)

    assert [report.state for report in heard.ended] == ["fresh"]
