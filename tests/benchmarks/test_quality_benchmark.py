"""The quality benchmark runs the program on shops and heads of logs, and its pages show what it found."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from frames import splits

from purchase_pred.models import train_models
from purchase_pred.settings import Settings

ROOT = Path(__file__).parents[2]
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SMALL = (
    "dataset.num_days=60",
    "target.horizon=3d",
    "features.windows=[7d]",
    "train.threads=1",
    "train.lightgbm.max_rounds=8",
    "train.xgboost.max_rounds=8",
    "train.threshold.resamples=0",
)


def measured(results: Path, *options: str) -> tuple[dict, str]:
    """Run the benchmark; return its document and what it printed."""
    command = [sys.executable, "-m", "benchmarks.quality.run", "--json", results, "--resamples", "20", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(results.read_text()), done.stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("quality") / "quality.json"
    settings = [text for assignment in SMALL for text in ("--set", assignment)]
    sizes = ("--users", "300", "--seeds", "1", "--runs", "1", "--factors", "1")
    measured(path, *sizes, *settings, "--parts", "seeds", "latent", "curve", "training")
    return path


@pytest.fixture
def parts(results: Path) -> dict:
    return json.loads(results.read_text())["parts"]


def test_models_are_set_against_the_ceiling_of_their_own_rows(parts: dict) -> None:
    (row,) = parts["seeds"]["seeds"]
    figures = row["average_precision"]
    ceiling, inferred, *reached = sorted(figures.values(), reverse=True)
    assert (ceiling, inferred) == (figures["ceiling"], figures["ceiling_inferred_abandonment"])
    assert inferred > max(reached)
    assert row["booster"] == figures[row["best"]]
    share = parts["seeds"]["over_seeds"]["share_of_ceiling"]
    assert (share["mean"], share["low"]) == (row["booster"] / figures["ceiling"], None)
    assert parts["seeds"]["over_seeds"]["share_inferred_abandonment"]["mean"] == row["booster"] / inferred
    assert parts["latent"]["ceiling"]["average_precision"] == figures["ceiling"]
    assert parts["latent"]["without"]["average_precision"] == figures["lightgbm"]
    told = (*parts["latent"]["partly"].values(), parts["latent"]["with"])
    assert len({row["average_precision"] for row in told}) == 3
    (size,) = parts["curve"]["sizes"]
    assert (size["average_precision"], size["ceiling"]) == (figures["lightgbm"], figures["ceiling"])


def test_training_is_timed_beside_as_many_rounds_of_the_bare_booster(parts: dict) -> None:
    for kind in ("lightgbm", "xgboost"):
        times = parts["training"][kind]
        assert times["rounds"] == 8
        assert times["times_bare"] == pytest.approx(times["seconds"] / times["bare_seconds"])


def test_the_page_names_every_target_and_the_lines_count_them(results: Path) -> None:
    document = json.loads(results.read_text())
    page = "\n".join(import_module("benchmarks.report").quality(document))
    for target in document["targets"]:
        assert f"| {target['target']} | {target['limit']} |" in page
    lines = " ".join(" ".join(import_module("benchmarks.quality.tables").in_words(document)).split())
    met = [target["met"] for target in document["targets"] if target["met"] is not None]
    assert f"{sum(met)} of {len(met)} targets met" in lines


def test_a_part_measured_later_leaves_the_others_as_they_were(results: Path, parts: dict) -> None:
    if not SHARED.is_dir():
        pytest.skip(f"the head of OTTO is not in {SHARED}")
    document, printed = measured(results, "--parts", "otto", "--heads", str(SHARED))
    assert {name: found for name, found in document["parts"].items() if name != "otto"} == parts
    found = document["parts"]["otto"]
    assert all(f"--set {assignment}" in found["default_question"] for assignment in found["asked"])
    assert found["verdict"] == f"Too small to judge: {found['positives']} positives in test, fewer than 100."
    assert found["verdict"] in " ".join(printed.split())


@pytest.mark.parametrize("kind", ["lightgbm", "xgboost"])
def test_the_bare_booster_grows_the_trees_that_ours_grows(kind: str) -> None:
    case, frames = import_module("benchmarks.quality.case"), splits()
    settings = Settings.model_validate({"train": {"threads": 1, "models": [kind]}})
    rows = case.captured_rows(frames["train"], frames["val"], settings)
    (model,) = train_models(frames["train"], frames["val"], settings=settings)
    bare = {"lightgbm": case.bare_lightgbm, "xgboost": case.bare_xgboost}[kind](rows, model.learner.rounds)
    learner = replace(model.learner, booster=bare)
    assert (learner.log_odds(rows.stop_matrix) == model.learner.log_odds(rows.stop_matrix)).all()
