"""The architecture, held by reading the source: a pure core, and imports that point one way, without circles."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import purchase_pred

ROOT = Path(purchase_pred.__file__).parent
CORE = ("schema", "errors", "durations", "sizes", "arithmetic", "sessions", "splits", "anchors", "calendar_points",
        "labels", "amounts", "shards", "targets", "prediction_rows", "windows", "features")  # fmt: skip
IMPURE_CALLS = {"collect", "collect_all", "fetch", "open", "print", "scan_parquet", "read_parquet", "sink_parquet",
                "getLogger", "write_parquet", "write_text", "read_text"}  # fmt: skip
FLOORS = (
    {"errors", "durations", "sizes", "arithmetic", "names", "likeness", "wording"},
    {"schema", "metrics"},
    {"windows", "settings"},
    {"sessions", "splits", "anchors", "calendar_points", "labels", "amounts", "shards"},
    {"features", "targets", "prediction_rows", "ingest", "simulation"},
    {"models", "leakage", "execution", "oracle"},
    {"evaluation"},
    {"monitoring"},
    {"report"},
    {"pipeline.engine"},
    {"pipeline.store"},
    {
        f"pipeline.{name}"
        for name in (
            "registry",
            "raw_data",
            "feature_files",
            "model_files",
            "models_in_use",
            "report_files",
            "finished",
        )
    },
    {"pipeline.stages"},
    {"pipeline.tasks"},
    {"__init__"},
)
"""Every room of the package, from the ground up; a room imports what stands below it, or beside it without a circle."""
LARGEST_ROOM = 20
"""Files in a folder, more than which wants rooms of its own."""


def room_of(module: tuple[str, ...]) -> str:
    """Return the room of a module within the package: a file or folder of it, in the pipeline one level deeper."""
    if not module:
        return "__init__"
    return ".".join(module[:2]) if module[0] == "pipeline" and len(module) > 1 else module[0]


def module_of(path: Path) -> tuple[str, ...]:
    return path.relative_to(ROOT).with_suffix("").parts


FILES = {path: module_of(path) for path in sorted(ROOT.rglob("*.py")) if path.name != "__main__.py"}
PYTHON_FILES = {path: room_of(module) for path, module in FILES.items() if module != ("pipeline", "__init__")}


def imported_rooms(path: Path) -> set[str]:
    """Return the rooms that a file imports from, whether by `import`, `from x import y` or `from package import x`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            names |= {f"{module}.{alias.name}" for alias in node.names}
    inside = [name.split(".")[1:] for name in names if name.split(".")[0] == "purchase_pred"]
    known = {*PYTHON_FILES.values()}
    return {room for name in inside if (room := room_of(tuple(name))) in known}


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def core_files() -> list[Path]:
    return [path for path, room in PYTHON_FILES.items() if room in CORE]


@pytest.mark.parametrize("path", core_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_collects_reads_writes_and_logs_nothing(path):
    calls = {
        (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""), node.lineno)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    }
    assert [call for call in sorted(calls) if call[0] in IMPURE_CALLS] == []


def test_every_room_stands_on_one_floor():
    listed = [room for rooms in FLOORS for room in rooms]
    assert len(listed) == len(set(listed))
    assert set(PYTHON_FILES.values()) - set(listed) == set()


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    floor = floor_of(PYTHON_FILES[path])
    assert {room for room in imported_rooms(path) if floor_of(room) > floor} == set()


def test_rooms_import_each_other_in_no_circle():
    arrows: dict[str, set[str]] = {}
    for path, room in PYTHON_FILES.items():
        arrows.setdefault(room, set()).update(imported_rooms(path) - {room})
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


def imported_files(path: Path) -> set[Path]:
    """Return the files of the package that a file imports, for types alone too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("purchase_pred"):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    candidates = {ROOT.joinpath(*name.split(".")[1:]).with_suffix(".py") for name in names if "." in name}
    return candidates & set(FILES) - {path}


def test_files_import_each_other_in_no_circle():
    try:
        TopologicalSorter({path: imported_files(path) for path in FILES}).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(str(one.relative_to(ROOT)) for one in error.args[1])}")


def test_folders_are_small_enough_to_be_read_at_a_glance():
    folders = {path.parent for path in FILES}
    sizes = {str(folder.relative_to(ROOT)): len(list(folder.glob("*.py"))) for folder in folders}
    assert {folder: size for folder, size in sizes.items() if size > LARGEST_ROOM} == {}


def test_nothing_below_the_command_line_imports_it():
    everything = [path for path in ROOT.rglob("*.py") if path.name != "__main__.py"]
    assert [path for path in everything if "purchase_pred_cli" in path.read_text()] == []


def test_the_engine_knows_no_stage_by_name():
    names = {"generate", "ingest", "sessionize", "split", "features", "train"}
    known = {
        (path.name, node.value)
        for path, room in PYTHON_FILES.items()
        if room == "pipeline.engine"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert known == set()


def test_only_who_opens_a_workspace_knows_of_stores():
    knowing = {room for path, room in PYTHON_FILES.items() if "pipeline.store" in imported_rooms(path) - {room}}
    assert knowing == {"pipeline.finished"}


def test_no_import_by_name_hides_a_circle():
    named = {
        (path.name, node.args[0].value)
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module"
        and isinstance(node.args[0], ast.Constant)
    }
    assert [module for _, module in named if str(module).startswith("purchase_pred")] == []
