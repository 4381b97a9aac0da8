"""Labels of every kind are computed again by `verify`: a wrong one is found, whatever the hashes say."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest
from stages_of_text import Recorder

from purchase_pred.pipeline.engine.runner import Request, run_stages
from purchase_pred.pipeline.engine.workspace import SESSIONIZED_FILE, Workspace, features_file
from purchase_pred.pipeline.registry import STAGES
from purchase_pred.pipeline.tasks.verify_rows import recompute_rows
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

TRAIN = features_file("train")
SHOP = {"dataset": {"num_users": 60, "num_items": 30, "num_days": 24}, "features": {"windows": ["1d"]}}
TARGETS = {
    "amounts of several horizons": {"target": {"horizon": "3d", "value": "revenue", "horizons": ["1d", "3d"]}},
    "churn": {
        "target": {"kind": "churn", "level": "user", "horizon": "2d"},
        "anchors": {"kind": "calendar", "every": "1d", "active_within": "5d"},
    },
}


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Feature files of each target, of one log."""
    log, made = tmp_path_factory.mktemp("log"), {}
    for name, target in TARGETS.items():
        place = tmp_path_factory.mktemp("shop") / "shop"
        shutil.copytree(log, place)
        stages = [Request(stage) for stage in STAGES if stage.name != "train"]
        settings = Settings.model_validate(SHOP | target)
        run_stages(stages, workspace=Workspace(place), settings=settings, observer=Recorder())
        made[name] = log = place
    return made


def faults(place: Path) -> tuple[int, set[str]]:
    """Return how many values were computed again, and the columns of which one is wrong."""
    done = recompute_rows(Workspace(place), {TRAIN, SESSIONIZED_FILE}, rows=60, seed=0, notes=[])
    return done.values, {fault.split("): ")[1].split(" must be ")[0] for _, fault in done.faults if "): " in fault}


@pytest.mark.parametrize(
    ("target", "column", "wrong"),
    [
        ("amounts of several horizons", "label_value", pl.col("label_value") + 0.01),
        ("amounts of several horizons", "label_time", pl.col("label_time") + pl.duration(seconds=1)),
        ("amounts of several horizons", "label", 1 - pl.col("label")),
        ("churn", "label", 1 - pl.col("label")),
    ],
)
def test_a_wrong_label_is_found_and_named(shops: dict[str, Path], target: str, column: str, wrong: pl.Expr) -> None:
    place = shops[target]
    rows = pl.read_parquet(place / TRAIN)
    assert rows["label"].sum() > 0
    values, found = faults(place)
    assert (values > 0, found) == (True, set())
    try:
        rows.with_columns(wrong.cast(rows.schema[column]).alias(column)).write_parquet(place / TRAIN)
        assert faults(place)[1] == {column}
    finally:
        rows.write_parquet(place / TRAIN)
