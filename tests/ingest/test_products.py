"""A product list goes before what the events show of an item, and fills in nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from compare_logs import assert_dtypes, rows_of

from purchase_pred.errors import InputError
from purchase_pred.ingest import read_log
from purchase_pred.ingest.products import read_products
from purchase_pred.settings.ingest import IngestSettings

if TYPE_CHECKING:
    from pathlib import Path

LOG = """timestamp,user_id,event_type,item_id,category,price
2024-05-01,1,view,7,hats,3
2024-05-02,1,view,8,hats,4
2024-05-03,1,view,9,,5
"""
LIST = """item_id,category,base_price
7,shoes,30
8,,0
007,coats,99
10,coats,99
7,caps,1
"""


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_the_list_goes_first_and_the_log_fills_its_gaps(tmp_path):
    catalog = written(tmp_path, "list.csv", LIST)
    log = read_log(written(tmp_path, "log.csv", LOG), catalog=[catalog], settings=IngestSettings())
    assert_dtypes(log)
    assert rows_of(log.catalog.select("item_id", "category", "base_price", "current_price")) == [
        (7, "shoes", 30.0, 30.0),
        (8, "hats", 4.0, 4.0),
        (9, None, 5.0, 5.0),
    ]
    assert rows_of(log.events.select("price")) == [(3.0,), (4.0,), (5.0,)]


def test_identifiers_of_a_typed_list_are_those_of_a_textual_log(tmp_path):
    path = tmp_path / "list.parquet"
    pl.DataFrame({"item_id": [7, 8], "category": ["a", "b"]}).write_parquet(path)
    log = read_log(written(tmp_path, "log.csv", LOG.replace(",9,", ",x9,")), catalog=[path])
    assert rows_of(log.catalog.select("item_id", "category")) == [("7", "a"), ("8", "b"), ("x9", None)]


def test_a_list_goes_before_the_categories_of_retailrocket(tmp_path):
    events = written(
        tmp_path, "events.csv",
        "timestamp,visitorid,event,itemid,transactionid\n1433221332117,1,view,7,\n1433221332118,1,view,8,\n",
    )  # fmt: skip
    properties = written(
        tmp_path, "item_properties.csv",
        "timestamp,itemid,property,value\n1433041200000,7,categoryid,77\n1433041200000,8,categoryid,88\n",
    )  # fmt: skip
    catalog = written(tmp_path, "list.csv", LIST)
    log = read_log([events, properties], format="retailrocket", catalog=[catalog])
    assert rows_of(log.catalog.select("item_id", "category", "base_price")) == [(7, "shoes", 30.0), (8, "88", None)]


def test_a_column_of_the_list_can_be_left_out(tmp_path):
    catalog = written(tmp_path, "list.csv", 'item_id,category,base_price\n7,a,"1,5"\n')
    settings = IngestSettings(catalog_columns={"base_price": ""})
    assert read_products([catalog], settings=settings).rows() == [("7", "a", None)]


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("sku,category\n1,a\n", {}, "missing 'item_id'; columns found: 'sku', 'category'; .*--map-catalog item_id=sku"),
        ("item_id,colour\n1,red\n", {}, "missing 'category', 'base_price'"),
        ("item_id,category\n1,a\n", {"base_price": "list"}, "missing 'list'"),
        ('item_id,base_price\n1,"1,5"\n', {}, r"column 'base_price' \(base_price\): 1 of 1 values.*--decimal ,"),
    ],
)
def test_a_list_that_cannot_be_read_says_what_to_name(tmp_path, text, columns, said):
    with pytest.raises(InputError, match=said):
        read_products([written(tmp_path, "list.csv", text)], settings=IngestSettings(catalog_columns=columns))
