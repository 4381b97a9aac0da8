"""What is written for other programs: whole, and to a spreadsheet never a formula."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from purchase_pred.pipeline.tasks.scoring.export import export, exported_lists, replace_list, without_user

if TYPE_CHECKING:
    from pathlib import Path

ITEMS = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "shoe =1", "", None]
SCORES = pl.DataFrame({"item_id": ITEMS, "score": [-0.5] * len(ITEMS)})


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum([item for item in ITEMS if item is not None])])
def test_no_text_in_csv_is_a_formula_and_numbers_are_as_they_were(tmp_path: Path, dtype: pl.DataType):
    path = tmp_path / "scores.csv"
    export(SCORES.with_columns(pl.col("item_id").cast(dtype)), path)

    found = pl.read_csv(path, empty_string_is_null=False)
    assert found["item_id"].to_list() == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "shoe =1", "", ""]
    assert found["score"].to_list() == SCORES["score"].to_list()


@pytest.mark.parametrize("ending", ["parquet", "ndjson"])
def test_formats_that_no_spreadsheet_computes_keep_every_text(tmp_path: Path, ending: str):
    path = tmp_path / f"scores.{ending}"
    export(SCORES, path)

    assert (pl.read_parquet(path) if ending == "parquet" else pl.read_ndjson(path)).equals(SCORES)


@pytest.mark.parametrize("ending", ["csv", "parquet", "ndjson", "jsonl"])
@pytest.mark.parametrize("user", ["=cmd", "-7", "7"])
def test_a_person_is_taken_out_of_a_list_and_all_else_is_as_it_was(tmp_path: Path, ending: str, user: str):
    path, without = tmp_path / f"list.{ending}", tmp_path / f"without.{ending}"
    scores = pl.DataFrame({"user_id": [user, "70", user, "-70"], "item_id": ITEMS[:4], "score": [-0.5, 0.25, 1.0, 0.1]})
    export(scores, path)
    export(scores[[1, 3]], without)

    kept, count = without_user(path, user)
    replace_list(kept, path)
    assert count == 2
    assert path.read_bytes() == without.read_bytes()
    assert without_user(path, user)[1] == 0
    assert exported_lists(tmp_path) == sorted([path, without])


def test_a_list_of_items_alone_holds_nobody(tmp_path: Path):
    export(SCORES, tmp_path / "items.parquet")
    assert without_user(tmp_path / "items.parquet", "7")[1] == 0
