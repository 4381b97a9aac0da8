"""`evaluate --oracle` says how much there was to learn, and writes it where the other figures are."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from installed_command import SMALL, purchase_pred

if TYPE_CHECKING:
    from pathlib import Path

ORACLE = ("evaluate", "--oracle", "--model", "lightgbm", *SMALL, "-w")


@pytest.fixture(scope="module")
def judged(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A copy of the shop whose model was judged with the oracle, and what that printed."""
    copy = tmp_path_factory.mktemp("judged") / "shop"
    shutil.copytree(shop, copy)
    outcome = purchase_pred(*ORACLE, copy, "--json")
    assert outcome.code == 0, outcome.err
    return copy, json.loads(outcome.out)


def test_the_ceiling_is_of_the_rows_of_test_and_above_model_and_baselines(judged: tuple[Path, dict]) -> None:
    _, document = judged
    ceiling, test = document["ceiling"], document["splits"]["test"]

    assert (ceiling["rows"], ceiling["positives"]) == (test["rows"], test["positives"])
    rivals = [test, *document["baselines"].values()]
    assert all(ceiling["average_precision"] > rival["average_precision"] for rival in rivals)
    assert ceiling["log_loss"] < test["log_loss"]


def test_the_ceiling_is_filled_in_the_model_s_figures_and_nothing_else_changes(
    shop: Path, judged: tuple[Path, dict]
) -> None:
    workspace, document = judged
    (folder,) = (workspace / "models").glob("lightgbm_*/")
    trained = json.loads((shop / "models" / folder.name / "metrics.json").read_text())

    assert trained["ceiling"] is None
    assert json.loads((folder / "metrics.json").read_text()) == document == trained | {"ceiling": document["ceiling"]}
    assert "upper bound, computed from the simulator" in (folder / "report.html").read_text(encoding="utf-8")
    assert purchase_pred("status", "--check", "-w", workspace, *SMALL).code == 0


def test_the_table_has_a_column_and_the_sentence_a_share_of_the_ceiling(judged: tuple[Path, dict]) -> None:
    workspace, document = judged
    outcome = purchase_pred(*ORACLE, workspace, "--no-report")

    reached, ceiling = (found["average_precision"] for found in (document["splits"]["test"], document["ceiling"]))
    assert outcome.code == 0, outcome.err
    assert re.search(r"latest view .* lightgbm +ceiling\n", outcome.out)
    assert re.search(rf"PR-AUC .* {reached:.4f} +{ceiling:.4f}\n", outcome.out)
    told = " ".join(outcome.out.split())
    assert f"reaches {reached:.3f}: {100 * reached / ceiling:.0f} % of the ceiling's PR-AUC {ceiling:.3f}; " in told


def test_figures_of_other_rows_are_not_given_this_ceiling(judged: tuple[Path, dict], tmp_path: Path) -> None:
    workspace, document = judged
    (folder,) = (workspace / "models").glob("lightgbm_*/")
    elsewhere = tmp_path / folder.name
    shutil.copytree(folder, elsewhere)
    other = document | {"ceiling": None, "splits": {**document["splits"], "test": document["splits"]["val"]}}
    (elsewhere / "metrics.json").write_text(json.dumps(other))
    outcome = purchase_pred("evaluate", "--oracle", "--no-report", "--model", elsewhere, *SMALL, "-w", workspace)

    assert outcome.code == 0, outcome.err
    assert json.loads((elsewhere / "metrics.json").read_text()) == other


def page_of(workspace: Path) -> str:
    (folder,) = (workspace / "models").glob("lightgbm_*/")
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_report_draws_the_curve_of_the_ceiling_and_keeps_it_without_the_oracle(judged: tuple[Path, dict]) -> None:
    workspace, document = judged
    drawn = page_of(workspace)
    assert "Dotted: the ceiling, an upper bound" in drawn
    plain = purchase_pred("evaluate", "--model", "lightgbm", "-w", workspace, *SMALL, "--json")

    assert plain.code == 0, plain.err
    assert json.loads(plain.out) == document
    assert page_of(workspace) == drawn


