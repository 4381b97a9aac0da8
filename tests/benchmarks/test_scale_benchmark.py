"""The page about scale holds what was measured, and says where a limit was not kept."""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

SCALE = Path(__file__).parents[2] / "benchmarks" / "scale"


@pytest.fixture
def scale_page() -> Any:
    return import_module("benchmarks.scale.page")


def took(seconds: float, peak: float, *, busy: float = 0.1) -> dict[str, float]:
    return {
        "seconds": seconds,
        "cpu_seconds": 2 * seconds,
        "peak_bytes": peak * 1e9,
        "disk_bytes": 5e6,
        "rows": 1,
        "busy_before": busy,
    }


def size(events: int, seconds: float, peak: float, *, busy: float = 0.1) -> dict[str, Any]:
    stages = {"generate": took(9.0, 0.5), "sessionize": took(seconds, peak, busy=busy)}
    return {"events": events, "memory_limit": "2GB", "stages": stages}


def document(*sizes: dict[str, Any]) -> dict[str, Any]:
    return {"machine": {"cores": 2}, "days": 180, "sizes": list(sizes)}


def test_page_is_what_the_results_say(scale_page: Any) -> None:
    results = [json.loads((SCALE.parent / "results" / f"{name}.json").read_text()) for name in ("scale", "workers")]
    assert scale_page.PAGE.read_text() == scale_page.page(*results)


def test_growth_is_told_of_what_follows_the_raw_log(scale_page: Any) -> None:
    told = scale_page.page(document(size(1_000, 2.0, 0.5), size(10_000, 22.0, 1.5)))
    assert "10.0 times the events (1,000 to 10,000) took 11.0 times the seconds" in told
    assert "The limit was kept in 4 of 4 runs." in told
    assert "Something else" not in told


def test_growth_from_a_tenth_of_the_largest_log_is_told_beside_that_from_the_smallest(scale_page: Any) -> None:
    told = scale_page.page(document(size(1_000, 2.0, 0.5), size(10_000, 22.0, 0.5), size(100_000, 220.0, 0.5)))
    assert "100.0 times the events (1,000 to 100,000) took 110.0 times the seconds" in told
    assert "10.0 times the events (10,000 to 100,000) took 10.0 times the seconds" in told


def test_cores_that_others_keep_busy_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    quiet = import_module("benchmarks.quiet")
    ticks = iter([100, 100 + 2 * os.sysconf("SC_CLK_TCK")])
    stat = tmp_path / "stat"

    def wait(_: float) -> None:
        stat.write_text(f"cpu {next(ticks)} 0 0 7 9 0 0 0 0 0\n")

    wait(0.0)
    monkeypatch.setattr(quiet, "STAT", stat)
    monkeypatch.setattr(quiet.time, "sleep", wait)
    monkeypatch.setattr(quiet.time, "monotonic", iter([0.0, 4.0]).__next__)
    assert quiet.busy_cores() == 0.5


def test_growth_to_the_features_leaves_out_what_comes_after_them(scale_page: Any) -> None:
    sizes = [size(1_000, 2.0, 0.5), size(10_000, 22.0, 1.5)]
    sizes[1]["stages"]["train"] = took(500.0, 1.0)
    assert "10.0 times the events (1,000 to 10,000) took 11.0 times" in scale_page.page(document(*sizes))


def test_a_limit_that_was_not_kept_and_a_busy_machine_are_told(scale_page: Any) -> None:
    told = scale_page.page(document(size(1_000, 2.0, 2.5, busy=1.5)))
    assert "The limit was kept in 1 of 2 runs." in told
    assert "1,000 events, sessionize: 2,500 MB of 2GB." in told
    assert "Something else was running when 1 of them began" in told


@pytest.fixture
def capacity() -> Any:
    return import_module("benchmarks.scale.capacity")


def test_tasks_go_to_whoever_is_free_and_the_client_works_alone_beside_them(capacity: Any) -> None:
    costs = capacity.Costs(events=4, client=10.0, fixed=2.0, points=[1.0] * 4, features=[3.0, 1.0, 1.0, 1.0])
    assert capacity.makespan(costs, workers=1) == 10 + 4 + 6
    assert capacity.makespan(costs, workers=2) == 10 + 2 + 3
    assert capacity.makespan(costs, workers=2, events=8) == 2 + 16 + 4 + 6
    assert capacity.makespan(costs, workers=1_000, events=400) == 2 + 800 + 1 + 3


def test_no_number_of_workers_divides_a_heavy_user(capacity: Any) -> None:
    costs = capacity.Costs(events=100, client=0.0, fixed=0.0, points=[0.0] * 100, features=[1.0] * 100)
    assert capacity.makespan(costs, workers=10_000, events=10_000, heavy=0.01) == pytest.approx(100)
    assert capacity.makespan(costs, workers=1, events=10_000, heavy=0.01) == pytest.approx(10_000)


def test_a_cost_model_finds_what_is_fixed_and_what_grows(capacity: Any) -> None:
    sizes = [size(events * 10**6, 1 + 2 * events, 0.5) for events in (1, 5, 40)]
    assert capacity.fitted(sizes, "sessionize") == pytest.approx((2, 4, 1))
