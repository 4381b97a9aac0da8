"""Every output is read again: a flipped byte is found in any file, and so is what no hash can tell."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest
from installed_command import purchase_pred

from purchase_pred.errors import InputError
from purchase_pred.pipeline.engine.fingerprint import fingerprint, size
from purchase_pred.pipeline.engine.manifest import manifest_path, read_manifest, write_manifest
from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.tasks.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SESSIONIZED = "data/processed/sessionized_events.parquet"
TEST = "data/features/test_features.parquet"


@pytest.fixture(scope="module")
def own_shop(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the workspace with everything made; tests put back what they change."""
    return shutil.copytree(shop, tmp_path_factory.mktemp("verified") / "shop")


def differences(workspace: Path, rows: int = 0) -> dict[str, str]:
    return {one.file: one.found for one in verify(Workspace(workspace), rows=rows, seed=0).differences}


def forged(workspace: Path, name: str, change: Callable[[pl.DataFrame], pl.DataFrame], rows: int = 0) -> dict[str, str]:
    """Return what is found when a file is changed, and its manifest and all that was made of it with it."""
    path = workspace / name
    kept = {one: one.read_bytes() for one in (workspace / "data").rglob("*") if one.is_file()}
    manifest, before = read_manifest(path), fingerprint(path)
    try:
        change(pl.read_parquet(path)).write_parquet(path)
        rows_now, hash_now = pl.read_parquet(path).height, fingerprint(path)
        write_manifest(replace(manifest, fingerprint=hash_now, bytes=size(path), rows=rows_now), manifest_path(path))
        for other in (one for one in kept if one.name.endswith(".manifest.json")):
            other.write_text(other.read_text().replace(before, fingerprint(path)))
            write_manifest(read_manifest(other.with_name(other.name.replace(".manifest.json", ".parquet"))), other)
        return differences(workspace, rows)
    finally:
        for one, content in kept.items():
            one.write_bytes(content)


def test_a_sound_workspace_is_all_right_and_rows_are_computed_again(shop: Path) -> None:
    outcome = purchase_pred("verify", "-w", shop, "--json")
    found = json.loads(outcome.out)

    assert outcome.code == 0, outcome.err
    assert found["right"] is True
    assert found["differences"] == found["notes"] == []
    assert len(found["files"]) == 13
    assert found["rows"] == 75
    assert found["values"] == 75 * 27


def test_a_flipped_byte_is_found_in_any_file(own_shop: Path) -> None:
    files = [path for part in ("data", "models") for path in (own_shop / part).rglob("*") if path.is_file()]
    missed = []
    for path in files:
        content = path.read_bytes()
        place = len(content) // 2
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        if not differences(own_shop):
            missed.append(path.name)
        path.write_bytes(content)

    assert len(files) > 30
    assert missed == []
    assert differences(own_shop) == {}


def test_a_difference_ends_with_3_and_names_the_file(shop: Path, tmp_path: Path) -> None:
    workspace = shutil.copytree(shop, tmp_path / "shop")
    path = workspace / TEST
    path.write_bytes(path.read_bytes()[:-1])
    (workspace / "data/raw/users.parquet").unlink()
    (workspace / "data/raw/item_catalog.manifest.json").unlink()
    outcome = purchase_pred("verify", "-w", workspace)

    assert outcome.code == 3
    assert "data/features/test_features.parquet: must hold " in outcome.out
    assert "data/raw/users.parquet: the file is gone, its manifest is there" in outcome.out
    assert "data/raw/item_catalog.parquet: has no manifest" in outcome.out
    assert outcome.err == "error: 3 outputs are not as they were made\n"


def test_rows_out_of_order_are_found(own_shop: Path) -> None:
    found = forged(own_shop, SESSIONIZED, lambda events: events.reverse())

    assert found[SESSIONIZED].startswith("session_index must count 1, 2, 3")


def test_a_gap_in_the_numbers_of_sessions_is_found(own_shop: Path) -> None:
    later = pl.col("session_index") + (pl.col("session_index") > 1).cast(pl.UInt32)
    found = forged(own_shop, SESSIONIZED, lambda events: events.with_columns(later))

    assert "session_index must count 1, 2, 3 ... per user: it does not in" in found[SESSIONIZED]


def test_events_swapped_within_a_user_are_found(own_shop: Path) -> None:
    def swap(events: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([events[1:2], events[:1], events[2:]])

    assert (
        "must be sorted by user_id, timestamp, event_id: 1 rows are not"
        in forged(own_shop, SESSIONIZED, swap)[SESSIONIZED]
    )


def test_a_lost_and_a_doubled_event_are_found(own_shop: Path) -> None:
    lost = forged(own_shop, SESSIONIZED, lambda events: pl.concat([events[:-2], events[-1:]]))
    doubled = forged(
        own_shop, "data/raw/clickstream_events.parquet", lambda events: pl.concat([events[:1], events[:-1]])
    )

    assert re.fullmatch(r"must hold the [\d,]+ events of data/raw/\w+\.parquet, found .* or others", lost[SESSIONIZED])
    assert "event_id must be unique" in doubled["data/raw/clickstream_events.parquet"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("label", 1 - pl.col("label")),
        ("view_count_7d", pl.col("view_count_7d") + 1),
        ("user_item_view_count", pl.col("user_item_view_count") + 1),
        ("hours_since_last_view", pl.col("hours_since_last_view") + 0.01),
        ("label_end", pl.col("label_end") + pl.duration(microseconds=1)),
    ],
)
def test_values_that_the_log_does_not_give_are_found(own_shop: Path, column: str, value: pl.Expr) -> None:
    found = forged(
        own_shop, TEST, lambda rows: rows.with_columns(value.cast(rows.schema[column]).alias(column)), rows=4
    )

    assert list(found) == [TEST]
    assert f": {column} must be " in found[TEST]


def test_features_of_another_log_are_noted_and_no_difference(shop: Path, tmp_path: Path) -> None:
    workspace = shutil.copytree(shop, tmp_path / "shop")
    path = workspace / TEST
    manifest = read_manifest(path)
    write_manifest(replace(manifest, inputs={**manifest.inputs, SESSIONIZED: "0" * 32}), manifest_path(path))
    found = verify(Workspace(workspace), rows=2, seed=0)

    assert found.differences == ()
    assert found.rows == 4
    assert found.notes == (f"{TEST} was made of another {SESSIONIZED} than is there now, and was not held against it",)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no outputs to verify"):
        verify(Workspace(tmp_path), rows=1, seed=0)
