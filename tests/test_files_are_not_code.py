"""No file that a user brings is run as code: a look at every call in the program."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from purchase_pred.settings import yaml_files

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for room in ("purchase_pred", "cli") for path in ROOT.glob(f"{room}/**/*.py"))
BARE = {"eval", "exec", "compile", "__import__"}
OF_A_MODULE = {
    "pickle": {"load", "loads", "Unpickler"},
    "cloudpickle": {"load", "loads"},
    "joblib": {"load"},
    "marshal": {"load", "loads"},
    "shelve": {"open"},
    "os": {"system", "popen"},
    "yaml": {"load", "load_all", "unsafe_load", "unsafe_load_all", "full_load", "full_load_all"},
}
RUNNING = "shell", "allow_pickle"
"""Arguments with which a harmless function runs what it is given."""


def runs_a_file(call: ast.Call) -> bool:
    if any(word.arg in RUNNING and getattr(word.value, "value", True) is not False for word in call.keywords):
        return True
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return function.attr in OF_A_MODULE.get(function.value.id, ())
    return isinstance(function, ast.Name) and function.id in BARE


def dangerous(source: str) -> list[str]:
    tree = ast.parse(source)
    calls = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call) and runs_a_file(node)]
    imported = [
        f"from {node.module} import {alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in OF_A_MODULE.get(node.module or "", ())
    ]
    return [*calls, *imported]


@pytest.mark.parametrize(
    "source",
    [
        "pickle.load(file)",
        "eval(text)",
        "yaml.load(text, Loader=yaml.SafeLoader)",
        "subprocess.run(line, shell=True)",
        "np.load(path, allow_pickle=flag)",
        "from pickle import loads",
    ],
)
def test_what_runs_a_file_is_recognised(source: str) -> None:
    assert len(dangerous(source)) == 1


def test_nothing_that_runs_what_a_file_says_is_called() -> None:
    found = {str(path.relative_to(ROOT)): dangerous(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert len(found) > 100
    limited = {"purchase_pred/settings/yaml_files.py": ["yaml.load(text, Loader=_Loader)"]}
    assert {path: calls for path, calls in found.items() if calls} == limited
    assert issubclass(yaml_files._Loader, yaml.SafeLoader)  # noqa: SLF001  # it knows less than a safe one, not more
