"""The doctor says what is wrong, and raises nothing."""

from __future__ import annotations

import logging
import shutil
import tempfile
from typing import TYPE_CHECKING

from purchase_pred.pipeline.engine.workspace import Workspace
from purchase_pred.pipeline.tasks import doctor, self_test
from purchase_pred.pipeline.tasks.doctor import examine
from purchase_pred.pipeline.tasks.verify import Difference, Verification
from purchase_pred.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def found_wrong(workspace: Path, **execution: str) -> dict[str, str]:
    settings = Settings.model_validate({"execution": execution})
    return {check.name: check.found for check in examine(Workspace(workspace), settings) if check.state == "wrong"}


def without_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    done = self_test.SelfTest(events=1, rows=1, values=1, seconds=0.0)
    monkeypatch.setattr(self_test, "self_test", lambda: done)


def test_a_sound_installation_is_right_and_nothing_is_left_or_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    level = logging.getLogger("purchase_pred").level

    assert found_wrong(tmp_path / "not/there/yet") == {}
    assert list(tmp_path.iterdir()) == [scratch]
    assert list(scratch.iterdir()) == []
    assert caplog.records == []
    assert logging.getLogger("purchase_pred").level == level


def test_a_self_test_that_fails_is_named_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    difference = Difference("data/raw/users.parquet", "its content is not right")
    monkeypatch.setattr(self_test, "verify", lambda *_, **__: Verification((), 0, 0, (difference,), ()))

    found = found_wrong(tmp_path)
    assert found == {"self-test": "PurchasePredError: data/raw/users.parquet: its content is not right"}


def test_a_model_that_reads_back_otherwise_fails_the_self_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        def predict(self, rows: object) -> list[float]:
            del rows
            return [0.5]

    monkeypatch.setattr(self_test, "load_model", lambda _: Other())
    assert "saved and read back predicts something else" in found_wrong(tmp_path)["self-test"]


def test_a_limit_below_the_program_or_above_the_machine_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_self_test(monkeypatch)

    assert "the program alone takes 0.4 GB" in found_wrong(tmp_path, memory_limit="300MB")["memory"]
    assert "more than there is" in found_wrong(tmp_path, memory_limit="90000GB")["memory"]
    assert found_wrong(tmp_path) == {}


def test_a_full_disk_and_folders_that_cannot_be_written_to_are_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_self_test(monkeypatch)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000))  # noqa: SLF001

    found = found_wrong(tmp_path)
    assert "gone cannot be written to" in found["temporary folder"]
    assert "0.0 GB free" in found["disk"]


def test_a_library_that_is_too_old_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_self_test(monkeypatch)
    monkeypatch.setattr(doctor, "_EXTRAS", {})
    monkeypatch.setattr(doctor, "version", lambda package: "1.9.9" if package == "polars" else "99.0")

    assert found_wrong(tmp_path) == {"polars": "1.9.9, 2.1 or newer is needed; `pip install --upgrade polars`"}
