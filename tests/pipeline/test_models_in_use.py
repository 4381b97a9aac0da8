"""Which model is in use is told by one small file, which is old or new and never half."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from purchase_pred.errors import InputError
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.model_files import find_model
from purchase_pred.pipeline.models_in_use import IN_USE_FILE, model_in_use, put_in_use, read_history, roll_back
from purchase_pred.pipeline.tasks.models import list_models, prune_models

if TYPE_CHECKING:
    from pathlib import Path

NAMES = tuple(f"lightgbm_2024010{day}_000000" for day in (1, 2, 3, 4))
SWITCHING = """
import sys, pathlib
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.models_in_use import put_in_use
workspace = Workspace(pathlib.Path(sys.argv[1]))
print("started", flush=True)
for turn in range(100_000):
    put_in_use(workspace, f"model_{turn % 2}")
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Four models that hold no more than their figures, each with a pickle beside it."""
    for number, name in enumerate(NAMES):
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        for file in ("manifest.json", "model.json"):
            (folder / file).write_text("{}")
        splits = {split: {"average_precision": 0.1 * number} for split in ("val", "test")}
        (folder / "metrics.json").write_text(json.dumps({"splits": splits}))
        folder.with_suffix(".pkl").write_text("")
    return Workspace(tmp_path)


def test_the_newest_model_is_taken_until_one_is_put_in_use(workspace: Workspace) -> None:
    assert find_model(workspace, None).name == NAMES[3]
    assert put_in_use(workspace, NAMES[0]) is None
    assert find_model(workspace, None).name == NAMES[0]
    assert [model.name for model in list_models(workspace) if model.is_in_use] == [NAMES[0]]


def test_rolling_back_leads_step_by_step_to_the_models_before(workspace: Workspace) -> None:
    for name in NAMES[:3]:
        put_in_use(workspace, name)
    assert roll_back(workspace, NAMES) == (NAMES[2], NAMES[1])
    put_in_use(workspace, NAMES[3])
    assert roll_back(workspace, NAMES) == (NAMES[3], NAMES[1])
    assert roll_back(workspace, NAMES) == (NAMES[1], NAMES[0])
    with pytest.raises(InputError, match="none was in use before"):
        roll_back(workspace, NAMES)
    assert [change.by for change in read_history(workspace)] == ["use"] * 3 + ["rollback", "use"] + ["rollback"] * 2


def test_rolling_back_skips_a_model_that_is_gone(workspace: Workspace) -> None:
    for name in NAMES[:3]:
        put_in_use(workspace, name)

    assert roll_back(workspace, [NAMES[0], NAMES[2]]) == (NAMES[2], NAMES[0])


def test_putting_the_same_model_in_use_twice_is_one_step(workspace: Workspace) -> None:
    for name in (NAMES[0], NAMES[1], NAMES[1]):
        put_in_use(workspace, name)

    assert roll_back(workspace, NAMES) == (NAMES[1], NAMES[0])


def test_a_model_in_use_that_is_gone_is_named_and_not_silently_replaced(workspace: Workspace) -> None:
    put_in_use(workspace, "lightgbm_20230101_000000")

    with pytest.raises(InputError, match=r"lightgbm_20230101_000000, the model in use, is gone from .*models rollback"):
        find_model(workspace, None)
    assert not any(model.is_in_use for model in list_models(workspace))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"schema_version": 1, "in_use": "a", "history": []}',
        '{"schema_version": 2, "in_use": "a", "history": [{"model": "a", "at": "", "by": "use"}]}',
        '{"schema_version": 1, "in_use": "b", "history": [{"model": "a", "at": "", "by": "use"}]}',
        '{"schema_version": 1, "in_use": "a", "history": [{"model": "a", "at": "", "by": "magic"}]}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_is_refused_with_a_cure(workspace: Workspace, text: str) -> None:
    workspace.path(IN_USE_FILE).write_text(text)

    with pytest.raises(InputError, match=r"in_use\.json tells which model is in use, and cannot be read .*; remove it"):
        find_model(workspace, None)


def test_a_killed_change_leaves_the_old_model_or_the_new_one_in_use(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    workspace = Workspace(tmp_path)
    for wait in (0.05, 0.13, 0.21):
        child = subprocess.Popen([sys.executable, "-c", SWITCHING, str(tmp_path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert model_in_use(workspace) in {"model_0", "model_1"}
    put_in_use(workspace, "model_2")
    assert model_in_use(workspace) == "model_2"


def test_pruning_keeps_the_newest_of_each_kind_so_that_none_is_wanted_again(workspace: Workspace) -> None:
    other = workspace.path("models/logistic_20240101_000000")
    shutil.copytree(workspace.path(f"models/{NAMES[0]}"), other)

    assert [model.name for model in prune_models(workspace, keep=1)] == [*NAMES[2:0:-1], NAMES[0]]
    assert sorted(model.name for model in list_models(workspace)) == [NAMES[3], other.name]


def test_pruning_keeps_the_newest_the_one_in_use_and_the_one_before(workspace: Workspace) -> None:
    put_in_use(workspace, NAMES[0])

    assert [model.name for model in prune_models(workspace, keep=1, dry_run=True)] == [NAMES[2], NAMES[1]]
    assert len(list_models(workspace)) == 4
    put_in_use(workspace, NAMES[1])
    assert [model.name for model in prune_models(workspace, keep=1)] == [NAMES[2]]
    left = sorted(path.name for path in workspace.path("models").iterdir())
    stay = (NAMES[0], NAMES[1], NAMES[3])
    assert left == sorted([*stay, *(f"{name}.pkl" for name in stay), "in_use.json"])
    assert roll_back(workspace, NAMES) == (NAMES[1], NAMES[0])
