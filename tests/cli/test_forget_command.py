"""A person is forgotten in every file at once; what is left is as right and as fresh as before."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest
from installed_command import purchase_pred

from purchase_pred.errors import InputError
from purchase_pred.pipeline.engine import claim
from purchase_pred.pipeline.engine.manifest import read_manifest
from purchase_pred.pipeline.engine.publish import recover
from purchase_pred.pipeline.engine.workspace import REJECTED_FILE, Workspace
from purchase_pred.pipeline.tasks.forget import Forgotten, forget_user, told
from purchase_pred.pipeline.tasks.status import workspace_status
from purchase_pred.pipeline.tasks.verify import verify
from purchase_pred.settings.loading import load_settings

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = load_settings(
    overrides={
        "dataset.num_users": 400,
        "dataset.num_days": 60,
        "target.horizon": "3d",
        "train.models": ["logistic", "lightgbm"],
        "train.lightgbm.max_rounds": 20,
        "train.threshold.resamples": 0,
        "train.threads": 1,
    }
)
FEATURES = "data/features/{}_features.parquet"


@pytest.fixture
def own_shop(shop: Path, tmp_path: Path) -> Path:
    return shutil.copytree(shop, tmp_path / "shop")


def users_of(workspace: Path, *splits: str) -> set[int]:
    return {user for split in splits for user in pl.read_parquet(workspace / FEATURES.format(split))["user_id"]}


def holders(workspace: Path, user: int) -> list[str]:
    """Return the files with a row of the user."""
    frames = {path: pl.read_parquet(path) for path in (workspace / "data").rglob("*.parquet")}
    return [path.name for path, rows in frames.items() if "user_id" in rows and user in rows["user_id"]]


def states(workspace: Path) -> dict[str, str]:
    return {report.stage: report.state for report in workspace_status(Workspace(workspace), SETTINGS)}


def test_a_person_who_was_learnt_from_is_gone_and_the_models_are_named(own_shop: Path) -> None:
    user = min(users_of(own_shop, "train") & users_of(own_shop, "test"))
    others = {path: pl.read_parquet(path) for path in (own_shop / "data").glob("[!.]*/*.parquet")}
    outcome = purchase_pred("forget", "--user", str(user), "-w", own_shop, "--json")
    found = json.loads(outcome.out)

    assert outcome.code == 0, outcome.err
    assert holders(own_shop, user) == []
    for path, before in others.items():
        kept = before.filter(pl.col("user_id") != user) if "user_id" in before else before
        assert pl.read_parquet(path).equals(kept)
        assert found["rows"].get(path.relative_to(own_shop).as_posix(), 0) == before.height - kept.height
    assert sorted(found["trained"]) == sorted(path.name for path in (own_shop / "models").iterdir() if path.is_dir())
    assert found["unknown"] == []
    assert verify(Workspace(own_shop), rows=10, seed=0).differences == ()
    fresh = dict.fromkeys(("generate", "sessionize", "split", "features"), "fresh")
    assert states(own_shop) == {**fresh, "train": "stale"}
    for split in ("train", "val", "test"):
        path = own_shop / FEATURES.format(split)
        assert read_manifest(path).counts["positives"] == pl.read_parquet(path)["label"].sum()
    assert not re.search(rf"\b{user}\b", (own_shop / "pipeline.log").read_text().splitlines()[-1].split(" - ")[-1])


def test_models_that_did_not_learn_from_the_person_stay_fresh(own_shop: Path) -> None:
    everybody = set(pl.read_parquet(own_shop / "data/raw/clickstream_events.parquet")["user_id"])
    user = min(everybody - users_of(own_shop, "train", "val"))
    found = forget_user(Workspace(own_shop), str(user))

    assert found.trained == found.unknown == ()
    assert holders(own_shop, user) == []
    assert verify(Workspace(own_shop), rows=5, seed=0).differences == ()
    assert set(states(own_shop).values()) == {"fresh"}


def test_a_dry_run_tells_and_changes_nothing(own_shop: Path) -> None:
    before = {path: path.read_bytes() for path in (own_shop / "data").rglob("*") if path.is_file()}
    user = min(users_of(own_shop, "train"))

    found = forget_user(Workspace(own_shop), str(user), dry_run=True)
    assert found.rows["data/raw/users.parquet"] == 1
    assert {path: path.read_bytes() for path in (own_shop / "data").rglob("*") if path.is_file()} == before


def test_a_run_that_is_cut_off_while_names_are_taken_is_finished_by_the_next(
    own_shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = min(users_of(own_shop, "train"))
    carry_out = claim._carry_out  # noqa: SLF001  (the moment that a power failure would choose)

    def cut_off(workspace: Workspace, _claim: Path, moves: list[claim.Move], _replaces: list[str]) -> None:
        for move in moves[:3]:
            workspace.path(move.partial).replace(workspace.path(move.path))
        raise KeyboardInterrupt

    monkeypatch.setattr(claim, "_carry_out", cut_off)
    with pytest.raises(KeyboardInterrupt):
        forget_user(Workspace(own_shop), str(user))
    assert holders(own_shop, user)
    monkeypatch.setattr(claim, "_carry_out", carry_out)
    recover(Workspace(own_shop))

    assert holders(own_shop, user) == []
    assert verify(Workspace(own_shop), rows=5, seed=0).differences == ()


def test_rejected_rows_that_name_the_person_in_any_field_go(own_shop: Path) -> None:
    user = min(users_of(own_shop, "train"))
    reason = pl.Series("reason", ["bad_time"] * 4)
    visitors = [str(user), f"00{user}", f"{user}9", None]
    rejected = pl.DataFrame({"event_id": [1, 2, 3, 4], "reason": reason, "visitor": visitors})
    rejected.write_parquet(own_shop / REJECTED_FILE)
    found = forget_user(Workspace(own_shop), str(user))

    assert found.rows[REJECTED_FILE] == 2
    assert pl.read_parquet(own_shop / REJECTED_FILE)["visitor"].to_list() == [f"{user}9", None]


def test_a_file_that_was_changed_by_hand_is_not_vouched_for_afterwards(own_shop: Path) -> None:
    path = own_shop / FEATURES.format("train")
    user = min(users_of(own_shop, "train"))
    pl.read_parquet(path).with_columns(label=1 - pl.col("label")).write_parquet(path)
    forget_user(Workspace(own_shop), str(user))

    assert holders(own_shop, user) == []
    assert {one.file for one in verify(Workspace(own_shop), rows=0, seed=0).differences} == {FEATURES.format("train")}


def test_a_person_whom_no_file_holds_is_refused(shop: Path) -> None:
    with pytest.raises(InputError, match=r"no file of .* holds the user 'nobody'; nothing was changed"):
        forget_user(Workspace(shop), "nobody")


@pytest.mark.parametrize("dry_run", [True, False])
def test_lists_that_were_written_elsewhere_are_said_to_stay(dry_run: bool) -> None:  # noqa: FBT001
    *_, last = told(Forgotten({"data/raw/users.parquet": 1}, (), ()), dry_run=dry_run)
    assert last == "lists that `score --output` wrote outside of the workspace are not known here and stay as they are"
