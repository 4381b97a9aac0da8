"""Features after a log has grown: what is taken over and what is made again are what making all anew gives."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from growing_log import FIRST_DAY, OPTIONS, append, at_once, write
from stages_of_text import Recorder

from purchase_pred.features import build_features
from purchase_pred.names import SPLITS
from purchase_pred.pipeline.engine.runner import Request, run_stages
from purchase_pred.pipeline.engine.workspace import Workspace, features_file
from purchase_pred.pipeline.registry import STAGE_BY_NAME
from purchase_pred.pipeline.stages import features as stage
from purchase_pred.pipeline.stages.earlier_features import damaged_histories
from purchase_pred.pipeline.tasks.forget import forget_user
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from growing_log import Row

FEW = ("target.horizon=1d", "features.windows=[1d]")
AT_FIRST, DAYS = 18, 20
OLD = 3
"""The day of which an event comes only with the last delivery."""


def row_of(rng: random.Random, day: int) -> Row:
    """Return an event of one of 60 visitors on one of 12 products, whose shelf and price are not always told."""
    at = FIRST_DAY + timedelta(days=day, seconds=rng.randrange(86_400))
    sku = rng.randint(1, 12)
    price, shelf = rng.choice(("", f"{sku}.5")), rng.choice(("", f"shelf {sku % 3}"))
    what = rng.choice(("view", "view", "view", "order"))
    return (f"{at:%Y-%m-%d %H:%M:%S}", str(rng.randint(1, 60)), what, str(sku), price, shelf, rng.choice("ab"))


def deliveries(folder: Path) -> list[Path]:
    """Write the days of a shop: each holds some events of the day before, the last one more, long past."""
    rng = random.Random(11)  # noqa: S311  (a test case, not a secret)
    days = [[row_of(rng, day) for _ in range(25)] for day in range(DAYS)]
    for day in range(1, DAYS):
        days[day] += [row_of(rng, day - 1) for _ in range(2)]
    days[-1].append((f"{FIRST_DAY + timedelta(days=OLD):%Y-%m-%d %H:%M:%S}", "7", "view", "99", "1", "new shelf", "a"))
    return [write(folder / f"{number:02}.csv", rows) for number, rows in enumerate(days)]


def features_of(workspace: Workspace, assign: Sequence[str], *, force: bool = False) -> dict[str, bytes]:
    settings = resolve_settings(assignments=(*OPTIONS, *FEW, *assign)).settings
    stages = [Request(STAGE_BY_NAME[name]) for name in ("sessionize", "split", "features")]
    run_stages(stages, workspace=workspace, settings=settings, observer=Recorder(), force=force)
    return {split: workspace.path(features_file(split)).read_bytes() for split in SPLITS}


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many rows were built in each shard that is made, as they are made."""
    counted: list[int] = []

    def counting(rows: pl.LazyFrame, *frames: pl.LazyFrame, **options: Any) -> pl.LazyFrame:
        counted.append(rows.select(pl.len()).collect().item())
        return build_features(rows, *frames, **options)

    monkeypatch.setattr(stage, "build_features", counting)
    return counted


ASKED = {
    "session close": (),
    "in session": ("anchors.kind=in_session", "target.level=session", "features.availability_lag=1h"),
    "calendar": ("anchors.kind=calendar", "anchors.every=1d", "target.level=user"),
}


@pytest.mark.parametrize("asked", ASKED)
def test_features_of_a_log_that_grows_by_a_day_are_those_of_all_days_made_at_once(
    tmp_path, monkeypatch, built, asked
) -> None:
    monkeypatch.setattr(stage, "EVENTS_PER_SHARD", 150 if asked == "calendar" else 10**6)
    paths, assign = deliveries(tmp_path), ASKED[asked]
    grown = at_once(Workspace(tmp_path / "grown"), *paths[:AT_FIRST])
    features_of(grown, assign)
    all_made, made = sum(built), []
    for day in range(AT_FIRST, DAYS):
        append(grown, paths[day])
        built.clear()
        found = features_of(grown, assign)
        made.append(sum(built))
    assert 0 < made[0] < 0.5 * all_made
    assert made[1] > made[0]
    assert found == features_of(at_once(Workspace(tmp_path / "once"), *paths), assign)


def test_nothing_is_taken_over_by_force_or_after_a_person_was_forgotten(tmp_path, built) -> None:
    assign = ASKED["calendar"]
    workspace = at_once(Workspace(tmp_path), *deliveries(tmp_path)[:AT_FIRST])
    expected = features_of(workspace, assign)
    in_all, histories = sum(built), tmp_path / "data/.features.histories"
    assert any(histories.iterdir())
    built.clear()
    assert features_of(workspace, assign, force=True) == expected
    assert sum(built) == in_all
    forget_user(workspace, "7")
    assert not histories.exists()


def test_what_is_damaged_is_not_believed_and_all_is_made_again(tmp_path, built) -> None:
    assign = ASKED["calendar"]
    paths = deliveries(tmp_path)
    workspace = at_once(Workspace(tmp_path / "shop"), *paths[:-1])
    features_of(workspace, assign)
    in_all = sum(built)
    (path,) = workspace.path("data/.features.histories").glob("*/users.parquet")
    content = path.read_bytes()
    path.write_bytes(content[:-100] + bytes([content[-100] ^ 1]) + content[-99:])
    assert damaged_histories(workspace) == [workspace.relative(path.parent)]
    append(workspace, paths[-1])
    built.clear()
    found = features_of(workspace, assign)
    assert sum(built) > 0.9 * in_all
    assert damaged_histories(workspace) == []
    assert found == features_of(at_once(Workspace(tmp_path / "once"), *paths), assign)
