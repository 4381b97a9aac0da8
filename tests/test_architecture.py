"""The architecture of DESIGN, held by reading the source: a pure core, and imports that point one way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import purchase_pred

ROOT = Path(purchase_pred.__file__).parent
CORE = ("schema", "errors", "durations", "arithmetic", "sessions", "splits", "anchors", "labels", "shards",
        "prediction_rows", "windows", "features")  # fmt: skip
IMPURE_CALLS = {"collect", "collect_all", "fetch", "open", "print", "scan_parquet", "read_parquet", "sink_parquet",
                "getLogger", "write_parquet", "write_text", "read_text"}  # fmt: skip
FLOORS = (
    {"errors", "durations", "arithmetic"},
    {"schema", "metrics"},
    {"windows", "settings"},
    {"sessions", "splits", "anchors", "labels", "shards"},
    {"features", "prediction_rows", "ingest", "simulation"},
    {"models", "evaluation", "oracle", "leakage", "execution"},
    {"pipeline"},
)
PEERS = ({"models", "evaluation"},)


def sources(*parts: str) -> list[Path]:
    found = [path for part in parts for path in (ROOT / part).rglob("*.py")]
    return found + [ROOT / f"{part}.py" for part in parts if (ROOT / f"{part}.py").is_file()]


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def floor_of(part: str) -> int:
    return next(number for number, parts in enumerate(FLOORS) if part in parts)


def imported_parts(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    inside = [module.split(".") for module in modules if module.startswith("purchase_pred.")]
    return {module[1] for module in inside}


@pytest.mark.parametrize("path", sources(*CORE), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_collects_reads_writes_and_logs_nothing(path):
    calls = {
        (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""), node.lineno)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    }
    assert [call for call in sorted(calls) if call[0] in IMPURE_CALLS] == []


@pytest.mark.parametrize("path", sources(*set().union(*FLOORS)), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    part = part_of(path)
    allowed = {other for others in FLOORS[: floor_of(part) + 1] for other in others}
    same_floor = FLOORS[floor_of(part)] - {part}
    siblings = set().union(*(peers for peers in PEERS if part in peers))
    upwards = imported_parts(path) - allowed
    assert upwards == set(), f"{part} imports what stands above it"
    if floor_of(part) in (5, 6):
        assert (imported_parts(path) & same_floor) <= siblings


def test_nothing_below_the_command_line_imports_it():
    everything = [path for path in ROOT.rglob("*.py") if path.name != "__main__.py"]
    assert [path for path in everything if "purchase_pred_cli" in path.read_text()] == []
