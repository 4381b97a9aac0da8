"""A workspace on a store: the one in a folder, byte for byte, whoever dies and whoever else writes."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from stages_of_text import SOURCE, UPPER, UPPER_STAGE, Recorder
from store_server import BUCKET, SECRET

from purchase_pred.errors import WorkspaceError
from purchase_pred.pipeline.engine.runner import Request, plan_stages, run_stages
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.registry import STAGES
from purchase_pred.pipeline.store.bucket import Bucket
from purchase_pred.pipeline.tasks.status import workspace_status
from purchase_pred.pipeline.tasks.verify import verify
from purchase_pred.settings.loading import resolve_settings

if find_spec("boto3") is None or find_spec("moto") is None:
    pytest.skip("needs the extra s3, and moto[server]", allow_module_level=True)

if TYPE_CHECKING:
    from store_server import Machine

TINY = (
    *("dataset.num_users=150", "dataset.num_items=40", "dataset.num_days=40", "target.horizon=2d"),
    *("features.windows=[1d]", "train.models=[lightgbm]", "train.lightgbm.max_rounds=3", "train.threads=1"),
)


def run_line(workspace: Workspace) -> list[Any]:
    return run_stages(
        [Request(stage, ("lightgbm",) if stage.name == "train" else ()) for stage in STAGES],
        workspace=workspace,
        settings=resolve_settings(assignments=TINY).settings,
        observer=Recorder(),
    )


def run_text(workspace: Workspace, *, force: bool = False) -> list[Any]:
    settings = resolve_settings().settings
    return run_stages([Request(UPPER_STAGE)], workspace=workspace, settings=settings, observer=Recorder(), force=force)


def reasons(workspace: Workspace) -> tuple[str, ...]:
    settings = resolve_settings().settings
    return plan_stages([Request(UPPER_STAGE)], workspace=workspace, settings=settings)[0].reasons


def put(client: Any, machine: Machine, name: str, content: bytes) -> None:
    client.put_object(Bucket=BUCKET, Key=f"{machine.prefix}/{name}", Body=content)


def stored(client: Any, machine: Machine) -> dict[str, bytes]:
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=f"{machine.prefix}/").get("Contents", ())
    return {
        row["Key"].removeprefix(f"{machine.prefix}/"): client.get_object(Bucket=BUCKET, Key=row["Key"])["Body"].read()
        for row in found
    }


def data_of(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return what does not tell when or where it was made."""
    ends = ("s.parquet", "item_catalog.parquet", "truth.parquet", "booster.txt")
    return {name: content for name, content in files.items() if name.endswith(ends) and "/." not in name}


def test_the_whole_line_leaves_what_it_leaves_in_a_folder_and_another_machine_finds_it_fresh(
    client, machines, tmp_path
):
    folder = Workspace(tmp_path / "folder")
    run_line(folder)
    run_line(machines[0].workspace())

    here = {folder.relative(path): path.read_bytes() for path in folder.root.rglob("*") if path.is_file()}
    there = stored(client, machines[0])
    of_run = {Path(name).parts[1]: "model" for name in (*here, *there) if name.startswith("models/")}
    assert {_model_as(name, of_run): content for name, content in data_of(there).items()} == {
        _model_as(name, of_run): content for name, content in data_of(here).items()
    }
    assert sorted(_model_as(name, of_run) for name in there) == sorted(
        _model_as(name, of_run) for name in here if name not in {".purchase_pred.lock", "pipeline.log"}
    )
    other = machines[1].workspace()
    settings = resolve_settings(assignments=TINY).settings
    assert {report.state for report in workspace_status(other, settings)} == {"fresh"}
    assert verify(other, rows=2, seed=1).differences == ()
    assert stored(client, machines[0]) == there


def _model_as(name: str, names: dict[str, str]) -> str:
    return "/".join(names.get(part.removesuffix(".pkl"), part) for part in name.split("/"))


KILLED = """
    import os, signal, sys
    sys.path[:0] = {path!r}
    from pathlib import Path
    from test_store_workspace import run_text
    from purchase_pred.pipeline.engine.workspace import Workspace
    from purchase_pred.pipeline.store.bucket import Bucket
    from purchase_pred.pipeline.store.copy import opened

    does, calls = Bucket.{method}, []
    def dies(self, *arguments):
        if calls:
            os.kill(os.getpid(), signal.SIGKILL)
        calls.append(1)
        return does(self, *arguments)
    workspace = opened(Workspace(Path({root!r})))
    Bucket.{method} = dies
    run_text(workspace)
"""


@pytest.mark.parametrize("again", [0, 1], ids=["here", "elsewhere"])
@pytest.mark.parametrize("method", ["upload", "copy"])
def test_a_run_killed_between_two_outputs_is_ended_by_the_next_as_if_nothing_had_been(
    client, machines, method, again, monkeypatch
):
    put(client, machines[0], SOURCE, b"one two")
    run_text(machines[0].workspace())
    put(client, machines[0], SOURCE, b"three")
    before = stored(client, machines[0])
    monkeypatch.setenv("XDG_CACHE_HOME", str(machines[0].cache))
    root = f"s3://{BUCKET}/{machines[0].prefix}"
    program = dedent(KILLED).format(path=[path for path in sys.path if path], method=method, root=root)
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == -9, ended.stderr

    seen = machines[1].workspace()  # who reads meanwhile sees all of the change, or nothing
    assert reasons(seen) if method == "upload" else not reasons(seen)
    assert seen.path(UPPER).read_text() == ("ONE TWO" if method == "upload" else "THREE")
    monkeypatch.setattr("purchase_pred.pipeline.store.lease.EXPIRY_SECONDS", -1)
    report = run_text(machines[again].workspace())[0]

    assert report.state == ("ran" if (method, again) == ("upload", 1) else "fresh")
    after = stored(client, machines[0])
    assert after.keys() == before.keys()
    assert after[UPPER] == b"THREE"
    assert not reasons(machines[1].workspace())


