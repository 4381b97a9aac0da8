"""Files, globs and compression; every fault of them is one message."""

from __future__ import annotations

import gzip
import os
import re
from random import Random
from threading import Thread
from typing import TYPE_CHECKING

import polars as pl
import pytest
from compare_logs import DEFAULTS, rows_of

from purchase_pred.errors import InputError
from purchase_pred.ingest import read_log
from purchase_pred.settings.ingest import IngestSettings

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "timestamp,user_id,event_type,item_id\n"
ROW = "2024-05-01 10:00:00Z,{user},view,{item}\n"


def table(*rows: tuple[object, object]) -> str:
    return HEADER + "".join(ROW.format(user=user, item=item) for user, item in rows)


def pairs(*paths: Path | str, log_format: str = "table") -> list[tuple]:
    log = read_log(list(paths), format=log_format, settings=DEFAULTS)
    return rows_of(log.events.select("event_id", "user_id", "item_id"))


def fault(*paths: Path | str, log_format: str = "table", settings: IngestSettings = DEFAULTS) -> str:
    with pytest.raises(InputError) as raised:
        read_log(list(paths), format=log_format, settings=settings)
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_files_follow_one_another_in_the_order_given_and_globs_by_name(tmp_path):
    for name, user in (("b", 1), ("a", 2), ("c", 3)):
        (tmp_path / f"{name}.csv").write_text(table((user, 1)))
    assert pairs(tmp_path / "*.csv") == [(0, 2, 1), (1, 1, 1), (2, 3, 1)]
    assert pairs(tmp_path / "c.csv", tmp_path / "[ab].csv") == [(0, 3, 1), (1, 2, 1), (2, 1, 1)]


def test_one_log_may_be_of_csv_tabs_gzip_ndjson_and_parquet(tmp_path):
    (tmp_path / "1.csv").write_text(table((1, 1)))
    (tmp_path / "2.tsv").write_text("item_id\tuser_id\tevent_type\ttimestamp\n2\t2\tview\t1714557600\n")
    (tmp_path / "3.csv.gz").write_bytes(gzip.compress(table((3, 3)).encode()))
    (tmp_path / "4.jsonl").write_text('{"timestamp":1714557600,"user_id":4,"event_type":"view","item_id":4}\n')
    frame = {"timestamp": [1_714_557_600], "user_id": [5], "event_type": ["view"], "item_id": [5]}
    pl.DataFrame(frame).write_parquet(tmp_path / "5.parquet")
    (tmp_path / "6.jsonl.gz").write_bytes(
        gzip.compress(b'{"timestamp":1714557600,"user_id":6,"event_type":"view","item_id":6}\n', mtime=0)
    )
    assert pairs(tmp_path / "*") == [(place, place + 1, place + 1) for place in range(6)]


def test_content_tells_the_kind_of_a_file_not_its_name(tmp_path):
    (tmp_path / "log.txt").write_bytes(gzip.compress(table((1, 1)).encode()))
    (tmp_path / "log.gz").write_text('{"timestamp":1714557600,"user_id":2,"event_type":"view","item_id":2}\n')
    assert pairs(tmp_path / "log.txt", tmp_path / "log.gz") == [(0, 1, 1), (1, 2, 2)]


def test_names_with_glob_signs_are_taken_literally_when_they_exist(tmp_path):
    (tmp_path / "log[1].csv").write_text(table((1, 1)))
    (tmp_path / "log[1].jsonl").write_text('{"timestamp":1714557600,"user_id":2,"event_type":"view","item_id":2}\n')
    assert pairs(tmp_path / "log[1].csv", tmp_path / "log[1].jsonl") == [(0, 1, 1), (1, 2, 2)]


def test_byte_order_mark_carriage_returns_quotes_and_blanks_are_understood(tmp_path):
    text = '\ufefftimestamp , user_id,event_type,item_id\r\n2024-05-01 10:00:00Z,"ann, b", view ,"x ""1"""\r\n'
    (tmp_path / "log.csv").write_bytes(text.encode())
    assert pairs(tmp_path / "log.csv") == [(0, "ann, b", 'x "1"')]


