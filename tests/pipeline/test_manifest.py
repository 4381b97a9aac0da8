"""A manifest that is damaged, in whatever way, makes its output stale, with what is wrong, and stops nothing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from stages_of_text import UPPER, UPPER_STAGE, reasons, run, workspace_with

from purchase_pred.pipeline.engine.freshness import judge_stage
from purchase_pred.pipeline.engine.manifest import manifest_path, read_manifest
from purchase_pred.pipeline.engine.runner import Request, plan_stages
from purchase_pred.settings import Settings

UNREADABLE = f"stale: {UPPER} has a manifest that cannot be read"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "it is not JSON"),
        ("[]", "it must hold one JSON object, found list"),
        ("{}", "schema_version must be 1, found null"),
        ('{"schema_version": 99}', "schema_version must be 1, found 99"),
        ('{"schema_version": true}', "schema_version must be 1, found true"),
        ('{"schema_version": 1}', "bytes is missing"),
        ("[" * 100_000, "it must be nested at most 20 deep"),
        ('{"schema_version": 1, "settings": ' + '{"a": ' * 500 + "1" + "}" * 501, "it must be nested at most 20 deep"),
        ("\xff", "it is not JSON"),
        (" " * ((16 << 20) + 1), "it must hold at most 16,777,216 bytes, found 16,777,217"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_unreadable_manifest_says_why_in_one_sentence(tmp_path: Path, content: str, fault: str) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)
    manifest_path(workspace.path(UPPER)).write_text(content, encoding="latin-1")

    assert reasons(workspace, UPPER_STAGE) == [f"{UNREADABLE} ({fault})"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("settings", []),
        ("inputs", ["data/raw/source.txt"]),
        ("inputs", {"data/raw/source.txt": 5}),
        ("counts", None),
        ("rows", "2"),
        ("bytes", True),
        ("modified_ns", -1),
        ("fingerprint", None),
        ("attachments", {"a": None}),
    ],
)
def test_a_value_of_the_wrong_type_is_named(tmp_path: Path, name: str, value: object) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)
    path = manifest_path(workspace.path(UPPER))
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))

    assert reasons(workspace, UPPER_STAGE) == [f"{UNREADABLE} ({name} must not be {json.dumps(value)})"]


def test_a_manifest_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)
    manifest_path(workspace.path(UPPER)).unlink()

    assert reasons(workspace, UPPER_STAGE) == [f"stale: {UPPER} has no manifest"]


def test_a_folder_in_place_of_a_manifest_is_none(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)
    path = manifest_path(workspace.path(UPPER))
    path.unlink()
    path.mkdir()

    assert read_manifest(workspace.path(UPPER)) is None
    assert plan_reasons(workspace) == (f"stale: {UPPER} has no manifest",)


def test_the_settings_of_an_earlier_version_are_named_and_the_run_mends_them(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, "one two")
    run(workspace, UPPER_STAGE)
    path = manifest_path(workspace.path(UPPER))
    content = json.loads(path.read_text())
    absent = min(key for key in content["settings"] if key.startswith("session."))
    kept = {key: value for key, value in content["settings"].items() if key != absent}
    path.write_text(json.dumps(content | {"settings": kept | {"session.timeout": 20}}))

    planned = plan_reasons(workspace)
    assert planned == ("stale: session.timeout 20 -> null", planned[-1])
    assert reasons(workspace, UPPER_STAGE) == list(planned)
    assert judge_stage(UPPER_STAGE, workspace, Settings())[UPPER].state == "fresh"


def plan_reasons(workspace: Any) -> tuple[str, ...]:
    (report,) = plan_stages([Request(UPPER_STAGE)], workspace=workspace, settings=Settings())
    return report.reasons


@hypothesis_settings(max_examples=80)
@given(st.data())
def test_whatever_is_changed_in_a_manifest_plan_and_run_give_the_same_reasons_and_the_run_mends_it(
    data: st.DataObject,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = workspace_with(Path(folder), "one two")
        run(workspace, UPPER_STAGE)
        path = manifest_path(workspace.path(UPPER))
        content = json.loads(path.read_text())
        names = data.draw(st.lists(st.sampled_from(sorted(content)), min_size=1, max_size=3, unique=True))
        for name in names:
            content[name] = data.draw(JSON)
        kept = data.draw(st.sets(st.sampled_from(sorted(content)), min_size=len(content) - 1))
        path.write_text(json.dumps({name: content[name] for name in kept}))

        planned = plan_reasons(workspace)
        assert all(len(reason.splitlines()) == 1 for reason in planned)
        assert tuple(reasons(workspace, UPPER_STAGE)) == planned
        assert judge_stage(UPPER_STAGE, workspace, Settings())[UPPER].state == "fresh"
