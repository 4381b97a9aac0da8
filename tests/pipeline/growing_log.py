"""The log of a shop that comes day by day: late events, events that come again, dirt; added to, or read at once."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
from polars.testing import assert_frame_equal
from stages_of_text import Recorder

from purchase_pred.pipeline.engine.manifest import read_manifest
from purchase_pred.pipeline.engine.runner import Request, run_stages
from purchase_pred.pipeline.engine.workspace import FIRST_KNOWN_FILE, Workspace
from purchase_pred.pipeline.stages.append import append_stage
from purchase_pred.pipeline.stages.ingest import UNITS, ingest_stage
from purchase_pred.settings.loading import resolve_settings

if TYPE_CHECKING:
    from pathlib import Path

    from purchase_pred.pipeline.engine.stage import Stage, StageReport

NAMES = ("ts", "visitor", "what", "sku", "price", "shelf", "note")
OPTIONS = (
    "ingest.columns={timestamp: ts, user_id: visitor, event_type: what, item_id: sku, category: shelf}",
    "ingest.events={purchase: order, ignore: beat}",
    "ingest.timezone=UTC",
    "ingest.max_rejected=0.5",
)
SETTINGS = resolve_settings(assignments=OPTIONS).settings
FIRST_DAY = datetime(2024, 3, 1, tzinfo=UTC)
DAYS = 30
FAULTS = (*({0: "yesterday"}, {0: "2000-01-01 00:00:00"}, {1: "null"}, {2: "look"}, {2: "beat"}, {3: ""}, {4: "free"}),)
"""What takes the place of a sound text, by the place of its column."""

Row = tuple[str, ...]


def random_row(rng: random.Random, day: int) -> Row:
    at = FIRST_DAY + timedelta(days=day, seconds=rng.randrange(86_400))
    visitor, sku = str(rng.randint(1, 5 + day)), str(rng.randint(1, 4 + day // 3))
    price = rng.choice(("", "", "9.5", "12", "7", "8.25"))
    shelf = rng.choice(("", "", "hats", "coats", f"season {day // 7}"))
    return (f"{at:%Y-%m-%d %H:%M:%S}", visitor, rng.choice(("view", "order")), sku, price, shelf, rng.choice("ab"))


def dirty(row: Row, rng: random.Random) -> Row:
    fault = rng.choice(FAULTS)
    return tuple(fault.get(place, text) for place, text in enumerate(row))


def days_of_a_shop(seed: int) -> list[list[Row]]:
    """Return days with late events, events of earlier days again, some of them with another note, and dirt."""
    rng = random.Random(seed)  # noqa: S311  (a test case, not a secret)
    days: list[list[Row]] = []
    for day in range(DAYS):
        rows = [random_row(rng, day) for _ in range(rng.randint(3, 12))]
        earlier = [row for one in days for row in one]
        if earlier:
            rows += [random_row(rng, rng.randrange(day)) for _ in range(2)]
            rows += rng.choices(earlier, k=2)
            rows += [(*row[:-1], "c") for row in rng.choices(earlier, k=1)]
        rows += rng.choices(rows, k=1)
        rows += [dirty(row, rng) for row in rng.choices(rows, k=2)]
        rng.shuffle(rows)
        days.append(rows)
    return days


def write(path: Path, rows: list[Row], names: tuple[str, ...] = NAMES) -> Path:
    path.write_text("\n".join(",".join(row) for row in (names, *rows)) + "\n")
    return path


def run(stage: Stage, workspace: Workspace, settings=SETTINGS) -> tuple[StageReport, list[str]]:
    observer = Recorder()
    (report,) = run_stages([Request(stage)], workspace=workspace, settings=settings, observer=observer)
    return report, observer.warned


def append(workspace: Workspace, *paths: Path, settings=SETTINGS, catalog: tuple[Path, ...] = ()):
    stage = append_stage(workspace, "table", paths, settings=settings, catalog=catalog)
    return run(stage, workspace, settings)


def at_once(workspace: Workspace, *paths: Path, settings=SETTINGS, catalog: tuple[Path, ...] = ()) -> Workspace:
    run(ingest_stage("table", paths, catalog=catalog), workspace, settings)
    return workspace


def assert_same_files(found: Workspace, expected: Workspace) -> None:
    """Demand the same frames, and what a manifest says of what they were made of."""
    for unit in UNITS:
        frame, wanted = (pl.read_parquet(workspace.path(unit)) for workspace in (found, expected))
        assert_frame_equal(frame, wanted, check_exact=True)
        assert frame.schema == wanted.schema
        manifests = [read_manifest(workspace.path(unit)) for workspace in (found, expected)]
        assert manifests[0].rows == manifests[1].rows
        assert (manifests[0].settings, manifests[0].inputs) == (manifests[1].settings, manifests[1].inputs)
    layouts = [pl.read_parquet_metadata(workspace.path(FIRST_KNOWN_FILE)) for workspace in (found, expected)]
    assert layouts[0]["purchase_pred:layout"] == layouts[1]["purchase_pred:layout"]