def test_without_the_truth_the_ceiling_stays_and_only_its_curve_goes(judged: tuple[Path, dict], tmp_path: Path) -> None:
    workspace = tmp_path / "shop"
    shutil.copytree(judged[0], workspace)
    (workspace / "data/raw/truth.parquet").unlink()
    plain = purchase_pred("evaluate", "--model", "lightgbm", "-w", workspace, *SMALL, "--json")

    assert json.loads(plain.out) == judged[1]
    assert "upper bound, computed from the simulator" in page_of(workspace)
    assert "Dotted: the ceiling" not in page_of(workspace)


def test_a_report_of_other_rows_takes_the_ceiling_away(judged: tuple[Path, dict], tmp_path: Path) -> None:
    workspace = tmp_path / "shop"
    shutil.copytree(judged[0], workspace)
    other = ("--set", "dataset.random_seed=7")
    stages = ("generate", "sessionize", "split", "features")
    assert purchase_pred("run", *stages, "-w", workspace, *SMALL, *other).code == 0
    plain = purchase_pred("evaluate", "--model", "lightgbm", "-w", workspace, *SMALL, *other, "--json")
    (folder,) = (workspace / "models").glob("lightgbm_*/")

    assert plain.code == 0, plain.err
    assert json.loads(plain.out)["ceiling"] is None
    assert json.loads((folder / "metrics.json").read_text()) == judged[1] | {"ceiling": None}
    assert "upper bound, computed from the simulator" not in page_of(workspace)


def test_without_the_truth_every_stage_and_evaluation_goes_on_as_before(shop: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "shop"
    shutil.copytree(shop, workspace)
    for path in (workspace / "data/raw").glob("truth.*"):
        path.unlink()
    again = purchase_pred("run", "all", "--skip-data-gen", "-w", workspace, *SMALL, "--json")
    states = {stage["stage"]: stage["state"] for stage in json.loads(again.out)["stages"]}
    assert states.pop("generate") == "kept"
    assert set(states.values()) == {"fresh"}
    plain = purchase_pred("evaluate", "--no-report", "--model", "lightgbm", "-w", workspace, *SMALL, "--json")
    assert plain.code == 0, plain.err
    asked = purchase_pred(*ORACLE, workspace)
    assert asked.code == 2
    assert "data/raw/truth.parquet is missing" in asked.err


def test_a_target_that_counts_sessions_has_a_ceiling(shop: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "shop"
    shutil.copytree(shop, workspace)
    shutil.rmtree(workspace / "models")
    sessions = ("--set", "target.sessions=3")
    outcome = purchase_pred("run", "features", "train", "-w", workspace, *SMALL, *sessions)
    assert outcome.code == 0, outcome.err
    outcome = purchase_pred(*ORACLE, workspace, *sessions, "--json")
    assert outcome.code == 0, outcome.err
    document = json.loads(outcome.out)
    assert document["target"]["sessions"] == 3
    assert document["ceiling"]["average_precision"] > document["splits"]["test"]["average_precision"]
    assert document["ceiling"]["log_loss"] < document["splits"]["test"]["log_loss"]
    plain = purchase_pred("evaluate", "--model", "lightgbm", "-w", workspace, *SMALL, *sessions, "--json")
    assert json.loads(plain.out) == document
    assert "Dotted: the ceiling" in page_of(workspace)


def test_a_target_of_other_rows_ends_with_2(shop: Path) -> None:
    outcome = purchase_pred(*ORACLE, shop, "--set", "target.sessions=1")

    assert outcome.code == 2
    assert "target.sessions" in outcome.err


def test_a_real_log_ends_with_2(shop: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "shop"
    shutil.copytree(shop, workspace)
    log = tmp_path / "log.csv"
    log.write_text("user_id,timestamp,event_type,item_id\n7,2024-08-01 10:00:00,view,3\n")
    assert purchase_pred("ingest", "table", log, "-w", workspace).code == 0
    outcome = purchase_pred(*ORACLE, workspace)

    assert outcome.code == 2
    assert "is an ingested log: leave --oracle out" in outcome.err