def test_optional_fields_of_ndjson_may_turn_up_late(tmp_path):
    line = '{{"timestamp":{second},"user_id":1,"event_type":"view","item_id":1{more}}}\n'
    lines = [line.format(second=1_714_557_600 + place, more="") for place in range(10_050)]
    lines.append(line.format(second=1_714_600_000, more=',"price":2.5'))
    (tmp_path / "log.jsonl").write_text("".join(lines))
    log = read_log([tmp_path / "log.jsonl"], format="table", settings=DEFAULTS)
    assert rows_of(log.events.select(pl.col("price").drop_nulls())) == [(2.5,)]


def test_order_and_duplicates_hold_over_many_rows_and_files(tmp_path):
    random = Random(1)  # noqa: S311
    rows = [(random.randrange(400), random.randrange(40)) for _ in range(60_000)]
    for place in range(3):
        (tmp_path / f"{place}.csv").write_text(table(*rows[place * 20_000 : (place + 1) * 20_000]))
    first = {row: place for place, row in reversed(list(enumerate(rows)))}
    expected = [(place, *row) for place, row in enumerate(rows) if first[row] == place]
    assert pairs(tmp_path / "*.csv") == expected


def test_repeated_rows_are_compared_batch_by_batch(tmp_path, monkeypatch):
    monkeypatch.setattr("purchase_pred.ingest.profile._BATCH", 2)
    rows = [(user, 1) for user in (1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 5, 6)]
    (tmp_path / "log.csv").write_text(table(*rows))
    assert [user for _, user, _ in pairs(tmp_path / "log.csv")] == [1, 2, 3, 4, 5, 6]


def test_rows_whose_fingerprints_collide_are_no_duplicates(tmp_path, monkeypatch):
    same = pl.lit(7, pl.UInt64).alias("fingerprint")
    monkeypatch.setattr("purchase_pred.ingest.profile.fingerprint", lambda _: same)
    (tmp_path / "log.csv").write_text(table((1, 1), (2, 1), (1, 1), (3, 1)))
    assert [event_id for event_id, *_ in pairs(tmp_path / "log.csv")] == [0, 1, 3]


def test_missing_files_and_empty_globs_are_named(tmp_path):
    assert fault(tmp_path / "gone.csv") == f"{tmp_path}/gone.csv: no such file"
    assert fault(tmp_path / "*.csv") == f"{tmp_path}/*.csv: the pattern matches no file"
    assert "found a folder" in fault(tmp_path)
    assert "at least one file" in fault()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"timestamp,user_id,event_type,item_id\n", "columns but no rows"),
        (b"\x1f\x8b\x08\x00broken", "broken gzip"),
        (gzip.compress(b"", mtime=0), "the file is empty"),
        (gzip.compress(b"PAR1", mtime=0), "Parquet inside gzip"),
        (b"PAR1nothing", "broken Parquet"),
        (b"PK\x03\x04", "zip archive"),
        (b"\x28\xb5\x2f\xfd", "Zstandard"),
        ("timestamp,user_id\n".encode("utf-16"), "UTF-16"),
        (b"a,b\n\0\0", "binary content"),
        (b'[{"timestamp": 1}]', "one object per line"),
        (b'{"timestamp": 1}\n{"timestamp":', "not one JSON object per line"),
        (b'{"timestamp": 1}\n[1]\n', "not one JSON object per line"),
        (b"timestamp,user_id,event_type,item_id\r1,1,view,1\r", "lines end with CR alone"),
        (HEADER.encode() + "2024-05-01,caf\u00e9,view,1\n".encode("latin-1"), "convert it to UTF-8"),
        (HEADER.encode() + b'2024-05-01,"ann,view,1\n2024-05-01,bob,view,1\n', "quotation mark"),
        (b"timestamp,user_id,user_id,event_type,item_id\n1,1,1,1,1\n", "'user_id' stands twice"),
    ],
)
def test_files_that_cannot_be_read_are_named_with_the_fault(tmp_path, content, said):
    path = tmp_path / "log"
    path.write_bytes(content)
    message = fault(path)
    assert message.startswith(f"{path}: ")
    assert said in message


