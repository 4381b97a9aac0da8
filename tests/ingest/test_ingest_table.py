"""A table of any layout: names that are given, times in two columns, and what is taken for an identifier."""

from __future__ import annotations

import polars as pl
import pytest
from compare_logs import DEFAULTS, at, moments, reasons, rows_of, written

from purchase_pred.errors import InputError
from purchase_pred.ingest import read_log
from purchase_pred.settings.ingest import IngestSettings

TABLE = "ts;visitor;what;sku\n2024-05-01 10:00:00Z;ann;buy;x 1\n2024-05-01 10:00:01Z;bob;order;x 2\n"
MAPPED = {"timestamp": "ts", "user_id": "visitor", "event_type": "what", "item_id": "sku"}


def test_table_takes_the_names_that_are_given(tmp_path):
    names = IngestSettings(columns=MAPPED, events={"purchase": ["buy", "order"]})
    log = read_log([written(tmp_path, "log.csv", TABLE)], format="table", settings=names)
    assert [event[1:5:2] for event in moments(log)] == [("ann", "purchase"), ("bob", "purchase")]


def test_star_makes_every_row_one_event_and_needs_no_event_column(tmp_path):
    names = IngestSettings(
        columns={"timestamp": "ts", "user_id": "visitor", "item_id": "sku"}, events={"purchase": "*"}
    )
    log = read_log([written(tmp_path, "log.csv", TABLE)], format="table", settings=names)
    assert [event[3] for event in moments(log)] == ["purchase", "purchase"]


def test_a_date_and_a_time_in_two_columns_are_one_time(tmp_path):
    text = "day;clock;visitor;what;sku\n01.05.2024; 10:00 ;ann;buy;x\n02.05.2024;;ann;buy;x\n"
    names = IngestSettings(
        columns=MAPPED | {"timestamp": "day+clock"}, events={"purchase": "buy"}, time_format="%d.%m.%Y %H:%M"
    )
    log = read_log([written(tmp_path, "log.csv", text)], format="table", settings=names)
    assert [event[2] for event in moments(log)] == [at(2024, 5, 1, 10)]
    assert reasons(log) == [(1, "bad_time")]


def test_a_column_really_named_with_a_plus_is_one_column(tmp_path):
    text = TABLE.replace("ts;", "day+clock;")
    names = IngestSettings(columns=MAPPED | {"timestamp": "day+clock"}, events={"purchase": ["buy", "order"]})
    assert len(moments(read_log([written(tmp_path, "log.csv", text)], format="table", settings=names))) == 2


def test_of_a_pair_of_columns_the_one_that_is_missing_is_named(tmp_path):
    path = written(tmp_path, "log.csv", TABLE)
    with pytest.raises(InputError, match=r"missing column 'clock' \(timestamp"):
        read_log([path], format="table", settings=IngestSettings(columns=MAPPED | {"timestamp": "ts+clock"}))


def test_all_events_that_are_not_named_can_be_ignored(tmp_path):
    names = IngestSettings(columns=MAPPED, events={"purchase": "buy", "ignore": "*"})
    log = read_log([written(tmp_path, "log.csv", TABLE + "2024-05-01;ann;;x\n")], format="table", settings=names)
    assert [event[3] for event in moments(log)] == ["purchase"]
    assert reasons(log) == [(1, "ignored_event"), (2, "unknown_event")]


def test_an_optional_column_can_be_left_out_and_a_required_one_cannot(tmp_path):
    header, row = "timestamp,user_id,event_type,item_id,price", "2024-05-01,1,view,2,cheap"
    path = written(tmp_path, "log.csv", f"{header}\n{row}\n")
    assert moments(read_log([path], format="table", settings=IngestSettings(columns={"price": ""})))[0][5] is None
    with pytest.raises(ValueError, match="a log needs user_id"):
        IngestSettings(columns={"user_id": "", "price": ""})


def test_integer_columns_of_parquet_keep_their_dtype(tmp_path):
    path = tmp_path / "log.parquet"
    pl.DataFrame(
        {
            "timestamp": [at(2024, 5, 1)] * 2,
            "user_id": pl.Series([1, 2], dtype=pl.UInt16),
            "event_type": pl.Series(["view", "view"], dtype=pl.Categorical),
            "item_id": [7.0, None],
            "tags": [["a"], []],
            "event_id": [9, 9],
        }
    ).write_parquet(path)
    log = read_log([path], format="table", settings=DEFAULTS)
    assert rows_of(log.events.select("user_id", "item_id")) == [(1, 7)]
    assert log.events.collect_schema()["user_id"] == pl.UInt16
    assert log.users.collect_schema()["user_id"] == pl.UInt16
    rejected = log.rejected.collect()
    assert rejected.row(0) == (1, "missing_item_id", "2024-05-01 00:00:00.000000+00:00", "2", "view", None, '{"tags":[]}', "9")  # noqa: E501  # fmt: skip
    assert rejected.columns[-1] == "source_event_id"


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        (["1", "-2"], [1, -2]),
        (["1", "02"], ["1", "02"]),
        (["1", "1.0"], ["1", "1.0"]),
        (["1", "9223372036854775808"], ["1", "9223372036854775808"]),
        ([" a ", "b"], ["a", "b"]),
    ],
)
def test_identifiers_are_integers_only_if_every_one_is_written_as_one(tmp_path, identifiers, expected):
    rows = "".join(f"2024-05-01,{name},view,x\n" for name in identifiers)
    path = written(tmp_path, "log.csv", "timestamp,user_id,event_type,item_id\n" + rows)
    log = read_log([path], format="table", settings=DEFAULTS)
    assert [event[1] for event in moments(log)] == expected


@pytest.mark.parametrize("word", ["None", "null", "NULL", "NaN", "nan", "N/A", "NA", "<NA>", "\\N", " null "])
def test_words_that_programs_write_for_nothing_are_no_identifiers_and_no_categories(tmp_path, word):
    header = "timestamp,user_id,event_type,item_id,category,price"
    rows = f"2024-05-01,{word},view,2,a,1\n2024-05-01,1,view,{word},a,1\n2024-05-01,1,view,2,{word},{word}\n"
    log = read_log([written(tmp_path, "log.csv", f"{header}\n{rows}")], format="table", settings=DEFAULTS)
    assert reasons(log) == [(0, "missing_user_id"), (1, "missing_item_id")]
    assert [event[1::3] for event in moments(log)] == [(1, 2)]
    assert rows_of(log.catalog.select("category")) == [(None,)]
    assert not [warning for warning in log.warnings if "price" in warning]


def test_a_rejected_row_does_not_turn_identifiers_into_text(tmp_path):
    text = "timestamp,user_id,event_type,item_id\n2024-05-01,1,view,2\nnever,nobody,view,nothing\n"
    log = read_log([written(tmp_path, "log.csv", text)], format="table", settings=DEFAULTS)
    assert [event[1::3] for event in moments(log)] == [(1, 2)]
