"""The windows benchmark: its peers count what plain loops count, and times of those that do not are not reported."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import polars as pl
import pytest

ROOT = Path(__file__).parents[2]
ALL_PEERS = (
    "ours", "single_pass", "polars_rolling", "polars_rolling_groups", "duckdb_range", "duckdb_asof", "pandas_rolling",
    "temporian_moving", "featuretools_dfs",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _benchmarks_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)


@pytest.fixture
def tied_log(tmp_path: Path) -> Path:
    """Times in steps of 6 hours, anchors at times of events: ties with T and with the starts of windows abound."""
    logs = import_module("benchmarks.logs")
    shuffled = logs.click_log(700).with_columns(pl.col("timestamp").dt.truncate("6h"))
    ordered = logs.sorted_log(shuffled)
    shuffled.write_parquet(tmp_path / "shuffled.parquet")
    ordered.write_parquet(tmp_path / "sorted.parquet")
    anchors = ordered.select("user_id", prediction_time="timestamp").unique().sort("user_id", "prediction_time")
    anchors.write_parquet(tmp_path / "anchors.parquet")
    return tmp_path


def counts_by_loops(log: Path) -> np.ndarray:
    peers = import_module("benchmarks.windows.peers")
    events = pl.read_parquet(log / "shuffled.parquet")
    physical = list(zip(events["user_id"], events["timestamp"].to_physical(), events["event_type"], strict=True))
    anchors = pl.read_parquet(log / "anchors.parquet")
    return np.array(
        [
            [
                sum(
                    who == user and kind == counted and end - days * peers.DAY <= time < end
                    for who, time, kind in physical
                )
                for counted in peers.COUNTED
                for days in peers.DAYS
            ]
            for user, end in zip(anchors["user_id"], anchors["prediction_time"].to_physical(), strict=True)
        ]
    )


@pytest.mark.filterwarnings("ignore")  # what other tools warn of is theirs to mend
@pytest.mark.parametrize("order", ["sorted", "shuffled"])
@pytest.mark.parametrize("name", ALL_PEERS)
def test_peer_counts_what_plain_loops_count(name: str, order: str, tied_log: Path) -> None:
    try:
        peer = import_module(f"benchmarks.windows.peers.{name}")
    except ImportError as reason:
        pytest.skip(str(reason))
    counts = peer.counts(peer.compute(peer.load(tied_log / f"{order}.parquet", tied_log / "anchors.parquet", order)))
    expected = counts_by_loops(tied_log)
    assert expected.any()
    assert len(counts) == len(expected) or name == "featuretools_dfs"
    assert np.array_equal(counts, expected[: len(counts)])


def test_every_peer_of_the_command_is_tested_here() -> None:
    assert import_module("benchmarks.windows.run").PEERS == ALL_PEERS


def test_command_reports_both_peers_in_both_orders(tmp_path: Path) -> None:
    document = run_command(tmp_path / "windows.json", "--peers", "polars_rolling", "ours")
    assert [(row["peer"], row["order"]) for row in document["cases"]] == [
        ("ours", "sorted"), ("polars_rolling", "sorted"), ("ours", "shuffled"), ("polars_rolling", "shuffled"),
    ]  # fmt: skip
    for row in document["cases"]:
        assert row["note"] == ""
        assert row["seconds"] > 0
        assert row["times_ours"] > 0
        assert row["peak_bytes"] > 0
    assert all(target["met"] is None for target in document["targets"] if "1 M" in target["target"])


def test_peer_that_cannot_be_started_is_a_fault(tmp_path: Path) -> None:
    document = run_command(
        *(tmp_path / "windows.json", "--peers", "ours", "polars_rolling"),
        *("--python", f"polars_rolling={tmp_path / 'no-python'}"),
        exit_code=1,
    )
    notes = {row["peer"]: row["note"] for row in document["cases"]}
    assert notes["ours"] == ""
    assert notes["polars_rolling"].startswith("cannot be started")


def test_peer_with_other_counts_has_no_times(tmp_path: Path) -> None:
    windows, results = import_module("benchmarks.windows.run"), import_module("benchmarks.results")

    class OffByOne:
        def run(self, case: object, _log: Path, counts: Path | None) -> None:
            if counts:
                np.save(counts, np.full((3, 12), 1 if case.peer == "ours" else 2))
            case.note(
                {
                    "seconds": 1.0,
                    "cpu_seconds": 1.0,
                    "peak_bytes": 1,
                    "bytes_above_loaded": 1,
                    "anchors": 3,
                    "versions": {},
                }
            )

    cases = windows.measure(1_000, ["ours", "duckdb_range"], OffByOne(), runs=2, log=tmp_path)
    ours, other = results.as_document(cases)["cases"][:2]
    assert ours["seconds"] == 1.0
    assert other["seconds"] is None
    assert other["times_ours"] is None
    assert other["note"] == "36 counts differ from those of ours"


def test_results_of_other_sizes_can_be_kept() -> None:
    results = import_module("benchmarks.results")
    skipped = results.Case("ours", "sorted", 2_000, skipped="took over 1 s")
    earlier = [{"events": events, "order": "sorted", "peer": "ours", "seconds": None} for events in (1_000, 2_000)]
    rows = results.as_document([skipped], earlier)["cases"]
    assert [(row["events"], row.get("note")) for row in rows] == [(1_000, None), (2_000, "took over 1 s")]


@pytest.mark.parametrize(("times", "met"), [(30.0, True), (29.9, False), (None, None)])
def test_target_is_met_from_its_limit_on(times: float | None, met: bool | None) -> None:  # noqa: FBT001
    row = {"events": 1_000_000, "order": "sorted", "peer": "duckdb_range", "times_ours": times}
    first = import_module("benchmarks.windows.targets").reached([row])[0]
    assert (first["reached"], first["met"]) == (times, met)


def test_report_shows_a_fault_and_why_a_target_is_missed() -> None:
    results, report = import_module("benchmarks.results"), import_module("benchmarks.report")
    ours = results.Case("ours", "sorted", 1_000_000, seconds=[1.0], cpu_seconds=[2.0], peak_bytes=[10**8], anchors=5)
    ours.bytes_above_loaded = [61_000_000]
    faulty = results.Case("duckdb_range", "sorted", 1_000_000, fault="7 counts differ from those of ours")
    page = list(report.windows(results.as_document([ours, faulty])))
    assert "| `ours` | 1.0000 | 1.00 | 1.00 |  | 100 | 61 |  |" in page
    assert "| `duckdb_range` |  |  |  |  |  |  | 7 counts differ from those of ours |" in page
    assert any(
        line.startswith("| sorted events, 1,000,000: bytes") and "| <= 60 | 61.00 |  | no |" in line for line in page
    )


def run_command(results: Path, *options: str, exit_code: int = 0) -> dict:
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.windows.run", "--sizes", "2000", "--runs", "1", "--json", results, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == exit_code, finished.stderr
    assert "targets" in finished.stdout
    return json.loads(results.read_text())