def test_of_many_files_the_one_that_breaks_off_is_named(tmp_path):
    random = Random(1)  # noqa: S311
    whole = gzip.compress(table(*((random.randrange(10**9), 1) for _ in range(30_000))).encode())
    (tmp_path / "a.csv.gz").write_bytes(whole)
    (tmp_path / "b.csv.gz").write_bytes(whole[: len(whole) // 2])
    message = fault(tmp_path / "*.gz")
    assert message.startswith(f"{tmp_path}/b.csv.gz: the log cannot be read to its end")


def test_missing_columns_are_named_at_once_with_those_found_and_the_nearest(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("ts,visitor,event_type,sku,colour\n1,1,view,1,red\n")
    assert fault(path) == (
        f"{path}: missing columns 'timestamp' (nearest: 'ts'), 'user_id' (nearest: 'visitor'), "
        "'item_id' (nearest: 'sku'); columns found: 'ts', 'visitor', 'event_type', 'sku', 'colour'; "
        "name the right ones with --map timestamp=ts --map user_id=visitor --map item_id=sku"
    )


def test_a_column_named_by_the_user_must_be_there_even_if_optional(tmp_path):
    (tmp_path / "log.csv").write_text(table((1, 1)))
    message = fault(tmp_path / "log.csv", settings=IngestSettings(columns={"price": "amount"}))
    assert "missing column 'amount' (price)" in message


def test_the_file_that_lacks_a_column_is_the_one_named(tmp_path):
    (tmp_path / "a.csv").write_text(table((1, 1)))
    (tmp_path / "b.csv").write_text("timestamp,user_id,event_type\n1,1,view\n")
    assert re.match(r".*b\.csv: missing column 'item_id'", fault(tmp_path / "*.csv"))


@pytest.mark.parametrize("log_format", ["rees46", "otto", "cdnow", "retailrocket", "yoochoose"])
def test_a_file_of_another_format_is_refused_by_name(tmp_path, log_format):
    path = tmp_path / "log.csv"
    path.write_text("a,b,c\n1,2,3\n")
    assert fault(path, log_format=log_format).startswith(f"{path}: ")


def test_unknown_formats_get_the_nearest(tmp_path):
    assert "is unknown, did you mean 'rees46'? (known: table, rees46" in fault(tmp_path, log_format="ree46")


@pytest.mark.parametrize("identifier", ['{"id": 1}', "[1]", "{}", "[]"])
def test_objects_and_lists_are_no_identifiers(tmp_path, identifier):
    line = '{{"timestamp":1714557600,"user_id":{},"event_type":"view","item_id":1}}\n'
    path = tmp_path / "log.jsonl"
    path.write_text(line.format(1) + line.format(identifier))
    assert fault(path).startswith(
        f"{path}: column 'user_id' holds objects or lists, and user_id must be text or a number"
    )


def test_an_object_far_below_is_no_identifier_either(tmp_path, monkeypatch):
    monkeypatch.setattr("purchase_pred.ingest.files._NAMES_FROM_LINES", 2)
    line = '{{"timestamp":1714557600,"user_id":"{{3F25}}","event_type":"view","item_id":{}}}\n'
    (tmp_path / "log.jsonl").write_text("".join(map(line.format, (1, 2, '{"id":1}', "[3]"))))
    log = read_log([tmp_path / "log.jsonl"], format="table", settings=DEFAULTS)
    assert rows_of(log.events.select("user_id", "item_id")) == [("{3F25}", 1), ("{3F25}", 2)]
    assert [reason for _, reason in rows_of(log.rejected.select("event_id", "reason"))] == ["missing_item_id"] * 2


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_ndjson_may_begin_with_a_byte_order_mark(tmp_path, pack):
    first = '\ufeff{"timestamp":1714557600,"user_id":2,"event_type":"view","item_id":"caf\u00e9"}'
    second = '{"item_id":"a\u2028b","timestamp":1714557601,"user_id":2,"event_type":"view","price":1.5}'
    lines = f"{first}\n\n{second}\n"
    (tmp_path / "log.jsonl").write_bytes(pack(lines.encode()))
    assert pairs(tmp_path / "log.jsonl") == [(0, 2, "caf\u00e9"), (1, 2, "a\u2028b")]


def test_otto_may_begin_with_a_byte_order_mark(tmp_path):
    line = '\ufeff{"session":5,"events":[{"aid":1,"ts":1659304800025,"type":"clicks"}]}\n'
    (tmp_path / "log.jsonl").write_text(line)
    assert pairs(tmp_path / "log.jsonl", log_format="otto") == [(0, 5, 1)]


def test_a_header_may_be_longer_than_the_first_bytes(tmp_path):
    more = [f"a_column_of_no_use_{place}" for place in range(3_000)]
    header = ",".join([HEADER.strip(), *more])
    assert len(header) > 65_536
    (tmp_path / "log.csv").write_text(f"{header}\n{ROW.format(user=1, item=2).strip()}{',' * 3_000}\n")
    assert pairs(tmp_path / "log.csv") == [(0, 1, 2)]


def test_columns_named_like_those_of_rejected_rows_keep_their_content(tmp_path):
    header = HEADER.strip() + ",extra_field,event_id,source_event_id,reason"
    row = ROW.format(user="", item=2).strip() + ",a,b,c,d"
    (tmp_path / "log.csv").write_text(f"{header}\n{row}\n{row},e\n{ROW.format(user=1, item=2)}")
    rejected = read_log([tmp_path / "log.csv"], format="table", settings=DEFAULTS).rejected.collect()
    assert rejected["extra_field"].to_list() == ["a", "a"]
    assert rejected["source_extra_field"].to_list() == [None, "e"]
    assert rejected["reason"].to_list() == ["missing_user_id", "extra_fields"]
    found = {"source_source_event_id": "b", "source_event_id": "c", "source_reason": "d"}
    assert {name: rejected[name][0] for name in found} == found


def test_a_pipe_is_read_like_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_text, args=(table((1, 2), (1, 2), (3, 4)),))
    writer.start()
    assert pairs(pipe) == [(0, 1, 2), (2, 3, 4)]
    writer.join()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("~nobody-of-that-name/x", "there is no such user"),
        ("a" * 5_000, "cannot be read (File name too long)"),
        (b"caf\xe9.csv".decode(errors="surrogateescape"), r"caf\udce9.csv: the name is not UTF-8 text"),
    ],
)
def test_names_that_no_file_can_have_are_refused(name, said):
    assert said in fault(name)


