"""The runner makes what is due and nothing else, whole or not at all, and says why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from stages_of_text import (
    SOURCE,
    UPPER,
    UPPER_STAGE,
    WORDS,
    WORDS_STAGE,
    BrokenStageError,
    reasons,
    run,
    stage_that,
    workspace_with,
    write_source,
)

from purchase_pred.errors import InputError, WorkspaceError
from purchase_pred.pipeline.engine.manifest import manifest_path, read_manifest
from purchase_pred.pipeline.engine.runner import Request, plan_stages
from purchase_pred.pipeline.engine.stage import Stage
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_the_first_run_makes_every_output_and_a_second_one_none(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")

    assert run(workspace, UPPER_STAGE, WORDS_STAGE) == ["upper", "words"]
    assert [workspace.path(name).read_text() for name in (UPPER, *WORDS)] == ["ONE TWO", "ONE", "TWO"]
    assert run(workspace, UPPER_STAGE, WORDS_STAGE) == []


def test_force_makes_again_what_is_fresh(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)

    assert reasons(workspace, UPPER_STAGE, force=True) == ["--force"]


def test_a_changed_setting_makes_its_stage_stale_and_is_named_with_both_values(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)

    changed = ["session.inactivity_threshold_minutes=15", "split.align=none"]
    assert reasons(workspace, UPPER_STAGE, assign=changed) == [
        "stale: session.inactivity_threshold_minutes 30 -> 15",
        "stale: split.align 1d -> none",
    ]


def test_a_setting_of_another_stage_makes_nothing_stale(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)

    assert run(workspace, UPPER_STAGE, assign=["target.horizon=3d", "split.train=0.6"]) == []


def test_a_list_is_shown_as_one_writes_it(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE, WORDS_STAGE)

    why = reasons(workspace, WORDS_STAGE, assign=["features.windows=[1d]"])
    assert why == ["stale: features.windows [1d, 7d, 30d] -> [1d]"]


def test_the_same_duration_in_another_unit_makes_nothing_stale(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE, WORDS_STAGE, assign=["features.windows=[24h, 1w, 30d]", "split.align=1440m"])

    assert run(workspace, UPPER_STAGE, WORDS_STAGE) == []


def test_identical_bytes_made_again_leave_later_stages_fresh(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE, WORDS_STAGE)

    assert run(workspace, UPPER_STAGE, WORDS_STAGE, assign=["session.inactivity_threshold_minutes=15"]) == ["upper"]


def test_other_bytes_make_later_stages_stale(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE, WORDS_STAGE)
    write_source(workspace, "one three")

    assert reasons(workspace, UPPER_STAGE, WORDS_STAGE) == [
        f"stale: {SOURCE} has changed",
        f"stale: {UPPER} has changed",
    ]


def test_touching_or_copying_a_workspace_keeps_it_fresh(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path / "first", "one two")
    run(workspace, UPPER_STAGE, WORDS_STAGE)
    os.utime(workspace.path(UPPER), (1, 1))
    shutil.copytree(workspace.root, tmp_path / "second", copy_function=shutil.copyfile)

    assert run(workspace, UPPER_STAGE, WORDS_STAGE) == []
    assert run(Workspace(tmp_path / "second"), UPPER_STAGE, WORDS_STAGE) == []


def test_an_output_changed_by_hand_is_made_again(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)
    workspace.path(UPPER).write_text("ONE TWO THREE")

    assert reasons(workspace, UPPER_STAGE) == [f"stale: {UPPER} was changed by something else"]
    assert workspace.path(UPPER).read_text() == "ONE TWO"


def test_an_output_changed_by_hand_to_the_same_length_is_made_again(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)
    workspace.path(UPPER).write_text("ONE TWX")
    os.utime(workspace.path(UPPER), (5, 5))

    assert reasons(workspace, UPPER_STAGE) == [f"stale: {UPPER} was changed by something else"]


def test_another_version_of_the_program_makes_outputs_stale(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)
    path = manifest_path(workspace.path(UPPER))
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"program_version": "0.0.1"}))

    assert reasons(workspace, UPPER_STAGE) == [f"stale: program version 0.0.1 -> {content['program_version']}"]


def test_the_manifest_says_what_was_made_of_what(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE, assign=["session.inactivity_threshold_minutes=15"])

    manifest = read_manifest(workspace.path(UPPER))

    assert manifest is not None
    assert (manifest.stage, manifest.output, manifest.rows, manifest.bytes) == ("upper", UPPER, 2, 7)
    assert manifest.settings == {"session.inactivity_threshold_minutes": 15, "split.align": "1d"}
    assert list(manifest.inputs) == [SOURCE]
    assert manifest.counts == {"letters": 7}


def test_one_unit_of_a_divisible_stage_is_made_alone(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)

    assert run(workspace, Request(WORDS_STAGE, (WORDS[1],))) == ["words"]
    assert [workspace.path(name).exists() for name in WORDS] == [False, True]
    assert reasons(workspace, WORDS_STAGE) == [f"{WORDS[0]} is missing"]


def test_a_failing_stage_leaves_earlier_outputs_as_they_were(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)
    before = (workspace.path(UPPER).read_bytes(), manifest_path(workspace.path(UPPER)).read_bytes())

    with pytest.raises(BrokenStageError):
        run(workspace, stage_that("break_halfway"), force=True)

    assert (workspace.path(UPPER).read_bytes(), manifest_path(workspace.path(UPPER)).read_bytes()) == before
    assert workspace.leftovers() == []
    assert run(workspace, UPPER_STAGE) == []


def test_an_interrupted_run_is_completed_by_the_next(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")

    with pytest.raises(KeyboardInterrupt):
        run(workspace, stage_that("interrupt"), WORDS_STAGE)

    assert run(workspace, UPPER_STAGE, WORDS_STAGE) == ["upper", "words"]


def test_a_run_killed_between_output_and_manifest_is_completed_by_the_next(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)
    workspace.path(UPPER).write_text("A NEWER OUTPUT WHOSE MANIFEST NEVER CAME")
    workspace.partial(UPPER).write_text("half")

    assert run(workspace, UPPER_STAGE) == ["upper"]
    assert workspace.path(UPPER).read_text() == "ONE TWO"
    assert workspace.leftovers() == []


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"words needs {UPPER} in .*not found"):
        run(Workspace(tmp_path), WORDS_STAGE)


@contextmanager
def held_by_another(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold a workspace until its stdin is closed."""
    program = (
        "import sys; from pathlib import Path; from purchase_pred.pipeline.engine.workspace import Workspace\n"
        "with Workspace(Path(sys.argv[1]), command='purchase-pred run all').locked():\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
        if holder.poll() is None:
            holder.communicate()


def test_a_workspace_held_by_another_process_is_refused_and_its_holder_named(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    with held_by_another(tmp_path) as holder:
        named = rf"another run is writing .*process {holder.pid}, since 20.* UTC, purchase-pred run all\)"
        with pytest.raises(WorkspaceError, match=named):
            run(workspace, UPPER_STAGE)
        with pytest.raises(WorkspaceError, match=rf"after waiting for 0:00:00.2.* still writing.*process {holder.pid}"):
            run(replace(workspace, patience=timedelta(seconds=0.2)), UPPER_STAGE)

    assert run(workspace, UPPER_STAGE) == ["upper"]


def test_a_patient_run_tells_for_whom_it_waits_and_goes_on_when_that_has_ended(tmp_path: Path) -> None:
    workspace, told = workspace_with(tmp_path, "one two"), []
    with held_by_another(tmp_path) as holder:

        def end_it(message: str) -> None:
            told.append(message)
            holder.communicate()

        assert run(replace(workspace, patience=timedelta(minutes=1), tells=end_it), UPPER_STAGE) == ["upper"]
    assert len(told) == 1
    assert f"process {holder.pid}, since" in told[0]


def test_the_steps_of_a_run_that_holds_a_workspace_need_not_hold_it_again(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    with workspace.locked() as held:
        assert run(held, UPPER_STAGE) == ["upper"]
        with pytest.raises(WorkspaceError):
            run(workspace, UPPER_STAGE)


def test_a_plan_writes_nothing_and_says_what_a_run_would_do(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    before = sorted(tmp_path.rglob("*"))

    plan = plan_stages([Request(UPPER_STAGE), Request(WORDS_STAGE)], workspace=workspace, settings=Settings())

    assert sorted(tmp_path.rglob("*")) == before
    assert [(report.stage, report.state) for report in plan] == [("upper", "missing"), ("words", "missing")]


def test_a_plan_says_which_stages_a_remade_input_may_concern(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE, WORDS_STAGE)
    write_source(workspace, "one three")

    plan = plan_stages([Request(UPPER_STAGE), Request(WORDS_STAGE)], workspace=workspace, settings=Settings())

    assert [report.state for report in plan] == ["stale", "stale"]
    assert plan[1].reasons == ("upper would run first",)


def test_of_a_table_of_settings_only_the_cell_that_changed_is_named(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    stage = Stage("upper", "stages_of_text:upper", (SOURCE,), (UPPER,), ("train.monotone",))
    run(workspace, stage, assign=["train.monotone={price: 1, age: -1}"])

    why = reasons(workspace, stage, assign=["train.monotone={price: 1, age: 1, views: 1}"])
    assert why == ["stale: train.monotone.age -1 -> 1", "stale: train.monotone.views null -> 1"]
