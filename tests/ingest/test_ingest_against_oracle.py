"""Random dirty logs, and the heads of real ones, read as a pure-Python oracle reads them."""

from __future__ import annotations

import csv
import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from compare_logs import assert_reads_as, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st
from log_oracle import Layout, MostlyUnreadable, csv_rows, json_rows, read

from purchase_pred.errors import InputError
from purchase_pred.ingest import read_log
from purchase_pred.settings.ingest import IngestSettings

NAMES = ("ts", "visitor", "what", "sku", "price", "seconds", "shelf", "extra")
COLUMNS = {
    "timestamp": "ts",
    "user_id": "visitor",
    "event_type": "what",
    "item_id": "sku",
    "price": "price",
    "duration_seconds": "seconds",
    "category": "shelf",
}
MEANINGS = {"view": "view", "purchase": "purchase", "order": "purchase", "cart": "add_to_cart", "beat": "ignore"}
TIMES = (
    "2024-03-31 01:59:59", "2024-03-31 02:30:00", "2024-10-27 02:30", "2024-10-27T02:30:00.25", "2024/05/01",
    "2024-05-01 10:00:00 UTC", "2024-05-01T10:00:00Z", "2024-05-01T12:00:00+02:00", "2024-05-01 05:30:00-0430",
    "1714557600", "1714557600000", "1714557600000000", "1714557600.5", "20240501", "20240230", "0", "-5",
    "2024-02-30 00:00:00", "yesterday", "2024-05-01 25:00:00", None,
    "20240220103000", "202402201030", "20240230103000", "20240220103000.0", "24-02-20", "2024-05-01 10:00:00+99:99",
    "1985-01-01", "9999-12-31 23:59:59", "2099-12-31 23:59:59Z", "1990-01-01", "99999999999",
)  # fmt: skip
SOUND_TIMES = TIMES[:1] + TIMES[4:11]


def pool(sound: tuple, odd: tuple) -> st.SearchStrategy:
    return st.one_of(st.sampled_from(sound), st.sampled_from(sound), st.sampled_from(odd))


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "ts": pool(SOUND_TIMES, TIMES),
            "visitor": pool(("1", "2", "12345678901"), (None, "0", "-3", "null", "NaN")),
            "what": pool(("view", "order", "cart"), ("beat", "purchase", "View", "search", None)),
            "sku": pool(("7", "8"), ("007", "a b", None, "None", "N/A")),
            "price": st.sampled_from(("1.5", "0", "-2", "free", "20", "12,50", "1.234,5", "nan", None)),
            "seconds": st.sampled_from(("0", "3.25", "nan", None)),
            "shelf": st.sampled_from(("shoes", "hats", None, "NULL")),
            "extra": st.integers(0, 3),
        }
    ),
    min_size=1,
    max_size=12,
)


EXTRAS = (
    ("phone", "desk", " phone ", None), ("true", "False", "TRUE", None), ("1", "-2", "30", "nan"),
    ("1.5", "2", "1,5", "-1.234,5"), ("007", "1", "2", "3"), ("1e3", "-2.25", "NA", "0.5"), (None, "NULL", "", "n/a"),
    ("true", "1", "1.5", "x"),
)  # fmt: skip
"""Values of a column to keep, four of a log."""

LOGS = st.fixed_dictionaries(
    {
        "rows": ROWS,
        "repeats": st.lists(st.integers(0, 11), max_size=4),
        "cut": st.integers(0, 12),
        "extras": st.sampled_from(EXTRAS),
        "zone": st.sampled_from(("UTC", "Europe/Berlin")),
        "decimal": st.sampled_from(".,"),
        "kind": st.sampled_from(("csv", "csv.gz", "ndjson", "parquet")),
    }
)


@given(log=LOGS)
@settings(max_examples=60)
def test_random_dirty_tables_read_as_the_oracle_reads_them(tmp_path_factory, log):
    rows = [row | {"extra": log["extras"][row["extra"]] or None} for row in log["rows"]]
    rows += [rows[place % len(rows)] for place in log["repeats"]]
    parts = [part for part in (rows[: log["cut"]], rows[log["cut"] :]) if part]
    folder = tmp_path_factory.mktemp("log")
    paths = [write(folder / f"part-{number}.{log['kind']}", part) for number, part in enumerate(parts)]
    given_names = IngestSettings(
        columns=COLUMNS,
        events={"purchase": "order", "add_to_cart": "cart", "ignore": "beat"},
        timezone=log["zone"],
        decimal=log["decimal"],
        keep=("extra", "shelf"),
    )
    events = {**MEANINGS, "scroll": "scroll", "remove_from_cart": "remove_from_cart", "add_to_cart": "add_to_cart"}
    try:
        expected = read(rows, Layout(COLUMNS, events, log["zone"], log["decimal"], keep=("extra", "shelf")))
    except MostlyUnreadable as unreadable:
        with pytest.raises(InputError, match=f"column .* \\({unreadable}\\): "):
            read_log(paths, format="table", settings=given_names)
        return
    assert_reads_as(read_log(paths, format="table", settings=given_names), expected)


