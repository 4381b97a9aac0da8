"""The memory that the work may take: what is set, or three quarters of what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from purchase_pred.errors import ConfigError
from purchase_pred.execution.memory import PROGRAM_BYTES, SMALLEST_SHARD, events_at_once, machine_memory, memory_limit
from purchase_pred.settings.execution import ExecutionSettings
from purchase_pred.settings.loading import resolve_settings

ABSENT = Path("/no/such/cgroup")


def cgroup(folder: Path, limits: dict[str, str], own: str) -> dict[str, Path]:
    for name, limit in limits.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{limit}\n")
    (folder / "own").write_text(f"{own}\n")
    return {"cgroups": folder, "own": folder / "own"}


def test_auto_is_three_quarters_of_the_machine() -> None:
    assert memory_limit(ExecutionSettings()) == int(machine_memory() * 0.75)


def test_without_cgroups_the_machine_has_what_is_built_in() -> None:
    assert machine_memory(cgroups=ABSENT, own=ABSENT) > 500_000_000


@pytest.mark.parametrize(
    ("limits", "own"),
    [
        ({"memory.max": "1000000"}, "0::/"),
        ({"shop/memory.max": "1000000", "shop/nightly/memory.max": "max"}, "0::/shop/nightly"),
        ({"shop/memory.max": "2000000", "shop/nightly/memory.max": "1000000"}, "0::/shop/nightly"),
        ({"memory/shop/memory.limit_in_bytes": "1000000"}, "4:cpu,memory:/shop\n3:pids:/shop"),
    ],
    ids=["container", "outer", "inner", "version 1"],
)
def test_the_tightest_cgroup_around_the_process_counts(tmp_path, limits, own) -> None:
    assert machine_memory(**cgroup(tmp_path, limits, own)) == 1_000_000


def test_a_cgroup_of_others_does_not_count(tmp_path) -> None:
    limits = {"other/memory.max": "1000000", "shop/memory.max": "max"}
    assert machine_memory(**cgroup(tmp_path, limits, "0::/shop")) > 1_000_000


def test_a_limit_below_what_the_program_takes_still_leaves_a_shard() -> None:
    assert events_at_once(PROGRAM_BYTES // 2, bytes_per_event=100) == SMALLEST_SHARD


@pytest.mark.parametrize("value", ["4 parsecs", "-1GB", "0GB", "12"])
def test_what_is_no_amount_of_memory_is_refused_with_the_units_named(value) -> None:
    with pytest.raises(ConfigError, match=r"memory_limit: .*MB, GB"):
        resolve_settings(assignments=[f"execution.memory_limit='{value}'"])
