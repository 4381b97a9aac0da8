"""Sessions numbered shard by shard: the same file, of which an interruption costs no more than the shard at hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from stages_of_text import Recorder

from purchase_pred.errors import InputError
from purchase_pred.pipeline.engine.runner import Request, run_stages
from purchase_pred.pipeline.engine.workspace import EVENTS_FILE, SESSIONIZED_FILE, Workspace
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.pipeline.stages import sessionize as sessionizing
from purchase_pred.pipeline.stages import split as splitting
from purchase_pred.schema import EVENT_TYPES
from purchase_pred.sessions import sessionize
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from pathlib import Path

EVENTS, USERS = 3_000, 300
collect_all = pl.collect_all
SHARDS = "data/.sessionize.shards"


def log(*, users: pl.Expr) -> pl.DataFrame:
    row = pl.int_range(EVENTS)
    minutes = (row * 7919) % 5_000
    return pl.select(
        event_id=row.cast(pl.UInt64),
        user_id=users,
        timestamp=pl.lit(datetime(2024, 8, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
        + minutes * timedelta(minutes=1),
        event_type=pl.lit("view", pl.Enum(EVENT_TYPES)),
        item_id=row % 11,
        duration_seconds=pl.lit(None, pl.Float32),
        price=(row % 13).cast(pl.Float64),
    )


BY_CHANCE = (pl.int_range(EVENTS) * 104_729) % USERS
LOGS = {
    "numbered users": BY_CHANCE,
    "named users": pl.format("user {}", BY_CHANCE),
    "one user has a third of the events": pl.when(pl.int_range(EVENTS) % 3 == 0).then(150).otherwise(BY_CHANCE),
}


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("purchase_pred.execution.memory.SMALLEST_SHARD", 100)


def workspace_of(folder: Path, events: pl.DataFrame) -> Workspace:
    workspace = Workspace(folder)
    workspace.path(EVENTS_FILE).parent.mkdir(parents=True)
    events.write_parquet(workspace.path(EVENTS_FILE))
    return workspace


def run(workspace: Workspace, *assign: str, limit: str = "1MB") -> tuple[bytes, Any]:
    settings = resolve_settings(assignments=[f"execution.memory_limit={limit}", *assign]).settings
    recorder = Recorder()
    run_stages([Request(STAGE_BY_NAME["sessionize"])], workspace=workspace, settings=settings, observer=recorder)
    return workspace.path(SESSIONIZED_FILE).read_bytes(), recorder


def break_at(monkeypatch: pytest.MonkeyPatch, shard: int) -> list[int]:
    """Be interrupted at a shard, and write down which were made."""
    made: list[int] = []

    def watched(events: pl.LazyFrame, **options: Any) -> pl.LazyFrame:
        if len(made) == shard:
            raise KeyboardInterrupt
        made.append(len(made))
        return sessionize(events, **options)

    monkeypatch.setattr(sessionizing, "sessionize", watched)
    return made


@pytest.mark.parametrize("users", LOGS.values(), ids=LOGS)
def test_shards_give_the_bytes_of_one_sort(tmp_path, users) -> None:
    events = log(users=users)
    at_once, seen = run(workspace_of(tmp_path / "once", events), limit="8GB")
    by_shard, heard = run(workspace_of(tmp_path / "shards", events))

    assert by_shard == at_once
    assert seen.shards == []
    assert heard.shards[-1][0] == heard.shards[-1][1] > sessionizing.SINKS
    assert heard.shards[-1][2] == EVENTS


def test_shards_finished_before_an_interruption_are_not_made_again(tmp_path, monkeypatch) -> None:
    events = log(users=BY_CHANCE)
    at_once, _ = run(workspace_of(tmp_path / "once", events), limit="8GB")
    workspace = workspace_of(tmp_path / "shards", events)
    break_at(monkeypatch, 20)
    with pytest.raises(KeyboardInterrupt):
        run(workspace)
    made = break_at(monkeypatch, -1)
    resumed, heard = run(workspace)

    assert resumed == at_once
    assert heard.shards[0][0] == 20
    assert len(made) == heard.shards[0][1] - 20
    assert not workspace.path(SHARDS).exists()


@pytest.mark.parametrize("changed", ["the settings", "the log"])
def test_shards_left_of_something_else_are_not_taken(tmp_path, monkeypatch, changed) -> None:
    before, after = log(users=BY_CHANCE), log(users=(BY_CHANCE + 1) % USERS)
    assign = ["session.inactivity_threshold_minutes=90"] if changed == "the settings" else []
    workspace = workspace_of(tmp_path / "shards", before)
    break_at(monkeypatch, 20)
    with pytest.raises(KeyboardInterrupt):
        run(workspace)
    break_at(monkeypatch, -1)
    if changed == "the log":
        after.write_parquet(workspace.path(EVENTS_FILE))
    found, heard = run(workspace, *assign)
    expected, _ = run(workspace_of(tmp_path / "once", after if changed == "the log" else before), *assign, limit="8GB")

    assert heard.shards[0][0] == 0
    assert found == expected


@pytest.mark.parametrize("limit", ["1MB", "8GB"])
@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
def test_every_engine_writes_the_same_bytes(tmp_path, engine, limit) -> None:
    events = log(users=BY_CHANCE)
    expected, _ = run(workspace_of(tmp_path / "auto", events), limit="8GB")
    found, _ = run(workspace_of(tmp_path / "other", events), f"execution.engine={engine}", limit=limit)

    assert found == expected


def test_how_much_memory_there_is_makes_nothing_stale(tmp_path) -> None:
    workspace = workspace_of(tmp_path, log(users=BY_CHANCE))
    run(workspace)
    _, heard = run(workspace, "execution.engine=streaming", limit="8GB")

    assert [report.state for report in heard.ended] == ["fresh"]


def test_a_log_with_events_without_a_time_is_refused_with_their_number(tmp_path: Path) -> None:
    timed = pl.when(pl.int_range(EVENTS) >= 7).then("timestamp")
    workspace = workspace_of(tmp_path, log(users=BY_CHANCE).with_columns(timed))
    with pytest.raises(InputError, match="every event needs a timestamp, 7 of 3,000 have none; leave them out, or"):
        run(workspace)


def test_the_splits_are_the_same_whether_written_in_one_pass_or_in_three(tmp_path, monkeypatch):
    files, passes = [], []
    monkeypatch.setattr(splitting.pl, "collect_all", lambda plans: passes.append(len(plans)) or collect_all(plans))
    for limit in ("1MB", "4GB"):
        workspace = workspace_of(tmp_path / limit, log(users=BY_CHANCE))
        run(workspace, limit=limit)
        settings = resolve_settings(assignments=[f"execution.memory_limit={limit}"]).settings
        run_stages([Request(STAGE_BY_NAME["split"])], workspace=workspace, settings=settings, observer=Recorder())
        files.append([workspace.path(name).read_bytes() for name in sorted(STAGE_BY_NAME["split"].units)])
    assert passes == [1, 1, 1, 3]
    assert files[0] == files[1]
