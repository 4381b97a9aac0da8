"""Generated raw data is whole, to the byte the same, and has a truth that no stage reads; a real log has none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from stages_of_text import run

import purchase_pred
from purchase_pred.pipeline.engine.manifest import manifest_path, read_manifest
from purchase_pred.pipeline.engine.workspace import (
    CATALOG_FILE,
    EVENTS_FILE,
    REJECTED_FILE,
    TRUTH_FILE,
    USERS_FILE,
    Workspace,
)
from purchase_pred.pipeline.registry import STAGE_BY_NAME, STAGES
from purchase_pred.pipeline.stages import generate as generating
from purchase_pred.pipeline.stages.ingest import ingest_stage
from purchase_pred.settings.loading import resolve_settings
from purchase_pred.simulation import TRUTH, simulate_catalog, simulate_users, simulate_world, streams

if TYPE_CHECKING:
    from collections.abc import Sequence

TINY = ("dataset.num_users=30", "dataset.num_items=40", "dataset.num_days=14")
GENERATE = STAGE_BY_NAME["generate"]
GENERATED = (USERS_FILE, CATALOG_FILE, EVENTS_FILE, TRUTH_FILE)


@pytest.fixture
def _blocks_of_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK_USERS", 10)


def real_log(folder: Path) -> Path:
    path = folder / "log.csv"
    path.write_text(
        "user_id,timestamp,event_type,item_id\n7,2024-08-01 10:00:00,view,3\n7,2024-08-01 10:01:00,purchase,3\n"
    )
    return path


@pytest.mark.usefixtures("_blocks_of_ten")
def test_events_and_truth_are_those_of_the_world_from_the_first_user_to_the_last(tmp_path: Path) -> None:
    run(Workspace(tmp_path), GENERATE, assign=TINY)

    dataset = resolve_settings(assignments=TINY).settings.dataset
    chunks = list(simulate_world(dataset, simulate_users(dataset), simulate_catalog(dataset)))
    assert len(chunks) == 3
    events, truth = pl.read_parquet(tmp_path / EVENTS_FILE), pl.read_parquet(tmp_path / TRUTH_FILE)
    assert events.equals(pl.concat(chunk.events for chunk in chunks))
    assert truth.equals(pl.concat(chunk.truth for chunk in chunks))
    assert truth.schema == pl.Schema(TRUTH)


@pytest.mark.usefixtures("_blocks_of_ten")
def test_the_same_settings_give_the_same_bytes_and_leave_no_parts(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        run(Workspace(folder), GENERATE, assign=TINY)

    one, two = ([(folder / name).read_bytes() for name in GENERATED] for folder in folders)
    assert one == two
    names = {path.name for path in (tmp_path / "one/data/raw").iterdir()}
    assert names == {name for path in map(Path, GENERATED) for name in (path.name, f"{path.stem}.manifest.json")}


def test_the_truth_has_a_manifest_of_its_own_and_is_made_again_when_it_is_gone(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    run(workspace, GENERATE, assign=TINY)
    manifest = read_manifest(tmp_path / TRUTH_FILE)

    assert manifest is not None
    assert (manifest.stage, manifest.output, manifest.rows) == (
        "generate",
        TRUTH_FILE,
        pl.read_parquet(tmp_path / TRUTH_FILE).height,
    )
    assert run(workspace, GENERATE, assign=TINY) == []
    (tmp_path / TRUTH_FILE).unlink()
    assert run(workspace, GENERATE, assign=TINY) == ["generate"]
    assert (tmp_path / TRUTH_FILE).is_file()


def test_a_cut_off_generation_leaves_no_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(parts: Sequence[Path], _: Path) -> int:
        assert all(part.is_file() for part in (*parts, workspace.partial(f"{TRUTH_FILE}.0")))
        raise KeyboardInterrupt

    workspace = Workspace(tmp_path)
    monkeypatch.setattr(generating, "join_parquet", broken)
    with pytest.raises(KeyboardInterrupt):
        run(workspace, GENERATE, assign=TINY)

    assert not list((tmp_path / "data/raw").iterdir())


def test_a_real_log_takes_the_truth_of_the_shop_before_it_away(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    run(workspace, GENERATE, assign=TINY)
    assert run(workspace, ingest_stage("table", [real_log(tmp_path)])) == ["ingest"]

    assert not workspace.path(TRUTH_FILE).exists()
    assert not manifest_path(workspace.path(TRUTH_FILE)).exists()
    assert workspace.path(REJECTED_FILE).is_file()


def test_a_real_log_that_is_refused_leaves_the_truth(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    run(workspace, GENERATE, assign=TINY)
    before = workspace.path(TRUTH_FILE).read_bytes()
    log = real_log(tmp_path)
    log.write_text(log.read_text().replace("2024", "no-year"))
    with pytest.raises(purchase_pred.errors.InputError):
        run(workspace, ingest_stage("table", [log]))

    assert workspace.path(TRUTH_FILE).read_bytes() == before


def test_no_stage_takes_the_truth_as_an_input(tmp_path: Path) -> None:
    for stage in (*STAGES, ingest_stage("table", [real_log(tmp_path)])):
        assert TRUTH_FILE not in (*stage.inputs, *stage.optional_inputs), stage.name
        assert (TRUTH_FILE in stage.units) == (stage.name == "generate"), stage.name


def test_only_the_oracle_reads_the_truth_beside_who_writes_removes_and_verifies_it() -> None:
    package = Path(purchase_pred.__file__).parent
    naming = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if any(name in path.read_text(encoding="utf-8") for name in ("TRUTH_FILE", Path(TRUTH_FILE).name))
    }

    may = ("engine/workspace", "registry", "stages/generate", "stages/ingest", "tasks/ceiling", "tasks/verify")
    assert naming == {f"pipeline/{name}.py" for name in may}
