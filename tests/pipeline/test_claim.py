"""A run that is killed while its outputs take their names is finished by the next, unless someone came between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from stages_of_text import run

from purchase_pred.errors import InputError
from purchase_pred.pipeline.engine.claim import claims
from purchase_pred.pipeline.engine.manifest import is_intact, manifest_path, read_manifest
from purchase_pred.pipeline.engine.runner import CUT_OFF, Request
from purchase_pred.pipeline.engine.workspace import (
    CATALOG_FILE,
    EVENTS_FILE,
    REJECTED_FILE,
    TRUTH_FILE,
    USERS_FILE,
    Workspace,
)
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.pipeline.stages.ingest import ingest_stage
from purchase_pred.pipeline.tasks.status import workspace_status
from purchase_pred.settings import Settings

TINY = ("dataset.num_users=30", "dataset.num_items=40", "dataset.num_days=14")
GENERATE = STAGE_BY_NAME["generate"]
GENERATED = (USERS_FILE, CATALOG_FILE, EVENTS_FILE, TRUTH_FILE)
KEPT = Request(GENERATE, kept="--skip-data-gen")
KILLED = """
import os, signal, sys
from pathlib import Path
from purchase_pred.pipeline.stages.ingest import ingest_stage
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.pipeline.engine.workspace import Workspace
from stages_of_text import run

left, replace = int(sys.argv[2]), Path.replace

def replace_or_die(self, target):
    global left
    if target.suffix != ".claim":
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
    return replace(self, target)

Path.replace = replace_or_die
stage = ingest_stage("table", [Path(sys.argv[3])]) if sys.argv[3:] else STAGE_BY_NAME["generate"]
run(Workspace(Path(sys.argv[1])), stage, assign=%r, force=True)
"""


def real_log(folder: Path) -> Path:
    path = folder / "log.csv"
    path.write_text(
        "user_id,timestamp,event_type,item_id\n7,2024-08-01 10:00:00,view,3\n7,2024-08-01 10:01:00,purchase,3\n"
    )
    return path


def kill_after(names: int, workspace: Workspace, log: Path | None = None) -> None:
    """Generate, or ingest a log, and be killed when so many outputs and manifests have their names."""
    arguments = [str(workspace.root), str(names), *([str(log)] if log else [])]
    program = [sys.executable, "-c", KILLED % (TINY,), *arguments]
    done = subprocess.run(program, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(claims(workspace)) == 1


def put_by_hand(workspace: Workspace) -> bytes:
    """Put events of someone else's into the workspace."""
    pl.DataFrame({"mine": [1, 2, 3]}).write_parquet(workspace.path(EVENTS_FILE))
    return workspace.path(EVENTS_FILE).read_bytes()


def is_whole(workspace: Workspace, names: tuple[str, ...]) -> bool:
    manifests = {name: read_manifest(workspace.path(name)) for name in names}
    return all(manifest and is_intact(workspace.path(name), manifest) for name, manifest in manifests.items())


@pytest.mark.parametrize("names", [0, 3, 7])
def test_a_killed_publication_is_finished_by_the_next_run(tmp_path: Path, names: int) -> None:
    workspace = Workspace(tmp_path)
    kill_after(names, workspace)

    assert workspace_status(workspace, Settings())[0].reasons == (CUT_OFF,)
    assert run(workspace, GENERATE, assign=TINY) == []
    assert is_whole(workspace, GENERATED)
    assert claims(workspace) == []
    assert workspace.leftovers() == []


def test_a_log_ingested_after_a_killed_generation_is_not_replaced(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    kill_after(2, workspace)
    run(workspace, ingest_stage("table", [real_log(tmp_path)]))
    before = workspace.path(EVENTS_FILE).read_bytes()

    with pytest.raises(InputError, match="an ingested log, and generating would replace it"):
        run(workspace, GENERATE)
    assert workspace.path(EVENTS_FILE).read_bytes() == before


@pytest.mark.parametrize("names", [1, 6])
def test_a_log_put_there_by_hand_after_a_killed_generation_is_not_replaced(tmp_path: Path, names: int) -> None:
    workspace = Workspace(tmp_path)
    kill_after(names, workspace)
    before = put_by_hand(workspace)

    with pytest.raises(InputError, match="generating would replace it"):
        run(workspace, GENERATE)
    assert workspace.path(EVENTS_FILE).read_bytes() == before
    assert run(workspace, KEPT) == []
    assert workspace.path(EVENTS_FILE).read_bytes() == before


def test_a_log_put_in_place_of_a_generated_one_is_not_replaced(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    run(workspace, GENERATE, assign=TINY)
    before = put_by_hand(workspace)

    with pytest.raises(InputError, match="no longer the file that was generated, and generating would replace it"):
        run(workspace, GENERATE, assign=TINY)
    assert workspace.path(EVENTS_FILE).read_bytes() == before
    raw = workspace_status(workspace, Settings())[0]
    assert (raw.stage, raw.state) == ("raw data", "stale")
    assert run(workspace, GENERATE, assign=TINY, force=True) == ["generate"]


@pytest.mark.parametrize("names", [2, 8])
def test_a_killed_ingest_leaves_no_dead_end_and_takes_the_old_truth_away(tmp_path: Path, names: int) -> None:
    workspace = Workspace(tmp_path)
    run(workspace, GENERATE, assign=TINY)
    log = real_log(tmp_path)
    if names < 8:
        kill_after(names, workspace, log)
    else:
        kill_in_removals(workspace, log)

    assert workspace_status(workspace, Settings())[0].state == "stale"
    assert run(workspace, KEPT) == []
    assert is_whole(workspace, (USERS_FILE, CATALOG_FILE, EVENTS_FILE, REJECTED_FILE))
    assert pl.read_parquet(workspace.path(EVENTS_FILE)).height == 2
    assert not workspace.path(TRUTH_FILE).exists()
    assert not manifest_path(workspace.path(TRUTH_FILE)).exists()
    assert run(workspace, ingest_stage("table", [log])) == []


def kill_in_removals(workspace: Workspace, log: Path) -> None:
    """Ingest a log and be killed when all names are taken and the truth is still there."""
    truth, manifest = workspace.path(TRUTH_FILE), manifest_path(workspace.path(TRUTH_FILE))
    kept = truth.read_bytes(), manifest.read_bytes()
    kill_after(7, workspace, log)
    claim = json.loads(claims(workspace)[0].read_text())
    last = claim["moves"][-1]
    workspace.path(last["partial"]).replace(workspace.path(last["path"]))
    assert (truth.read_bytes(), manifest.read_bytes()) == kept


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"moves": [], "replaces": ["../outside"]}',
        '{"moves": [], "replaces": ["/etc/outside"]}',
        '{"moves": [{"partial": "data/raw/x", "path": "data/raw/y", "before": null, "after": null}], "replaces": []}',
        "[" * 100_000,
    ],
    ids=range(6),
)
def test_a_claim_that_is_none_of_ours_moves_and_removes_nothing(tmp_path: Path, content: str) -> None:
    workspace = Workspace(tmp_path / "shop")
    before = put_by_hand_into_new(workspace)
    (tmp_path / "outside").write_text("stays")
    workspace.path("data/.generate.claim").write_text(content)

    with pytest.raises(InputError, match="did not write"):
        run(workspace, GENERATE)
    assert workspace.path(EVENTS_FILE).read_bytes() == before
    assert (tmp_path / "outside").exists()
    assert claims(workspace) == []


def put_by_hand_into_new(workspace: Workspace) -> bytes:
    workspace.path(EVENTS_FILE).parent.mkdir(parents=True)
    return put_by_hand(workspace)
