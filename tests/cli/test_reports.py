"""Every trained model has its report, which evaluate draws anew."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from installed_command import SMALL, purchase_pred

if TYPE_CHECKING:
    from pathlib import Path


def folder_of(shop: Path, kind: str) -> Path:
    (folder,) = (shop / "models").glob(f"{kind}_*/")
    return folder


def test_training_leaves_a_report_beside_the_figures_it_shows(shop: Path) -> None:
    for kind in ("logistic", "lightgbm"):
        folder = folder_of(shop, kind)
        page = (folder / "report.html").read_text(encoding="utf-8")
        test = json.loads((folder / "metrics.json").read_text())["threshold"]["test"]
        raw = dict(re.findall(r'<output id="(\w+)"[^>]*data-value="([^"]*)"', page))
        assert float(raw["reached"]) == test["true_positives"]
        assert float(raw["profit"]) == test["profit"]
        assert "simulated by this program (dataset.random_seed 42)" in page
        assert "data/features/test_features.parquet" in page


def test_evaluate_draws_the_same_report_from_the_same_data_and_leaves_the_model_fresh(shop: Path) -> None:
    report = folder_of(shop, "lightgbm") / "report.html"
    trained = report.read_bytes()
    report.write_text("something else", encoding="utf-8")
    outcome = purchase_pred("evaluate", "--model", "lightgbm", "-w", shop, *SMALL)

    assert outcome.code == 0, outcome.err
    assert outcome.out.endswith(f"report: {report}\n")
    assert report.read_bytes() == trained
    status = purchase_pred("status", "-w", shop, *SMALL, "--json")
    assert {stage["state"] for stage in json.loads(status.out)["stages"]} == {"fresh"}


def test_evaluate_leaves_the_report_alone_where_asked(shop: Path) -> None:
    report = folder_of(shop, "logistic") / "report.html"
    before = report.stat().st_mtime_ns
    outcome = purchase_pred("evaluate", "--model", "logistic", "--no-report", "-w", shop, *SMALL, "--json")

    assert outcome.code == 0, outcome.err
    assert report.stat().st_mtime_ns == before
