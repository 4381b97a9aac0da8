"""What is written for other programs: whole, and to a spreadsheet never a formula."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from purchase_pred.pipeline.tasks.export import export

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
