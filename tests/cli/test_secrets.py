"""What the environment holds beside settings is in no file and in no line that the program writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from installed_command import SECRET, SMALL, purchase_pred

if TYPE_CHECKING:
    from pathlib import Path


def test_secrets_of_the_environment_reach_no_file_and_no_line(shop: Path, tmp_path: Path) -> None:
    told = [
        purchase_pred("score", "-w", shop, *SMALL, "--top", "5", "--output", tmp_path / "list.csv", "--verbose"),
        purchase_pred("config", "show"),
        purchase_pred("status", "-w", tmp_path, PURCHASE_PRED_API_TOKEN=SECRET),
    ]

    assert [one.code for one in told] == [0, 0, 2], told[0].err
    assert [one.out + one.err for one in told if SECRET in one.out + one.err] == []
    written = [path for folder in (shop, tmp_path) for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {"pipeline.log", "list.csv", "report.html", "model.json", "manifest.json"}
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("address", [f"tcp://me:{SECRET}@host:8786", f"tcp://{SECRET}@host:8786"])
def test_a_scheduler_with_a_password_is_refused_and_the_password_not_repeated(tmp_path: Path, address: str) -> None:
    outcome = purchase_pred("generate", "-w", tmp_path, PURCHASE_PRED_EXECUTION__DASK__SCHEDULER=address)

    assert outcome.code == 2
    assert "holds no user and no password" in outcome.err
    assert SECRET not in outcome.out + outcome.err
    assert [path for path in tmp_path.rglob("*") if path.is_file() and SECRET in path.read_text()] == []
