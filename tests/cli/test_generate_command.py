"""`generate --report` says whether the shop is believable."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from installed_command import SMALL, purchase_pred

from purchase_pred.simulation.realism import BANDS

if TYPE_CHECKING:
    from pathlib import Path

REPORT = ("generate", "--report", *SMALL, "-w")


def test_the_report_is_a_table_of_every_figure_beside_its_band(shop: Path) -> None:
    outcome = purchase_pred(*REPORT, shop)

    assert outcome.code == 0, outcome.err
    heading, *lines, verdict = outcome.out.splitlines()
    assert heading.split() == ["measure", "observed", "band", "in", "band", "meaning"]
    assert [line.split()[0] for line in lines] == list(BANDS)
    assert re.match(r"view_share +7\d\.\d\d% +70\.0% - 85\.0% +yes +views / events", lines[0])
    inside = sum(bool(re.search(r"% +yes ", line)) for line in lines)
    assert verdict == f"{inside} of {len(BANDS)} figures lie in the band of a believable shop."


def test_the_report_is_part_of_the_one_document_of_json(shop: Path) -> None:
    outcome = purchase_pred(*REPORT, shop, "--json")

    document = json.loads(outcome.out)
    assert [stage["state"] for stage in document["stages"]] == ["fresh"]
    assert [row["measure"] for row in document["realism"]] == list(BANDS)
    assert all(row["in_band"] == (row["low"] <= row["observed"] <= row["high"]) for row in document["realism"])
    assert "realism" not in json.loads(purchase_pred("generate", *SMALL, "--json", "-w", shop).out)


def test_the_report_generates_first_what_is_missing_and_a_plan_measures_nothing(tmp_path: Path) -> None:
    tiny = ("--set", "dataset.num_users=50", "--set", "dataset.num_days=14")
    planned = purchase_pred(*REPORT, tmp_path, *tiny, "--dry-run", "--json")
    assert planned.code == 0, planned.err
    assert "realism" not in json.loads(planned.out)
    assert not (tmp_path / "data").exists()
    outcome = purchase_pred(*REPORT, tmp_path, *tiny)

    assert outcome.code == 0, outcome.err
    assert "label_prevalence" in outcome.out
    assert (tmp_path / "data/raw/truth.parquet").is_file()