@given(
    days=st.lists(st.integers(0, 90), min_size=90, max_size=140),
    strays=st.lists(st.integers(-9_000, 9_000), max_size=3),
    distance=st.sampled_from((1, 100, 365, 4_000)),
)
@settings(max_examples=30)
def test_events_far_from_all_others_are_rejected_as_the_oracle_rejects_them(tmp_path_factory, days, strays, distance):
    start = datetime(2024, 5, 1, 13, tzinfo=UTC)
    rows = [
        {"timestamp": str(start + timedelta(days=day)), "user_id": str(place), "event_type": "view", "item_id": "1"}
        for place, day in enumerate([*days, *strays])
    ]
    path = tmp_path_factory.mktemp("log") / "log.csv"
    path.write_text("\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]) + "\n")
    expected = read(rows, Layout({name: name for name in rows[0]}, outlier_distance=distance))
    assert_reads_as(
        read_log([path], format="table", settings=IngestSettings(outlier_distance=f"{distance}d")), expected
    )


def write(path: Path, rows: list[dict]) -> Path:
    if path.suffix == ".parquet":
        pl.DataFrame(rows, schema=dict.fromkeys(NAMES, pl.String)).write_parquet(path)
    elif path.suffix == ".ndjson":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "wt", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, NAMES)
            writer.writeheader()
            writer.writerows(rows)
    return path


def real_log(name: str) -> Path:
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    path = Path(os.environ.get("PURCHASE_PRED_REAL_LOGS", beside)) / name
    if not path.exists():
        pytest.skip(f"{name} is not at hand; PURCHASE_PRED_REAL_LOGS names the folder of real logs")
    return path


def test_head_of_rees46_reads_as_the_oracle_reads_it():
    path = real_log("rees46_2019-10_first_5000.csv")
    layout = Layout(
        {
            "timestamp": "event_time", "user_id": "user_id", "event_type": "event_type", "item_id": "product_id",
            "price": "price", "category": "category_code",
        },
        {"view": "view", "cart": "add_to_cart", "remove_from_cart": "remove_from_cart", "purchase": "purchase"},
    )  # fmt: skip
    expected = read(csv_rows([path]), layout)
    log = read_log([path], format="rees46", settings=IngestSettings())
    assert_reads_as(log, expected)
    assert (log.rows, log.warnings) == (5_000, ())
    assert {reason for _, reason in expected.rejected} == {"duplicate"}
    assert log.events.collect_schema()["user_id"] == pl.Int64


def test_head_of_otto_reads_as_the_oracle_reads_it():
    path = real_log("otto_20_users.jsonl")
    users = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [
        {"session": str(user["session"]), **{name: str(value) for name, value in event.items()}}
        for user in users
        for event in user["events"]
    ]
    layout = Layout(
        {"timestamp": "ts", "user_id": "session", "event_type": "type", "item_id": "aid"},
        {"clicks": "view", "carts": "add_to_cart", "orders": "purchase"},
    )
    log = read_log([path], format="otto", settings=IngestSettings())
    assert_reads_as(log, read(rows, layout))
    assert log.rows == 862
    assert log.events.select("user_id").unique().collect().height == 20


def test_cdnow_reads_as_the_oracle_reads_it():
    path = real_log("CDNOW_master.txt")
    lines = [line.split() for line in path.read_text().splitlines()[1:]]
    rows = [
        {"customer": str(int(customer)), "date": day, "quantity": number, "dollars": dollars, "event": "purchase", "item": "cdnow"}  # noqa: E501
        for customer, day, number, dollars in lines
    ]  # fmt: skip
    layout = Layout(
        {"timestamp": "date", "user_id": "customer", "event_type": "event", "item_id": "item", "price": "dollars"}
    )
    expected = read(rows, layout)
    log = read_log([path], format="cdnow", settings=IngestSettings())
    assert_reads_as(log, expected)
    assert (log.rows, len(expected.rejected), len(expected.users)) == (69_659, 255, 23_570)
    assert log.events.filter(pl.col("price").is_null()).collect().height == 80


def test_ndjson_rows_are_those_of_the_json_module(tmp_path):
    path = tmp_path / "log.jsonl"
    lines = [
        {"timestamp": 1714557600, "user_id": 1, "event_type": "view", "item_id": "a", "note": "first"},
        {"timestamp": 1714557600.25, "user_id": 2, "event_type": "purchase", "item_id": "b", "price": 3.5},
        {"timestamp": None, "user_id": 2, "event_type": "view", "item_id": "b"},
        {"timestamp": 1714557600, "user_id": 1, "event_type": "view", "item_id": "a", "note": "first"},
        {"timestamp": 1714557600, "user_id": 1, "event_type": "view", "item_id": "a", "note": "second"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    names = {name: name for name in ("timestamp", "user_id", "event_type", "item_id", "price")}
    log = read_log([path], format="table", settings=IngestSettings())
    assert_reads_as(log, read(json_rows([path]), Layout(names)))
    assert [event_id for event_id, *_ in rows_of(log.events)] == [0, 1, 4]