def test_a_changed_object_is_noticed_by_its_content_and_made_again(client, machines):
    put(client, machines[0], SOURCE, b"one")
    run_text(machines[0].workspace())
    put(client, machines[0], UPPER, b"OWE")

    assert reasons(machines[0].workspace()) == (f"stale: {UPPER} was changed by something else",)
    run_text(machines[1].workspace())
    assert stored(client, machines[0])[UPPER] == b"ONE"


def test_only_what_changed_is_sent_and_brought(client, machines, monkeypatch):
    put(client, machines[0], SOURCE, b"one")
    run_text(machines[0].workspace())
    machines[1].workspace()
    sent, uploads = [], Bucket.upload
    monkeypatch.setattr(Bucket, "upload", lambda self, path, name: sent.append(path.name) or uploads(self, path, name))
    run_text(machines[0].workspace(), force=True)

    assert sent == ["upper.manifest.json"]  # the capitals are the same bytes again
    machines[1].told.clear()
    machines[1].workspace()
    assert [told.partition(",")[0] for told in machines[1].told] == [
        f"s3://{BUCKET}/{machines[1].prefix}: bringing 1 of 3 files"
    ]
    machines[1].told.clear()
    machines[1].workspace()
    assert machines[1].told == []


def test_what_could_not_be_sent_is_kept_and_sent_by_the_next_run(client, machines, monkeypatch):
    put(client, machines[0], SOURCE, b"one")

    def fails(*_: object) -> None:
        raise WorkspaceError("gone")

    workspace = machines[0].workspace()
    with monkeypatch.context() as broken:
        broken.setattr(Bucket, "upload", fails)
        with pytest.raises(WorkspaceError, match="gone"):
            run_text(workspace)
    assert UPPER not in stored(client, machines[0])

    assert run_text(machines[0].workspace())[0].state == "fresh"
    assert stored(client, machines[0])[UPPER] == b"ONE"


def test_what_is_removed_goes_and_what_the_cache_has_lost_comes_back(client, machines):
    put(client, machines[0], SOURCE, b"one")
    run_text(machines[0].workspace())
    machines[0].workspace().path(UPPER).unlink()
    workspace = machines[0].workspace()
    assert workspace.path(UPPER).read_text() == "ONE"
    with workspace.locked():
        workspace.path(UPPER).unlink()

    assert UPPER not in stored(client, machines[0])
    assert not machines[1].workspace().path(UPPER).exists()


def test_a_workspace_that_was_removed_from_the_store_does_not_come_back_from_a_copy(client, machines):
    for damaged in (False, True):
        put(client, machines[0], SOURCE, b"one")
        run_text(machines[0].workspace())
        for name in stored(client, machines[0]):
            client.delete_object(Bucket=BUCKET, Key=f"{machines[0].prefix}/{name}")
        if damaged:
            next(machines[0].cache.rglob(".purchase_pred.copy.json")).write_text("{")
        with machines[0].workspace().locked() as held:
            assert not held.path(UPPER).exists()
        assert stored(client, machines[0]) == {}


def test_no_file_of_a_run_or_of_a_machine_is_sent_and_no_object_lands_beside_the_copy(client, machines):
    workspace = machines[0].workspace()
    with workspace.locked():
        for name in ("pipeline.log", "data/.x.claim", "data/.features.shards/a", "models/.m.partial/b", "monitor.html"):
            workspace.path(name).parent.mkdir(parents=True, exist_ok=True)
            workspace.path(name).write_text("here")
    assert list(stored(client, machines[0])) == ["monitor.html"]
    put(client, machines[0], ".purchase_pred.copy.json", b"{}")
    put(client, machines[0], "folder/", b"")
    copy = machines[1].workspace()
    assert sorted(path.name for path in copy.root.iterdir() if not path.name.startswith(".")) == ["monitor.html"]


def test_no_secret_is_written_anywhere(client, machines, caplog, monkeypatch):
    put(client, machines[0], SOURCE, b"one")
    workspace = machines[0].workspace()
    run_text(workspace)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://user:{SECRET}@127.0.0.1:1")
    with pytest.raises(WorkspaceError) as failed:
        machines[0].workspace()

    assert failed.value.__suppress_context__  # nor does the traceback in the log show the address
    written = [path.read_bytes() for path in machines[0].cache.rglob("*") if path.is_file()]
    monkeypatch.undo()
    told = (*machines[0].told, str(failed.value), caplog.text)
    assert not [text for text in told if SECRET in text]
    assert not [content for content in (*written, *stored(client, machines[0]).values()) if SECRET.encode() in content]


def test_commands_take_an_address_and_tell_it(client, machines, tmp_path):
    command = [Path(sys.executable).with_name("purchase-pred")]
    environment = {**os.environ, "XDG_CACHE_HOME": str(machines[0].cache)}
    address = f"s3://{BUCKET}/{machines[0].prefix}"
    for arguments, code, said in (
        (["sessionize", "-w", address], 2, f"sessionize needs data/raw/clickstream_events.parquet in {address}, not"),
        (["generate", "--set", "dataset.num_users=9", "--workspace", address], 0, "generate   done"),
    ):
        ended = subprocess.run(
            [*command, *arguments], check=False, capture_output=True, text=True, env=environment, cwd=tmp_path
        )
        assert (ended.returncode, said in ended.stderr) == (code, True), ended.stderr
    assert "data/raw/clickstream_events.manifest.json" in stored(client, machines[0])
    assert list(tmp_path.glob("data")) == []
