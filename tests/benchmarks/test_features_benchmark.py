"""The features benchmark runs from raw Parquet to feature Parquet and reports both wholes and their ratio."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict:
    results = tmp_path_factory.mktemp("results") / "features.json"
    options = ["--events", "2000", "--runs", "1", "--profile", "--profile-runs", "1", "--json", results]
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.features.run", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "whole line" in finished.stdout
    return json.loads(results.read_text())


def test_features_are_made_of_every_session_and_item(document: dict) -> None:
    assert 0 < document["rows"] < 2000
    assert document["columns"] > 60


def test_ratio_is_the_whole_line_over_the_bare_necessity(document: dict) -> None:
    assert document["seconds"] == pytest.approx(sum(document["steps"].values()))
    assert document["bare_seconds"] == pytest.approx(sum(document["bare_steps"].values()))
    assert document["times_bare"] == pytest.approx(document["seconds"] / document["bare_seconds"])


def test_profile_names_every_group_once(document: dict) -> None:
    assert next(iter(document["profile"]["seconds"])) == "+ recency, by user_id"
    assert "+ calendar, by prediction_time" in document["profile"]["cpu_seconds"]
