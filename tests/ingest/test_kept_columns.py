"""Columns of one's own come in under their own names, with the dtype of their values, from every format."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from purchase_pred.errors import ConfigError, InputError
from purchase_pred.ingest import read_log
from purchase_pred.schema import EVENTS

if TYPE_CHECKING:
    from pathlib import Path

LOG = """timestamp,user_id,event_type,item_id,device,clicks,ratio,app,zip,campaign
2024-05-01,1,view,7,phone,1,0.5,true,01234,
2024-05-02,1,view,8,desk,,2,FALSE,99,null
2024-05-03,1,view,9, phone ,-3,1e3,,NA,
"""
LIST = "item_id,category,brand,weight\n7,hats,Acme,1.5\n7,hats,Other,2\n8,hats,,2\n"


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_a_column_of_text_takes_the_dtype_that_all_its_values_have(tmp_path):
    keep = ("zip", "device", "clicks", "ratio", "app", "campaign")
    events = read_log(written(tmp_path, "log.csv", LOG), keep=keep).events.collect()
    assert events.columns == [*EVENTS, *keep]
    assert events.select(keep).schema == {
        "zip": pl.String, "device": pl.String, "clicks": pl.Int64, "ratio": pl.Float64, "app": pl.Boolean,
        "campaign": pl.String,
    }  # fmt: skip
    assert events.select(keep).rows() == [
        ("01234", "phone", 1, 0.5, True, None),
        ("99", "desk", None, 2.0, False, None),
        (None, "phone", -3, 1000.0, None, None),
    ]


def test_a_rejected_row_has_no_say_in_the_dtype_and_is_shown_whole(tmp_path):
    path = written(tmp_path, "log.csv", LOG + "yesterday,1,view,7,phone,many,1,true,1,\n")
    log = read_log(path, keep="clicks")
    assert log.events.collect()["clicks"].to_list() == [1, None, -3]
    assert log.rejected.select("reason", "clicks").collect().rows() == [("bad_time", "many")]


def test_columns_of_parquet_keep_their_dtypes(tmp_path):
    columns = {
        "level": pl.Series(["low", "high", None], dtype=pl.Enum(["low", "mid", "high"])),
        "small": pl.Series([1, None, 3], dtype=pl.UInt8),
        "share": pl.Series([0.5, None, 2.0], dtype=pl.Float32),
        "app": [True, None, False],
        "since": [date(2024, 1, 1), None, date(2024, 1, 2)],
        "device": pl.Series(["a", "b", "a"], dtype=pl.Categorical),
    }
    named = {"timestamp": ["2024-05-01"] * 3, "user_id": [1, 2, 3], "event_type": ["view"] * 3, "item_id": [1, 2, 3]}
    frame = pl.DataFrame(named | columns)
    frame.write_parquet(tmp_path / "log.parquet")
    events = read_log(tmp_path / "log.parquet", keep=tuple(columns)).events.collect()
    expected = frame.select(*columns).cast({"device": pl.String})
    assert events.select(*columns).equals(expected)
    assert events.select(*columns).schema == expected.schema


def test_every_format_keeps_what_its_source_has(tmp_path):
    shop = written(
        tmp_path, "shop.csv",
        "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
        "2019-10-01 00:00:00 UTC,view,44,1,,acme,35.79,541,a\n",
    )  # fmt: skip
    assert read_log(shop, format="rees46", keep=("brand",)).events.collect()["brand"].to_list() == ["acme"]
    orders = written(tmp_path, "cdnow.txt", "  00001 19970101 2 11.77\n  00002 19970102 1 12.00\n")
    kept = read_log(orders, format="cdnow", keep=("number_of_cds",)).events.collect()["number_of_cds"]
    assert (kept.dtype, kept.to_list()) == (pl.Int64, [2, 1])


def test_a_column_that_the_log_lacks_is_looked_for_in_the_product_list(tmp_path):
    log = read_log(
        written(tmp_path, "log.csv", LOG),
        keep=("device", "weight", "brand"),
        catalog=[written(tmp_path, "list.csv", LIST)],
    )
    assert log.events.collect_schema().names() == [*EVENTS, "device"]
    catalog = log.catalog.collect()
    assert catalog.columns[-2:] == ["weight", "brand"]
    assert catalog.select("item_id", "weight", "brand").rows() == [(7, 1.5, "Acme"), (8, 2.0, None), (9, None, None)]


@pytest.mark.parametrize(
    ("keep", "listed", "said"),
    [
        (("devise",), False, "no column 'devise' to keep .*, did you mean 'device'.*the log has 'timestamp', "),
        (("brant",), True, "no column 'brant' to keep .*, did you mean 'brand'.*; the product list has 'item_id', "),
    ],
)
def test_a_column_that_is_nowhere_is_named_with_the_nearest(tmp_path, keep, listed, said):
    catalog = [written(tmp_path, "list.csv", LIST)] if listed else []
    with pytest.raises(InputError, match=said):
        read_log(written(tmp_path, "log.csv", LOG), keep=keep, catalog=catalog)


@pytest.mark.parametrize("name", ["price", "category", "session_index", "split", "label", "hour", "created_at"])
def test_a_name_of_our_own_is_refused(tmp_path, name):
    with pytest.raises(ConfigError, match=f"'{name}' is a name of our own"):
        read_log(written(tmp_path, "log.csv", LOG), keep=(name,))


@pytest.mark.parametrize("name", ["_hidden", "^a$", "a*", " "])
def test_a_name_that_would_be_taken_for_a_pattern_is_refused(tmp_path, name):
    with pytest.raises(ConfigError, match="must not begin with"):
        read_log(written(tmp_path, "log.csv", LOG), keep=(name,))


def test_objects_and_lists_are_refused(tmp_path):
    row = '{"timestamp": "2024-05-01", "user_id": 1, "event_type": "view", "item_id": 7, "tags": ["a"]}\n'
    with pytest.raises(InputError, match="column 'tags' cannot be kept, it holds objects or lists"):
        read_log(written(tmp_path, "log.jsonl", row), keep=("tags",))
    pl.read_ndjson(tmp_path / "log.jsonl").write_parquet(tmp_path / "log.parquet")
    with pytest.raises(InputError, match=r"column 'tags' cannot be kept, it is List\(String\)"):
        read_log(tmp_path / "log.parquet", keep=("tags",))


def test_a_column_is_kept_under_the_name_that_is_asked_for(tmp_path):
    log = read_log(
        written(tmp_path, "log.csv", LOG.replace("campaign", "price")),
        columns={"price": ""},
        keep=("gadget=device", "price_shown=price", "mark=brand"),
        catalog=[written(tmp_path, "list.csv", LIST)],
    )
    events = log.events.collect()
    assert events.columns == [*EVENTS, "gadget", "price_shown"]
    assert events["gadget"].to_list() == ["phone", "desk", "phone"]
    assert log.catalog.collect()["mark"].to_list() == ["Acme", None, None]


def test_names_may_be_given_as_a_mapping(tmp_path):
    path = written(tmp_path, "log.csv", LOG)
    events = read_log(path, keep={"gadget": "device", "app": "app"}, keep_as_text={"n": "clicks"}).events.collect()
    assert events.select("gadget", "app", "n").row(0) == ("phone", True, "1")


def test_codes_of_digits_are_kept_as_text_of_the_log_and_of_the_product_list(tmp_path):
    log = read_log(
        written(tmp_path, "log.csv", LOG),
        keep=("ratio",),
        keep_as_text=("clicks", "app", "grams=weight"),
        catalog=[written(tmp_path, "list.csv", LIST)],
    )
    events = log.events.collect()
    assert events.select("ratio", "clicks", "app").rows() == [
        (0.5, "1", "true"),
        (2.0, None, "FALSE"),
        (1000.0, "-3", None),
    ]
    assert log.catalog.collect()["grams"].to_list() == ["1.5", "2", None]


def test_numbers_of_parquet_that_are_codes_are_written_without_a_point(tmp_path):
    codes = {"store": pl.Series([3, None, 12], dtype=pl.UInt16), "plan": [7.0, None, 2.5], "app": [True, None, False]}
    named = {"timestamp": ["2024-05-01"] * 3, "user_id": [1, 2, 3], "event_type": ["view"] * 3, "item_id": [1, 2, 3]}
    pl.DataFrame(named | codes).write_parquet(tmp_path / "log.parquet")
    events = read_log(tmp_path / "log.parquet", keep_as_text=tuple(codes)).events.collect()
    assert events.select("store", "plan", "app").rows() == [
        ("3", "7", "true"),
        (None, None, None),
        ("12", "2.5", "false"),
    ]


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"keep": ("a=",)}, "a column to keep is NAME or OURS=THEIRS, such as brand=Marke, found 'a='"),
        ({"keep": ("a=app", "a=zip")}, "two columns cannot both be 'a', found 'app' and 'zip'"),
        ({"keep": ("price=app",)}, "'price' is a name of our own"),
        ({"columns": {"gadget": "device"}}, "found 'gadget'; a column of one's own is kept by --keep gadget=device"),
    ],
)
def test_what_names_no_column_to_keep_is_refused(tmp_path, named, said):
    with pytest.raises(ConfigError, match=said):
        read_log(written(tmp_path, "log.csv", LOG), **named)
