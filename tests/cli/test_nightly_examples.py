"""The examples for schedulers call a command that the program understands, and tell its exit codes apart."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from test_documented_commands import understood

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("nightly_airflow", "nightly_dagster")
LINE = json.dumps({"model": "lightgbm_1", "list": {"rows": 7}, "limits": ["PR-AUC is below"]}) + "\n"


class RunError(Exception):
    """Stands for the failures of a scheduler."""

    def __init__(self, message: str = "", *, allow_retries: bool = True) -> None:
        super().__init__(message)
        self.allow_retries = allow_retries


class FinalError(RunError):
    """One that is not tried again."""


def decorator(*given: Any, **_: Any) -> Any:
    """Return a function as it is, or take options and do so then."""
    return given[0] if given and callable(given[0]) else decorator


def stand_in(name: str, **content: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(content)
    return module


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stand-ins for both schedulers; what Airflow would run is kept by its name."""
    kept: dict[str, Any] = {}

    def task(function: Any) -> Any:
        kept[function.__name__] = function
        return lambda: None

    nothing = lambda *_, **__: None  # noqa: E731
    modules = (
        stand_in("airflow"),
        stand_in("airflow.sdk", dag=decorator, task=task),
        stand_in("airflow.exceptions", AirflowException=RunError, AirflowFailException=FinalError),
        stand_in(
            "dagster",
            DailyPartitionsDefinition=nothing,
            Definitions=nothing,
            OpExecutionContext=object,
            RetryPolicy=nothing,
            build_schedule_from_partitioned_job=nothing,
            Failure=RunError,
            job=lambda **_: lambda function: function,
            op=decorator,
        ),
    )
    for module in modules:
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return kept


def loaded(name: str) -> ModuleType:
    spec = spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ending_with(code: int, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Let every command end with this code, and return those that were run."""
    ran: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, code, stdout=LINE, stderr="told")

    monkeypatch.setattr(subprocess, "run", run)
    return ran


@pytest.mark.parametrize("name", NAMES)
def test_an_example_calls_a_command_that_is_understood(name: str, tasks: dict[str, Any]) -> None:
    ast.parse((EXAMPLES / f"{name}.py").read_text())
    program, *arguments = loaded(name).COMMAND
    given = understood(list(arguments))
    assert (program, given["log_format"], given["wait"]) == ("purchase-pred", "table", "2h")
    assert tasks.keys() <= {"night"}


@pytest.mark.parametrize(("code", "fails"), [(0, None), (1, RunError), (2, FinalError), (3, None), (143, RunError)])
def test_airflow_retries_what_the_machine_did_and_nothing_else(
    code: int, fails: type[RunError] | None, tasks: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded("nightly_airflow")
    ran = ending_with(code, monkeypatch)
    if fails is None:
        assert tasks["night"](ds="2024-09-01") == LINE
    else:
        with pytest.raises(RunError) as failure:
            tasks["night"](ds="2024-09-01")
        assert failure.type is fails
    assert "/data/out/2024-09-01.csv" in ran[0]


@pytest.mark.parametrize(("code", "retries"), [(0, None), (1, True), (2, False), (3, None), (143, True)])
@pytest.mark.usefixtures("tasks")
def test_dagster_retries_what_the_machine_did_and_nothing_else(
    *, code: int, retries: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, told = loaded("nightly_dagster"), []
    context = SimpleNamespace(
        partition_key="2024-09-01",
        log=SimpleNamespace(info=told.append, warning=told.append),
        add_output_metadata=told.append,
    )
    ran = ending_with(code, monkeypatch)
    if retries is None:
        module.night(context)
        assert told == ["told", {"model": "lightgbm_1", "listed": 7}, "PR-AUC is below"]
    else:
        with pytest.raises(RunError) as failure:
            module.night(context)
        assert failure.value.allow_retries is retries
    assert "/data/out/2024-09-01.csv" in ran[0]