def test_a_glob_that_finds_a_name_that_is_no_text_is_refused(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.csv")).write_text(table((1, 1)))
    assert "the name is not UTF-8 text" in fault(tmp_path / "*.csv")


def test_a_column_of_the_wrong_dtype_is_refused(tmp_path):
    frame = {"timestamp": [1], "user_id": [[1]], "event_type": ["view"], "item_id": [1]}
    pl.DataFrame(frame).write_parquet(tmp_path / "log.parquet")
    assert "'user_id' must be text or a number, found List(Int64)" in fault(tmp_path / "log.parquet")


def test_users_and_items_of_a_log_that_has_been_written_read_nothing_of_its_source(tmp_path):
    source = tmp_path / "log.csv"
    rows = [(3, "hats", 5), (3, "", 4), (1, "caps", "")]
    source.write_text(
        f"{HEADER.strip()},category,price\n"
        + "".join(f"{ROW.format(user=user, item=7).strip()},{shelf},{price}\n" for user, shelf, price in rows)
    )
    log = read_log(source, settings=DEFAULTS)
    expected = [frame.collect() for frame in (log.events, log.users, log.items)]
    held = log.held(log.described.collect().lazy())
    source.unlink()
    for frame, before in zip((held.events, held.users, held.items), expected, strict=True):
        assert frame.collect().equals(before)


@pytest.mark.parametrize("first", ["\rtime,user", '"' + "a" * 200_000])
def test_a_first_line_that_is_no_row_is_refused_in_one_sentence(tmp_path, first):
    (tmp_path / "log.csv").write_bytes(f"{first}\n1,2\n".encode())
    with pytest.raises(InputError, match="the first line is no row of columns"):
        read_log([tmp_path / "log.csv"], settings=DEFAULTS)
